"""
Job queues.
"""

from __future__ import annotations

from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..rules import before, declare
from .held import (
    FARGATE,
    as_described,
    begin_deletion,
    check_settled,
    environment,
    every_queue,
    queue,
    settle,
    short,
    status,
    with_arns,
)
from .lifecycle import end
from .refusals import check_name, maybe_missing, refuse

declare(
    (74, "M", "a queue takes one to three valid environments of one kind, in an order"),
    (75, "M", "a queue's time limits are checked, and read back"),
    (76, "D", "a queue is CREATING, then VALID; its environments are read back as ARNs"),
    (77, "M", "a queue is deleted DISABLED and settled; its jobs end with it"),
)

HEALTHY = "JobQueue Healthy"
REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
ON_INSTANCES = "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED"
JOBS_A_SECOND = 16


@before(76, "batch:CreateJobQueue")
def _name_is_free(call: ApiCall) -> None:
    if queue(call.account, call.params["jobQueueName"]) is not None:
        refuse("Object already exists", 409)


@before(83, "batch:CreateJobQueue")
def _fifty(call: ApiCall) -> None:
    if len(every_queue(call.account)) >= 50:
        refuse(call.account.loose("job queue limit of 50"))


@before(74, "batch:CreateJobQueue", "batch:UpdateJobQueue")
def _order(call: ApiCall) -> None:
    if call.operation == "CreateJobQueue":
        check_name(call.params["jobQueueName"], "Job Queue name should match a valid pattern.")
    elif "computeEnvironmentOrder" not in call.params:
        return
    order = call.params.get("computeEnvironmentOrder") or []
    if not order:
        refuse("computeEnvironmentOrder is required.")
    if len(order) > 3:
        refuse(call.account.loose("computeEnvironmentOrder 3"))
    if len({each["order"] for each in order}) < len(order):
        refuse("Duplicate ComputeEnvironment order values.")
    _check_environments(call, order)


def _check_environments(call: ApiCall, order: list[dict[str, Any]]) -> None:
    kinds = set()
    for each in order:
        entry = environment(call.account, each["computeEnvironment"])
        if entry is None:
            refuse(call.account.loose(f"{each['computeEnvironment']} does not exist"))
        if status(entry) not in ("VALID", "UPDATING"):
            refuse(
                "Compute Environments must be created and valid "
                "before attaching them to a job queue"
            )
        kinds.add(entry["shown"].get("computeResources", {}).get("type") in FARGATE)
    if len(kinds) > 1:
        refuse("Fargate and EC2 compute environments can not be mixed.")


def _reasons(call: ApiCall) -> tuple[str, ...]:
    """
    Why a job of this queue may be stuck.
    """
    order = call.params.get("computeEnvironmentOrder")
    held = queue(call.account, call.params.get("jobQueue", ""))
    order = order or (held["shown"]["computeEnvironmentOrder"] if held else [])
    found = [environment(call.account, each["computeEnvironment"]) for each in order]
    kinds = [one["shown"].get("computeResources", {}).get("type") for one in found if one]
    return REASONS if any(kind in FARGATE for kind in kinds) else (*REASONS, ON_INSTANCES)


@before(75, "batch:CreateJobQueue", "batch:UpdateJobQueue")
def _limits(call: ApiCall) -> None:
    limits = call.params.get("jobStateTimeLimitActions") or []
    for limit in limits:
        if limit["action"] != "CANCEL":
            refuse("Invalid job action. Valid job actions: [CANCEL]")
        if limit["reason"] not in _reasons(call) or limit["state"] != "RUNNABLE":
            refuse(call.account.loose(f"reason {limit['reason']}, state {limit['state']}"))
        if not 600 <= limit["maxTimeSeconds"] <= 86400:
            refuse(call.account.loose(f"maxTimeSeconds {limit['maxTimeSeconds']}"))
    if len({(limit["state"], limit["reason"]) for limit in limits}) < len(limits):
        refuse("Duplicate job state limit actions are not allowed.")


@before(0, "batch:CreateJobQueue")
def _create(call: ApiCall) -> None:
    account, params = call.account, dict(call.params)
    params["computeEnvironmentOrder"] = with_arns(account, params["computeEnvironmentOrder"])
    # The backend insists on a state.
    params.setdefault("state", "ENABLED")
    call.answer = call.ask(params)
    first = environment(account, params["computeEnvironmentOrder"][0]["computeEnvironment"])
    kind = first["shown"].get("computeResources", {}).get("type") if first else "EC2"
    shown = {
        "jobStateTimeLimitActions": [],
        **params,
        "jobQueueArn": call.answer["jobQueueArn"],
        "status": "CREATING",
        "statusReason": "",
        "jobQueueType": "ECS_FARGATE" if kind in FARGATE else "ECS",
    }
    entry = account.add("queue", params["jobQueueName"], shown=shown, backed=True)
    account.at("queue_create", lambda: settle(entry, "VALID", HEALTHY))


@before(69, "batch:UpdateJobQueue", "batch:DeleteJobQueue")
def _is_settled(call: ApiCall) -> None:
    entry = queue(call.account, call.params["jobQueue"])
    if entry is not None:
        check_settled(entry, call.operation[:6].lower())


@before(0, "batch:UpdateJobQueue")
def _update(call: ApiCall) -> None:
    account, params = call.account, call.params
    entry = queue(account, params["jobQueue"])
    if entry is None:
        refuse(account.loose(f"{params['jobQueue']} does not exist"))
    if "schedulingPolicyArn" in params and "schedulingPolicyArn" not in entry["shown"]:
        refuse(account.loose("schedulingPolicyArn"))
    shown = entry["shown"]
    call.answer = {key: shown[key] for key in ("jobQueueName", "jobQueueArn")}
    settle(entry, "UPDATING", "")
    account.at("queue_update", lambda: _apply(account, entry, params))


def _apply(account: Account, entry: OverlayEntry, params: dict[str, Any]) -> None:
    shown = entry["shown"]
    given = {key: part for key, part in params.items() if key != "jobQueue"}
    if "computeEnvironmentOrder" in given:
        given["computeEnvironmentOrder"] = with_arns(account, given["computeEnvironmentOrder"])
        _let_go(account, shown, given["computeEnvironmentOrder"])
    shown.update(given)
    settle(entry, "VALID", HEALTHY)
    account.raw("batch").update_job_queue(jobQueue=shown["jobQueueArn"], **given)


def _let_go(account: Account, shown: dict[str, Any], order: list[dict[str, Any]]) -> None:
    """
    The environments that the queue no longer has are free of it only some seconds later.
    """
    kept = {each["computeEnvironment"] for each in order}
    for each in shown["computeEnvironmentOrder"]:
        entry = environment(account, each["computeEnvironment"])
        if entry is not None and each["computeEnvironment"] not in kept:
            entry["related_until"] = account.now + account.delays["relation"]


@before(77, "batch:DeleteJobQueue")
def _is_disabled(call: ApiCall) -> None:
    entry = queue(call.account, call.params["jobQueue"])
    if entry is not None and entry["shown"]["state"] == "ENABLED":
        refuse(call.account.loose(entry.id))


@before(0, "batch:DeleteJobQueue")
def _delete(call: ApiCall) -> None:
    account = call.account
    entry = queue(account, call.params["jobQueue"])
    if entry is None:
        maybe_missing(call, {})
        return
    call.answer = {}
    begin_deletion(account, entry)
    mine = [job for job in account.all("job") if job["queue"] == entry.id and job["live"]]
    for job in mine:
        end(account, job, "FAILED", "Terminated because its job queue was deleted")
        account.hit(77)
    seconds = account.delays["queue_delete"] + len(mine) / JOBS_A_SECOND
    account.at(seconds, lambda: _deleted(account, entry))


def _deleted(account: Account, entry: OverlayEntry) -> None:
    account.raw("batch").delete_job_queue(jobQueue=entry["shown"]["jobQueueArn"])
    account.drop("queue", entry.id)
    _let_go(account, entry["shown"], [])


@before(76, "batch:DescribeJobQueues")
def _describe(call: ApiCall) -> bool:
    account = call.account
    wanted = {short(name) for name in call.params.get("jobQueues", [])}
    found = [each for each in every_queue(account) if not wanted or each.id in wanted]
    shown = [as_described(account, each, each["shown"]["jobQueueArn"]) for each in found]
    call.answer = {"jobQueues": account.shuffled(shown)}
    return bool(shown)
