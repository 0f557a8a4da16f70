"""
Instances of EC2: what an environment of them needs, what they have room for, and how they end.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.exceptions import ClientError

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..iam.trust import assumable, authorised
from ..rules import before, declare
from .container_start import ARM, joins
from .held import environment
from .job_view import needs
from .refusals import refuse

declare(
    (140, "D", "an instance profile that is new, empty or not there makes an environment INVALID"),
    (141, "D", "the types of an environment are known, and have one architecture"),
    (142, "D", "a launch template that isn't there makes an environment INVALID"),
    (143, "D", "an update for which other instances start ends the jobs that outlast its time-out"),
    (144, "D", "a job that no type of its environment has room for stays RUNNABLE"),
    (145, "D", "an instance that can't reach ECS, or may not, never joins; jobs stay RUNNABLE"),
    (146, "D", "an unmanaged environment has the instances that have joined its cluster"),
)

ON_INSTANCES = ("EC2", "SPOT")
SIZES: dict[str, tuple[int, int, int]] = {
    "m6i.large": (2, 8192, 0),
    "m6i.2xlarge": (8, 32768, 0),
    "c6i.4xlarge": (16, 32768, 0),
    "r6i.8xlarge": (32, 262144, 0),
    "m6g.2xlarge": (8, 32768, 0),
    "g4dn.xlarge": (4, 16384, 1),
    "g5.xlarge": (4, 16384, 1),
    "g5.12xlarge": (48, 196608, 4),
    "g6.xlarge": (4, 16384, 1),
}
"""vCPUs, MiB and GPUs of the types that there are here."""
OWN_CHOICE = {
    "default_x86_64": ("m6i", "c6i", "r6i"),
    "optimal": ("m6i", "c6i", "r6i"),
    "default_arm64": ("m6g",),
}
REGISTERS = "ecs:RegisterContainerInstance"
SCALING = {"minvCpus", "maxvCpus", "desiredvCpus", "scalingPolicy"}


def types_of(given: list[str]) -> list[str]:
    """
    The instance types that *given* types, families and words of Batch stand for.
    """
    families = [each for one in given for each in OWN_CHOICE.get(one, (one,))]
    return [size for one in families for size in SIZES if one in (size, size.partition(".")[0])]


@before(141, "batch:CreateComputeEnvironment", "batch:UpdateComputeEnvironment")
def _types_are_sound(call: ApiCall) -> None:
    resources = call.params.get("computeResources") or {}
    fargate = resources.get("type", "").startswith("FARGATE")
    given = [] if fargate else resources.get("instanceTypes", [])
    unknown = [one for one in given if not types_of([one])]
    if unknown:
        refuse(call.account.loose(f"instance types {unknown} don't exist"))
    if len({size.partition(".")[0] in ARM for size in types_of(given)}) > 1:
        refuse("Instance types must have the same architecture.")


@before(140, "batch:CreateComputeEnvironment")
def _profile_is_seen(call: ApiCall) -> None:
    resources = call.params.get("computeResources") or {}
    arn = resources.get("instanceRole") if resources.get("type") in ON_INSTANCES else ""
    if arn and call.account.rng.random() < 0.5 and (why := profile_trouble(call.account, arn)):
        refuse(why)


def profile_trouble(account: Account, arn: str) -> str:
    """
    What is wrong with an instance profile, or "".
    """
    name = arn.rpartition("/")[2]
    fresh = account.younger("profile", name, "iam")
    if not fresh and roles_in(account, name):
        return ""
    return f"CLIENT_ERROR - instance profile {name} does not exist" if account.hit(140) else ""


def roles_in(account: Account, profile: str) -> list[str]:
    """
    The ARNs of the roles that a profile holds; none if it isn't there.
    """
    try:
        found = account.raw("iam").get_instance_profile(InstanceProfileName=profile)
    except ClientError:
        return []
    return [role["Arn"] for role in found["InstanceProfile"]["Roles"]]


def instance_trouble(account: Account, resources: dict[str, Any]) -> str:
    """
    Why an environment of instances can't work, or "".
    """
    if resources.get("type") not in ON_INSTANCES:
        return ""
    template = resources.get("launchTemplate", {}).get("launchTemplateId")
    held = account.raw("ec2").describe_launch_templates()["LaunchTemplates"]
    known = {one["LaunchTemplateId"] for one in held}
    if template and template not in known and account.hit(142):
        return f"CLIENT_ERROR - {account.loose(f'launch template {template}')}"
    return profile_trouble(account, resources["instanceRole"])


def instance_fault(account: Account, job: OverlayEntry, entry: OverlayEntry) -> str:
    """
    Why a job can't go to the instances of an environment, or "".
    """
    shown = entry["shown"]
    resources = shown.get("computeResources") or {}
    if shown["type"] == "UNMANAGED":
        cluster = shown["ecsClusterArn"]
        joined = [one for one in account.all("instance") if one["cluster"] == cluster]
        sizes = [SIZES[one["type"]] for one in joined]
        return (
            ""
            if any(_holds(size, job) for size in sizes)
            else _hit(account, 146, "none has joined")
        )
    if resources.get("type") not in ON_INSTANCES:
        return ""
    sizes = [SIZES[size] for size in types_of(resources["instanceTypes"])]
    if not any(_holds(size, job) for size in sizes):
        return _hit(account, 144, "no type")
    return "" if _joins(account, resources) else _hit(account, 145, "none has joined")


def _hit(account: Account, number: int, fault: str) -> str:
    return fault if account.hit(number) else ""


def _holds(size: tuple[int, int, int], job: OverlayEntry) -> bool:
    """
    Whether an instance has room for a job, beside what its system and the agent take.
    """
    vcpus, memory, gpus = size
    fits = needs(job, "VCPU") <= vcpus and needs(job, "MEMORY") <= memory * 0.95 - 32
    return fits and needs(job, "GPU") <= gpus


def _joins(account: Account, resources: dict[str, Any]) -> bool:
    roles = roles_in(account, resources["instanceRole"].rpartition("/")[2])
    able = [
        role
        for role in roles
        if assumable(account, role, "ec2.amazonaws.com") and authorised(account, role, REGISTERS)
    ]
    return bool(able) and joins(account, resources)


@before(143, "batch:UpdateComputeEnvironment")
def _jobs_are_ended(call: ApiCall) -> bool:
    account, entry = call.account, environment(call.account, call.params["computeEnvironment"])
    given = set(call.params.get("computeResources") or {})
    if entry is None or not given - SCALING:
        return False
    resources = entry["shown"].get("computeResources") or {}
    if resources.get("type") not in ON_INSTANCES:
        return False
    policy = call.params.get("updatePolicy") or {}
    minutes = policy.get("jobExecutionTimeoutMinutes", 30)
    seconds = 0 if policy.get("terminateJobsOnUpdate") else minutes * 60
    arn = entry["shown"]["computeEnvironmentArn"]
    for job in [one for one in account.all("job") if one["environment"] == arn and one["live"]]:
        account.at(seconds, functools.partial(_terminated, job))
    return True


def _terminated(job: OverlayEntry) -> None:
    if job["live"] and job["status"] in ("STARTING", "RUNNING"):
        job["status"], job["live"] = "FAILED", False
        job["reason"] = "Host EC2 (instance i-0123456789abcdef0) terminated."
