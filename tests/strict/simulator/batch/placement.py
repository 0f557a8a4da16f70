"""
Which environment a job goes to, and what it waits for as long as it goes to none.
"""

from __future__ import annotations

from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..rules import before, declare
from .environment_trouble import role_trouble
from .held import environment, queue, settle, status
from .instances import instance_fault
from .job_view import needs

declare(
    (115, "D", "a job waits for vCPUs of its environments, for capacity, and for the quota"),
)

QUOTAS = {"FARGATE": "L-3032A538", "FARGATE_SPOT": "L-36FBB829"}
NEW_ACCOUNT = 6.0
SILENT = ("full", "quota", "none has joined")
REASONS = {
    "capacity": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - ",
    "small": (
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue "
        "cannot meet the CPU requirement of the job."
    ),
    "no type": (
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement "
        "(vCPU/memory/GPU) is higher than that can be met by the CE(s) attached to the job queue."
    ),
    "role": (
        "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch service role has a permission issue."
    ),
    "invalid": "ACTION_REQUIRED - CE(s) associated with the job queue are invalid.",
    "disabled": "ACTION_REQUIRED - CE(s) associated with the job queue are disabled.",
}
BLOCKED = "UNDETERMINED - Batch job is blocked, root cause is undetermined."


def place(account: Account, job: OverlayEntry) -> tuple[str, str]:
    """
    The environment that the job goes to, or "" and why it goes to none.
    """
    if account.find("blocked", job["queue"]):
        return "", BLOCKED
    held, faults = queue(account, job["queue"]), []
    for each in held["shown"]["computeEnvironmentOrder"] if held else ():
        fault = _fault(account, job, each["computeEnvironment"])
        if not fault:
            return each["computeEnvironment"], ""
        faults.append(fault)
    if set(faults) & {*SILENT}:
        return "", ""
    reason = next((REASONS[fault] for fault in REASONS if fault in faults), "")
    # Only the code is told for certain; the rest names an instance type, or whatever it is.
    return "", reason + account.loose("capacity") if reason.endswith("- ") else reason


def _fault(account: Account, job: OverlayEntry, arn: str) -> str:
    entry = environment(account, arn)
    if entry is None or status(entry) == "INVALID":
        return "invalid"
    role = role_trouble(account, entry)
    if "sts:AssumeRole" in role:
        settle(entry, "INVALID", role)
    if role:
        return "invalid" if status(entry) == "INVALID" else "role"
    resources = entry["shown"].get("computeResources") or {}
    if entry["shown"]["state"] == "DISABLED":
        return "disabled"
    if (fault := instance_fault(account, job, entry)) or entry["shown"]["type"] == "UNMANAGED":
        return fault
    most, wanted = resources.get("maxvCpus", 0), needs(job, "VCPU")
    if most < wanted:
        return "small"
    if account.find("no capacity", resources.get("type")) and account.hit(115):
        return "capacity"
    if _busy(account, {arn}) + wanted > most:
        return "full"
    return (
        "quota"
        if _busy(account, _alike(account, resources)) + wanted > _quota(account, resources)
        else ""
    )


def _busy(account: Account, environments: set[str]) -> float:
    jobs = [job for job in account.all("job") if job["live"] and job["placed"]]
    return sum(needs(job, "VCPU") for job in jobs if job["environment"] in environments)


def _alike(account: Account, resources: dict[str, Any]) -> set[str]:
    return {
        entry["shown"]["computeEnvironmentArn"]
        for entry in account.all("environment")
        if entry["shown"].get("computeResources", {}).get("type") == resources.get("type")
    }


def _quota(account: Account, resources: dict[str, Any]) -> float:
    code = QUOTAS.get(resources.get("type", ""))
    return _value(account, code) if code else float("inf")


def _value(account: Account, code: str) -> float:
    held = account.find("quota", code)
    return float(held["value"]) if held else NEW_ACCOUNT


@before(115, "service-quotas:GetServiceQuota")
def _asked(call: ApiCall) -> bool:
    code = call.params["QuotaCode"]
    if call.params["ServiceCode"] != "fargate" or code not in QUOTAS.values():
        return False
    value = _value(call.account, code)
    call.answer = {"Quota": {"ServiceCode": "fargate", "QuotaCode": code, "Value": value}}
    return True
