"""
Section D: how a container runs and ends, and whether another attempt is made.

The simulator runs no programs. A test says what the program of a command does (`Program`); a
command of which nothing is said succeeds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ._batch_environments import environment
from ._batch_shown import needs, task_of
from ._batch_start import why_not
from ._ec2_interfaces import plant_task, uproot
from ._rules import declare
from ._world import Thing, World

declare(
    (116, "D", "an attempt tells its exit code; of too much memory or time, and of a lost command"),
    (117, "D", "a Spot task may be taken back at any time"),
    (118, "D", "an attempt that failed is made again as its retry strategy says"),
)

EXITED = "Essential container in task exited"
MACHINES = {"X86_64": "amd64", "ARM64": "arm64"}


class Program(NamedTuple):
    """
    What a program does: for how long, with what exit code, with how many MiB, writing what.

    It may not be *there*, or be for a certain *machine*.
    """

    exit: int = 0
    lines: Sequence[str] = ()
    seconds: float = 10
    memory: int = 0
    there: bool = True
    machine: str = ""


def start(world: World, job: Thing) -> None:
    """
    Start a container, or fail as it can't be started.
    """
    if not job["live"]:
        return
    job["status"], job["begun"] = "STARTING", world.now
    reason = why_not(world, job)
    if reason:
        world.hit(81)
        _over(world, job, {}, reason)
        return
    held = environment(world, job["environment"])
    resources = held["shown"].get("computeResources", {}) if held else {}
    if resources.get("type", "").startswith("FARGATE") and world.on(47):
        job["interface"] = plant_task(world, resources["subnets"][0], resources["securityGroupIds"])
    number = f"{world.rng.getrandbits(128):032x}"
    job["task"] = task_of(held, number) if held else ""
    job["stream"] = _stream(job, number)
    seconds = world.delays["job_running"] - world.delays["job_starting"]
    world.at(seconds, lambda: _run(world, job, len(job["attempts"])))


def _stream(job: Thing, number: str) -> str:
    options = (job["container"].get("logConfiguration") or {}).get("options") or {}
    prefix = options.get("awslogs-stream-prefix", job["definition"]["jobDefinitionName"])
    return f"{prefix}/default/{number}"


def _program(world: World, job: Thing) -> Program:
    command = job["container"].get("command") or [""]
    held = world.find("program", command[0])
    usual = world.delays["job_done"] - world.delays["job_running"]
    found: Program = held["does"] if held else Program(seconds=usual)
    return found


def _run(world: World, job: Thing, attempt: int) -> None:
    if not job["live"]:
        return
    program = _program(world, job)
    if not program.there:
        world.hit(116)
        command = job["container"]["command"][0]
        told = f'exec: "{command}": executable file not found in $PATH'
        _over(world, job, {"reason": f"CannotStartContainerError: {told}"}, "Task failed to start")
        return
    job["status"] = "RUNNING"
    limit = _limit(job)
    world.at(min(program.seconds, limit), lambda: _exit(world, job, attempt, program))


def _limit(job: Thing) -> float:
    given = job["params"].get("timeout") or job["definition"].get("timeout") or {}
    return float(given.get("attemptDurationSeconds", float("inf")))


def _exit(world: World, job: Thing, attempt: int, program: Program) -> None:
    """
    End an attempt as its program, or what is around it, ends it.
    """
    if not job["live"] or len(job["attempts"]) != attempt:
        return
    platform = (job["container"].get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
    if program.machine not in ("", MACHINES[platform]):
        program = program._replace(exit=1, lines=["exec /app/main: exec format error"], memory=0)
    _write(world, job, program.lines)
    if program.seconds > _limit(job):
        world.hit(116)
        last = {"exitCode": 137}
        _over(world, job, last, "Job attempt duration exceeded timeout", last_one=True)
    elif program.memory > needs(job, "MEMORY"):
        world.hit(116)
        told = "OutOfMemoryError: Container killed due to memory usage"
        _over(world, job, {"exitCode": 137, "reason": told}, EXITED)
    else:
        _over(world, job, {"exitCode": program.exit}, EXITED)


def _write(world: World, job: Thing, lines: Sequence[str]) -> None:
    """
    Put the lines of a container where its log configuration says.
    """
    options = (job["container"].get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group", "/aws/batch/job")
    logs, stream = world.raw("logs"), job["stream"]
    if not lines or not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + place, "message": line} for place, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def reclaim(world: World, job: Thing, code: int | None = None) -> None:
    """
    Have AWS take the Spot task of a job back.

    What the program makes of SIGTERM is its own affair: *code*, which is 137 if it is killed.
    """
    world.hit(117)
    last = {} if code is None else {"exitCode": code}
    _over(world, job, last, "Your Spot Task was interrupted.")


def _over(
    world: World, job: Thing, container: dict[str, Any], reason: str, last_one: bool = False
) -> None:
    """
    End an attempt: the job has succeeded, or failed, or is tried again.
    """
    told = {**container, **({"logStreamName": job["stream"]} if job.get("stream") else {})}
    began, ended = int(job["begun"] * 1000), int(world.now * 1000)
    attempt = {"container": told, "statusReason": reason, "startedAt": began, "stoppedAt": ended}
    job["attempts"].append(attempt)
    if container.get("exitCode") == 0:
        end(world, job, "SUCCEEDED", reason)
    elif last_one or not _again(world, job, container, reason):
        end(world, job, "FAILED", reason)
    else:
        from ._batch_waits import begin

        job["placed"], job["status"] = False, "RUNNABLE"
        world.at("job_runnable", lambda: begin(world, job))


def _again(world: World, job: Thing, container: dict[str, Any], reason: str) -> bool:
    strategy = job["params"].get("retryStrategy") or job["definition"].get("retryStrategy") or {}
    if len(job["attempts"]) >= strategy.get("attempts", 1):
        return False
    world.hit(118)
    said = {
        "onStatusReason": reason,
        "onReason": container.get("reason", ""),
        "onExitCode": str(container.get("exitCode", "")),
    }
    for one in strategy.get("evaluateOnExit") or ():
        if all(fnmatchcase(said[key], one[key]) for key in said if key in one):
            return bool(one["action"].upper() == "RETRY")
    return True


def end(world: World, job: Thing, status: str, reason: str) -> None:
    """
    End a job, if it has not ended.
    """
    if job["live"]:
        job["status"], job["reason"], job["live"] = status, reason, False
        interface = job.get("interface")
        if interface:
            world.at("task_interface", lambda: uproot(world, interface))
