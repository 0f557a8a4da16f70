"""
The life of a job: it waits, its container starts, runs and ends, and is perhaps tried again.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from ..account import Account, OverlayEntry
from ..ec2.interfaces import plant_task, uproot
from ..iam.trust import authorised
from ..rules import declare
from .container_start import MACHINES, connected, why_not
from .held import environment
from .job_view import needs, task_of
from .placement import place
from .programs import Program, program_of, stream_of, write_lines

declare(
    (113, "D", "a job is PENDING until those that it depends on have succeeded; it fails with one"),
    (114, "D", "an array is PENDING until its children have ended, and fails if one has failed"),
    (116, "D", "an attempt tells its exit code; of too much memory or time, and of a lost command"),
    (117, "D", "a Spot task may be taken back at any time"),
    (133, "D", "a secret is authorised by its own ARN, whatever key and version a job wants of it"),
    (160, "D", "a task is in any subnet of its environment; its program fails without a way out"),
    (161, "D", "what a program calls is authorised by the job's role as it calls"),
    (118, "D", "an attempt that failed is made again as its retry strategy says"),
)

EXITED = "Essential container in task exited"
AGAIN = 5.0
"""After how many seconds Batch looks again whether a job can be started."""


def begin(account: Account, job: OverlayEntry) -> None:
    """
    Go on with a job that is not started yet, and look again later if it still can't be.
    """
    if not job["live"]:
        return
    if _depends(account, job):
        account.at(AGAIN, lambda: begin(account, job))
    elif job["children"]:
        job["status"] = "PENDING"
        for child in job["children"]:
            begin(account, child)
        _gather(account, job)
    elif job["live"]:
        _queue_up(account, job)


def _depends(account: Account, job: OverlayEntry) -> bool:
    """
    Whether the job has to wait for another; it ends if that has failed.
    """
    others = [account.find("job", each["jobId"]) for each in job["params"].get("dependsOn", [])]
    states = [other["status"] for other in others if other is not None]
    if "FAILED" in states and account.hit(113):
        for each in (*job["children"], job):
            end(account, each, "FAILED", "Dependent Job failed")
        return False
    waits = any(state != "SUCCEEDED" for state in states) and account.hit(113)
    if waits:
        job["status"] = "PENDING"
    return waits


def _gather(account: Account, job: OverlayEntry) -> None:
    """
    End an array when its children have ended.
    """
    if any(child["live"] for child in job["children"]):
        account.at(AGAIN, lambda: _gather(account, job))
        return
    account.hit(114)
    bad = any(child["status"] == "FAILED" for child in job["children"])
    end(account, job, "FAILED" if bad else "SUCCEEDED", "Array Child Job failed" if bad else "")


def _queue_up(account: Account, job: OverlayEntry) -> None:
    job["status"] = "RUNNABLE"
    placed_on, job["reason"] = place(account, job)
    if not placed_on:
        account.hit(81 if job["reason"] else 115)
        account.at(AGAIN, lambda: begin(account, job))
        return
    job["environment"], job["placed"] = placed_on, True
    seconds = account.delays["job_starting"] - account.delays["job_runnable"]
    account.at(seconds, lambda: start(account, job))


def start(account: Account, job: OverlayEntry) -> None:
    """
    Start a container, or fail as it can't be started.
    """
    if not job["live"]:
        return
    job["status"], job["begun"] = "STARTING", account.now
    held = environment(account, job["environment"])
    resources = held["shown"].get("computeResources", {}) if held else {}
    job["subnet"] = _subnet(account, resources)
    reason = why_not(account, job)
    if reason:
        account.hit(81)
        _over(account, job, {}, reason)
        return
    if resources.get("type", "").startswith("FARGATE") and account.on(47):
        job["interface"] = plant_task(account, job["subnet"], resources["securityGroupIds"])
    number = f"{account.rng.getrandbits(128):032x}"
    job["task"] = task_of(held, number) if held else ""
    job["stream"] = stream_of(job, number)
    seconds = account.delays["job_running"] - account.delays["job_starting"]
    account.at(seconds, lambda: _run(account, job, len(job["attempts"])))


def _subnet(account: Account, resources: dict[str, Any]) -> str:
    """
    The subnet of a task: the first, or the one that a test has planted as the next.
    """
    planted = account.find("task subnet", "next")
    subnets = resources.get("subnets", [""])
    return str(planted["subnet"] if planted else subnets[0])


def _run(account: Account, job: OverlayEntry, attempt: int) -> None:
    if not job["live"]:
        return
    program = program_of(account, job)
    if not program.there:
        account.hit(116)
        command = job["container"]["command"][0]
        told = f'exec: "{command}": executable file not found in $PATH'
        _over(
            account, job, {"reason": f"CannotStartContainerError: {told}"}, "Task failed to start"
        )
        return
    job["status"] = "RUNNING"
    limit = _limit(job)
    account.at(min(program.seconds, limit), lambda: _exit(account, job, attempt, program))


def _limit(job: OverlayEntry) -> float:
    given = job["params"].get("timeout") or job["definition"].get("timeout") or {}
    return float(given.get("attemptDurationSeconds", float("inf")))


def _exit(account: Account, job: OverlayEntry, attempt: int, program: Program) -> None:
    """
    End an attempt as its program, or what is around it, ends it.
    """
    if not job["live"] or len(job["attempts"]) != attempt:
        return
    platform = (job["container"].get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
    if program.machine not in ("", MACHINES[platform]):
        program = program._replace(exit=1, lines=["exec /app/main: exec format error"], memory=0)
    if lost := _lost(account, job, program):
        program = program._replace(exit=1, lines=[lost])
    write_lines(account, job, program.lines)
    if program.seconds > _limit(job):
        account.hit(116)
        last = {"exitCode": 137}
        _over(account, job, last, "Job attempt duration exceeded timeout", last_one=True)
    elif program.memory > needs(job, "MEMORY"):
        account.hit(116)
        told = "OutOfMemoryError: Container killed due to memory usage"
        _over(account, job, {"exitCode": 137, "reason": told}, EXITED)
    else:
        _over(account, job, {"exitCode": program.exit}, EXITED)


def _lost(account: Account, job: OverlayEntry, program: Program) -> str:
    """
    What a program that runs can't reach any more, or "".
    """
    for action in program.calls:
        account.hit(161)
        if not authorised(account, job["container"].get("jobRoleArn", ""), action):
            return f"AccessDenied: not authorized to perform: {action}"
    # Without a subnet, the instances are the user's own.
    cut_off = job["subnet"] and not connected(account, job["container"], job["subnet"])
    return "connect timeout on endpoint URL" if cut_off and account.hit(160) else ""


def reclaim(account: Account, job: OverlayEntry, code: int | None = None) -> None:
    """
    Have AWS take the Spot task of a job back.

    What the program makes of SIGTERM is its own affair: *code*, which is 137 if it is killed.
    """
    account.hit(117)
    last = {} if code is None else {"exitCode": code}
    _over(account, job, last, "Your Spot Task was interrupted.")


def _over(
    account: Account,
    job: OverlayEntry,
    container: dict[str, Any],
    reason: str,
    last_one: bool = False,
) -> None:
    """
    End an attempt: the job has succeeded, or failed, or is tried again.
    """
    told = {**container, **({"logStreamName": job["stream"]} if job.get("stream") else {})}
    began, ended = int(job["begun"] * 1000), int(account.now * 1000)
    attempt = {"container": told, "statusReason": reason, "startedAt": began, "stoppedAt": ended}
    job["attempts"].append(attempt)
    if container.get("exitCode") == 0:
        end(account, job, "SUCCEEDED", reason)
    elif last_one or not _again(account, job, container, reason):
        end(account, job, "FAILED", reason)
    else:
        job["placed"], job["status"] = False, "RUNNABLE"
        account.at("job_runnable", lambda: begin(account, job))


def _again(account: Account, job: OverlayEntry, container: dict[str, Any], reason: str) -> bool:
    strategy = job["params"].get("retryStrategy") or job["definition"].get("retryStrategy") or {}
    if len(job["attempts"]) >= strategy.get("attempts", 1):
        return False
    account.hit(118)
    said = {
        "onStatusReason": reason,
        "onReason": container.get("reason", ""),
        "onExitCode": str(container.get("exitCode", "")),
    }
    for one in strategy.get("evaluateOnExit") or ():
        if all(fnmatchcase(said[key], one[key]) for key in said if key in one):
            return bool(one["action"].upper() == "RETRY")
    return True


def end(account: Account, job: OverlayEntry, status: str, reason: str) -> None:
    """
    End a job, if it has not ended.
    """
    if job["live"]:
        job["status"], job["reason"], job["live"] = status, reason, False
        interface = job.get("interface")
        if interface:
            account.at("task_interface", lambda: uproot(account, interface))
