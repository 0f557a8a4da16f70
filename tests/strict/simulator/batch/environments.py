"""
Compute environments.
"""

from __future__ import annotations

import uuid
from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..iam.trust import assumable, linked_role, make_linked_role, role_of
from ..permissions import denied
from ..rules import before, declare
from .environment_trouble import not_assumed, trouble, unknown_places
from .held import (
    FARGATE,
    as_described,
    begin_deletion,
    check_settled,
    environment,
    every_environment,
    every_queue,
    settle,
    short,
    status,
)
from .refusals import maybe_missing, refuse

declare(
    (59, "M", "the first Fargate environment waits for the ECS service-linked role"),
    (60, "M", "an environment's name is free again only when the old one is gone"),
    (69, "M", "nothing is updated or deleted while it is being modified"),
    (70, "M", "an environment is deleted DISABLED, some seconds after no queue has it any more"),
    (71, "M", "an environment whose role is gone is never deleted"),
    (72, "D", "a Fargate environment with active jobs becomes INVALID when it is deleted"),
    (73, "D", "an environment is read back with more than was given, lists in another order"),
    (171, "T", "an INVALID environment is looked at again by an update that names its role"),
    (172, "T", "one that never could assume its role stays INVALID for long, whatever is updated"),
    (173, "T", "the deletion of an INVALID environment may fail, until it is asked for again"),
    (83, "D", "a region takes fifty environments, and fifty queues"),
)

HEALTHY = "ComputeEnvironment Healthy"
LOOKED_AT = 1.0


@before(60, "batch:CreateComputeEnvironment")
def _name_is_free(call: ApiCall) -> None:
    if environment(call.account, call.params["computeEnvironmentName"]) is not None:
        refuse("Object already exists", 409)


@before(83, "batch:CreateComputeEnvironment")
def _fifty(call: ApiCall) -> None:
    if len(every_environment(call.account)) >= 50:
        refuse(call.account.loose("compute environment limit of 50"))


@before(58, "batch:CreateComputeEnvironment")
def _role_is_linked(call: ApiCall) -> bool:
    if call.params.get("serviceRole"):
        return False
    arn = linked_role(call.account, "batch.amazonaws.com")
    if role_of(call.account, arn) is None:
        _may_link(call)
    call.params["serviceRole"] = arn
    return True


def _may_link(call: ApiCall) -> None:
    action = "iam:CreateServiceLinkedRole"
    if call.caller.is_denied(action):
        raise denied(call, action)


@before(59, "batch:CreateComputeEnvironment")
def _ecs_is_linked(call: ApiCall) -> None:
    service = "ecs.amazonaws.com"
    if call.params.get("computeResources", {}).get("type") not in FARGATE:
        return
    if role_of(call.account, linked_role(call.account, service)) is None:
        _may_link(call)
        make_linked_role(call.account, service)
    if call.account.younger("linked role", "AWSServiceRoleForECS", "ecs_linked_role"):
        refuse(
            "Unable to assume the service linked role. "
            "Please verify that the ECS service linked role exists."
        )


@before(0, "batch:CreateComputeEnvironment")
def _create(call: ApiCall) -> None:
    account, params = call.account, call.params
    make_linked_role(account, "batch.amazonaws.com")
    linked = linked_role(account, "batch.amazonaws.com")
    name = params["computeEnvironmentName"]
    backed = not unknown_places(account, params.get("computeResources", {}))
    arn = _arn(account, name)
    if backed:
        # The backend takes a role that exists; what the caller's role is worth is judged here.
        arn = call.ask(_for_backend(params, linked))["computeEnvironmentArn"]
    entry = account.add("environment", name, shown=_as_shown(account, params, arn), backed=backed)
    entry["related_until"] = float("-inf")
    entry["never_valid"] = True
    call.answer = {"computeEnvironmentName": name, "computeEnvironmentArn": arn}
    _evaluate_later(account, entry, "environment_create")


def _for_backend(params: dict[str, Any], linked: str) -> dict[str, Any]:
    """
    What the backend is asked for: it starts instances, and knows other rules of them.
    """
    if params.get("computeResources", {}).get("type") in FARGATE:
        return {**params, "serviceRole": linked}
    kept = {key: part for key, part in params.items() if key != "computeResources"}
    return {"state": "ENABLED", **kept, "type": "UNMANAGED", "serviceRole": linked}


def _arn(account: Account, name: str) -> str:
    place = f"{account.partition}:batch:{account.region}:{account.id}"
    return f"arn:{place}:compute-environment/{name}"


def _as_shown(account: Account, params: dict[str, Any], arn: str) -> dict[str, Any]:
    name = params["computeEnvironmentName"]
    cluster = f"cluster/AWSBatch-{name}-{uuid.uuid4()}"
    return {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": f"arn:{account.partition}:ecs:{account.region}:{account.id}:{cluster}",
        "type": params["type"],
        "state": params.get("state", "ENABLED"),
        "status": "CREATING",
        "statusReason": "",
        "computeResources": dict(params.get("computeResources", {})),
        "serviceRole": params["serviceRole"],
        "updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30},
        "containerOrchestrationType": "ECS",
        "uuid": str(uuid.uuid4()),
        "tags": dict(params.get("tags", {})),
    }


def _evaluate_later(account: Account, entry: OverlayEntry, delay: str, stuck: str = "") -> None:
    """
    AWS looks at the role early on, and tells at the end of the delay what came of it; where the
    environment is *stuck* for a reason, it doesn't look.
    """

    def end() -> None:
        reason = entry["trouble"]
        entry["never_valid"] = entry.get("never_valid", False) and bool(reason)
        settle(entry, "INVALID" if reason else "VALID", reason or HEALTHY)

    def look() -> None:
        entry["trouble"] = stuck or trouble(account, entry)

    entry["trouble"] = ""
    account.at(min(LOOKED_AT, account.delays[delay]), look)
    account.at(delay, end)


@before(69, "batch:UpdateComputeEnvironment", "batch:DeleteComputeEnvironment")
def _is_settled(call: ApiCall) -> None:
    entry = environment(call.account, call.params["computeEnvironment"])
    if entry is not None:
        check_settled(entry, call.operation[:6].lower())


@before(0, "batch:UpdateComputeEnvironment")
def _update(call: ApiCall) -> None:
    account, params = call.account, call.params
    entry = environment(account, params["computeEnvironment"])
    if entry is None:
        refuse(account.loose(f"{params['computeEnvironment']} does not exist"))
    shown = entry["shown"]
    stuck = _stuck(account, entry, params)
    settle(entry, "UPDATING", "")
    call.answer = {key: shown[f"computeEnvironment{key[18:]}"] for key in _NAMES}
    entry["wanted"] = {**shown["computeResources"], **params.get("computeResources", {})}
    account.at("environment_update", lambda: _apply(account, entry, params))
    if "serviceRole" in params:
        shown["serviceRole"] = params["serviceRole"]
    _evaluate_later(account, entry, "environment_update", stuck)


def _stuck(account: Account, entry: OverlayEntry, params: dict[str, Any]) -> str:
    """
    Why the environment stays INVALID whatever comes of an update, or "".
    """
    reason = str(entry["shown"].get("statusReason", ""))
    if status(entry) != "INVALID" or "/aws-service-role/" in entry["shown"]["serviceRole"]:
        return ""
    if entry.get("never_valid") and "sts:AssumeRole" in reason and account.hit(172):
        return reason
    return reason if not params.get("serviceRole") and account.hit(171) else ""


_NAMES = ("computeEnvironmentName", "computeEnvironmentArn")


def _apply(account: Account, entry: OverlayEntry, params: dict[str, Any]) -> None:
    shown = entry["shown"]
    given = params.get("computeResources", {})
    shown["computeResources"].update({key: part for key, part in given.items() if part != []})
    shown.update({key: params[key] for key in ("state", "updatePolicy") if key in params})
    if entry["backed"]:
        wanted = {"computeEnvironment": entry.id, "state": shown["state"]}
        if given:
            wanted["computeResources"] = given
        account.raw("batch").update_compute_environment(**wanted)
    elif not unknown_places(account, shown["computeResources"]):
        _back(account, entry)


def _back(account: Account, entry: OverlayEntry) -> None:
    """
    Have the backend know what was made in subnets that weren't there, and is in others now.
    """
    linked, shown = linked_role(account, "batch.amazonaws.com"), entry["shown"]
    params = {key: shown[key] for key in (_NAMES[0], "type", "state", "computeResources", "tags")}
    account.raw("batch").create_compute_environment(**_for_backend(params, linked))
    entry["backed"] = True


@before(70, "batch:DeleteComputeEnvironment")
def _is_loose(call: ApiCall) -> None:
    entry = environment(call.account, call.params["computeEnvironment"])
    if entry is None:
        return
    if entry["shown"]["state"] == "ENABLED":
        refuse(call.account.loose(entry.id))
    lag = call.account.now < entry.get("related_until", float("-inf"))
    if lag or _queued(call.account, entry["shown"]["computeEnvironmentArn"]):
        refuse("Cannot delete, found existing JobQueue relationship")


def _queued(account: Account, arn: str) -> bool:
    return any(
        arn == each["computeEnvironment"]
        for queue in every_queue(account)
        for each in queue["shown"]["computeEnvironmentOrder"]
    )


@before(0, "batch:DeleteComputeEnvironment")
def _delete(call: ApiCall) -> None:
    account = call.account
    entry = environment(account, call.params["computeEnvironment"])
    if entry is None:
        maybe_missing(call, {})
        return
    call.answer = {}
    begin_deletion(account, entry)
    account.at("environment_delete", lambda: _deleted(account, entry))


def _deleted(account: Account, entry: OverlayEntry) -> None:
    role, arn = entry["shown"]["serviceRole"], entry["shown"]["computeEnvironmentArn"]
    first = account.once("deletion", arn)
    linked = "/aws-service-role/" in role
    if not linked and not assumable(account, role, "batch.amazonaws.com") and account.hit(71):
        settle(entry, "INVALID", not_assumed(role))
        return
    busy = [job for job in account.all("job") if job.get("environment") == arn and job["live"]]
    if busy and account.hit(72):
        settle(entry, "INVALID", account.loose("jobs are active"))
        return
    if first and entry["before"]["status"] == "INVALID" and account.hit(173):
        settle(entry, "INVALID", entry["before"]["statusReason"])
        return
    if entry["backed"]:
        account.raw("batch").delete_compute_environment(computeEnvironment=entry.id)
    account.drop("environment", entry.id)


@before(73, "batch:DescribeComputeEnvironments")
def _describe(call: ApiCall) -> bool:
    account = call.account
    wanted = {short(name) for name in call.params.get("computeEnvironments", [])}
    names = wanted or set(every_environment(account))
    found = [environment(account, name) for name in sorted(names)]
    shown = [_disturbed(account, entry) for entry in found if entry is not None]
    call.answer = {"computeEnvironments": account.shuffled(shown)}
    return bool(shown)


def _disturbed(account: Account, entry: OverlayEntry) -> dict[str, Any]:
    shown = as_described(account, entry, entry["shown"]["computeEnvironmentArn"])
    if shown["type"] == "UNMANAGED":
        shown.pop("computeResources", None)
    resources = shown.get("computeResources", {})
    for key in ("subnets", "securityGroupIds", "instanceTypes"):
        if key in resources:
            resources[key] = account.shuffled(resources[key])
    if resources.get("type") in ("EC2", "SPOT"):
        low, high = resources.get("minvCpus", 0), resources.get("maxvCpus", 0)
        resources["desiredvCpus"] = account.rng.randint(low, max(low, high))
    return shown
