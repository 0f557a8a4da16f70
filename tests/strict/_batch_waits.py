"""
Section D: what a job waits for before a container of it is started.
"""

from __future__ import annotations

from typing import Any

from . import _batch as batch
from ._batch_ends import end, start
from ._batch_environments import environment
from ._batch_queues import queue
from ._batch_shown import needs
from ._batch_trouble import role_trouble
from ._rules import before, declare
from ._world import Call, Thing, World

declare(
    (113, "D", "a job is PENDING until those that it depends on have succeeded; it fails with one"),
    (114, "D", "an array is PENDING until its children have ended, and fails if one has failed"),
    (115, "D", "a job waits for vCPUs of its environments, for capacity, and for the quota"),
)

QUOTAS = {"FARGATE": "L-3032A538", "FARGATE_SPOT": "L-36FBB829"}
NEW_ACCOUNT = 6.0
AGAIN = 5.0
"""After how many seconds Batch looks again whether a job can be started."""
SILENT = ("full", "quota")
REASONS = {
    "capacity": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - ",
    "small": (
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue "
        "cannot meet the CPU requirement of the job."
    ),
    "role": (
        "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch service role has a permission issue."
    ),
    "invalid": "ACTION_REQUIRED - CE(s) associated with the job queue are invalid.",
    "disabled": "ACTION_REQUIRED - CE(s) associated with the job queue are disabled.",
}
BLOCKED = "UNDETERMINED - Batch job is blocked, root cause is undetermined."


def begin(world: World, job: Thing) -> None:
    """
    Go on with a job that is not started yet, and look again later if it still can't be.
    """
    if not job["live"]:
        return
    if _depends(world, job):
        world.at(AGAIN, lambda: begin(world, job))
    elif job["children"]:
        job["status"] = "PENDING"
        for child in job["children"]:
            begin(world, child)
        _gather(world, job)
    elif job["live"]:
        _queue_up(world, job)


def _depends(world: World, job: Thing) -> bool:
    """
    Whether the job has to wait for another; it ends if that has failed.
    """
    others = [world.find("job", each["jobId"]) for each in job["params"].get("dependsOn", [])]
    states = [other["status"] for other in others if other is not None]
    if "FAILED" in states and world.hit(113):
        for each in (*job["children"], job):
            end(world, each, "FAILED", "Dependent Job failed")
        return False
    waits = any(state != "SUCCEEDED" for state in states) and world.hit(113)
    if waits:
        job["status"] = "PENDING"
    return waits


def _gather(world: World, job: Thing) -> None:
    """
    End an array when its children have ended.
    """
    if any(child["live"] for child in job["children"]):
        world.at(AGAIN, lambda: _gather(world, job))
        return
    world.hit(114)
    bad = any(child["status"] == "FAILED" for child in job["children"])
    end(world, job, "FAILED" if bad else "SUCCEEDED", "Array Child Job failed" if bad else "")


def _queue_up(world: World, job: Thing) -> None:
    job["status"] = "RUNNABLE"
    place, job["reason"] = _place(world, job)
    if not place:
        world.hit(81 if job["reason"] else 115)
        world.at(AGAIN, lambda: begin(world, job))
        return
    job["environment"], job["placed"] = place, True
    seconds = world.delays["job_starting"] - world.delays["job_runnable"]
    world.at(seconds, lambda: start(world, job))


def _place(world: World, job: Thing) -> tuple[str, str]:
    """
    The environment that the job goes to, or "" and why it goes to none.
    """
    if world.find("blocked", job["queue"]):
        return "", BLOCKED
    held, faults = queue(world, job["queue"]), []
    for each in held["shown"]["computeEnvironmentOrder"] if held else ():
        fault = _fault(world, job, each["computeEnvironment"])
        if not fault:
            return each["computeEnvironment"], ""
        faults.append(fault)
    if set(faults) & {*SILENT}:
        return "", ""
    reason = next((REASONS[fault] for fault in REASONS if fault in faults), "")
    # Only the code is told for certain; the rest names an instance type, or whatever it is.
    return "", reason + world.loose("capacity") if reason.endswith("- ") else reason


def _fault(world: World, job: Thing, arn: str) -> str:
    thing = environment(world, arn)
    if thing is None or batch.status(thing) == "INVALID":
        return "invalid"
    role = role_trouble(world, thing)
    if "sts:AssumeRole" in role:
        batch.settle(thing, "INVALID", role)
    if role:
        return "invalid" if batch.status(thing) == "INVALID" else "role"
    resources = thing["shown"]["computeResources"]
    if thing["shown"]["state"] == "DISABLED":
        return "disabled"
    most, wanted = resources.get("maxvCpus", 0), needs(job, "VCPU")
    if most < wanted:
        return "small"
    if world.find("no capacity", resources.get("type")) and world.hit(115):
        return "capacity"
    if _busy(world, {arn}) + wanted > most:
        return "full"
    return (
        "quota"
        if _busy(world, _alike(world, resources)) + wanted > _quota(world, resources)
        else ""
    )


def _busy(world: World, environments: set[str]) -> float:
    jobs = [job for job in world.all("job") if job["live"] and job["placed"]]
    return sum(needs(job, "VCPU") for job in jobs if job["environment"] in environments)


def _alike(world: World, resources: dict[str, Any]) -> set[str]:
    return {
        thing["shown"]["computeEnvironmentArn"]
        for thing in world.all("environment")
        if thing["shown"]["computeResources"].get("type") == resources.get("type")
    }


def _quota(world: World, resources: dict[str, Any]) -> float:
    code = QUOTAS.get(resources.get("type", ""))
    return _value(world, code) if code else float("inf")


def _value(world: World, code: str) -> float:
    held = world.find("quota", code)
    return float(held["value"]) if held else NEW_ACCOUNT


@before(115, "service-quotas:GetServiceQuota")
def _asked(call: Call) -> bool:
    code = call.params["QuotaCode"]
    if call.params["ServiceCode"] != "fargate" or code not in QUOTAS.values():
        return False
    value = _value(call.world, code)
    call.answer = {"Quota": {"ServiceCode": "fargate", "QuotaCode": code, "Value": value}}
    return True
