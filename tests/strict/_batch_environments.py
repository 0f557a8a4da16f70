"""
Section D: compute environments.
"""

from __future__ import annotations

import uuid
from typing import Any

from . import _batch as batch
from ._batch_checks import FARGATE
from ._batch_trouble import not_assumed, trouble, unknown_places
from ._faults import denied
from ._rules import before, declare
from ._trust import assumable, linked_role, make_linked_role, role_of
from ._world import Call, Thing, World

declare(
    (59, "M", "the first Fargate environment waits for the ECS service-linked role"),
    (60, "M", "an environment's name is free again only when the old one is gone"),
    (69, "M", "nothing is updated or deleted while it is being modified"),
    (70, "M", "an environment is deleted DISABLED, some seconds after no queue has it any more"),
    (71, "M", "an environment whose role is gone is never deleted"),
    (72, "D", "a Fargate environment with active jobs becomes INVALID when it is deleted"),
    (73, "D", "an environment is read back with more than was given, lists in another order"),
    (83, "D", "a region takes fifty environments, and fifty queues"),
)

HEALTHY = "ComputeEnvironment Healthy"
LOOKED_AT = 1.0


def environment(world: World, name: str) -> Thing | None:
    """
    A compute environment by name or ARN.
    """
    return batch.held(world, "environment", name, lambda short: _backend(world, short))


def _backend(world: World, name: str) -> dict[str, Any] | None:
    found = world.raw("batch").describe_compute_environments(computeEnvironments=[name])
    every: list[dict[str, Any]] = found["computeEnvironments"]
    return batch.as_found(every[0]) if every else None


@before(60, "batch:CreateComputeEnvironment")
def _name_is_free(call: Call) -> None:
    if environment(call.world, call.params["computeEnvironmentName"]) is not None:
        batch.refuse("Object already exists", 409)


@before(83, "batch:CreateComputeEnvironment")
def _fifty(call: Call) -> None:
    if len(_every(call.world)) >= 50:
        batch.refuse(call.world.loose("compute environment limit of 50"))


@before(58, "batch:CreateComputeEnvironment")
def _role_is_linked(call: Call) -> bool:
    if call.params.get("serviceRole"):
        return False
    arn = linked_role(call.world, "batch.amazonaws.com")
    if role_of(call.world, arn) is None:
        _may_link(call)
    call.params["serviceRole"] = arn
    return True


def _may_link(call: Call) -> None:
    action = "iam:CreateServiceLinkedRole"
    if call.process.is_denied(action):
        raise denied(call, action)


@before(59, "batch:CreateComputeEnvironment")
def _ecs_is_linked(call: Call) -> None:
    service = "ecs.amazonaws.com"
    if call.params.get("computeResources", {}).get("type") not in FARGATE:
        return
    if role_of(call.world, linked_role(call.world, service)) is None:
        _may_link(call)
        make_linked_role(call.world, service)
    if call.world.younger("linked role", "AWSServiceRoleForECS", "ecs_linked_role"):
        batch.refuse(
            "Unable to assume the service linked role. "
            "Please verify that the ECS service linked role exists."
        )


@before(0, "batch:CreateComputeEnvironment")
def _create(call: Call) -> None:
    world, params = call.world, call.params
    make_linked_role(world, "batch.amazonaws.com")
    linked = linked_role(world, "batch.amazonaws.com")
    name = params["computeEnvironmentName"]
    backed = not unknown_places(world, params.get("computeResources", {}))
    arn = _arn(world, name)
    if backed:
        # The backend takes a role that exists; what the caller's role is worth is judged here.
        arn = call.ask({**params, "serviceRole": linked})["computeEnvironmentArn"]
    thing = world.add("environment", name, shown=_as_shown(world, params, arn), backed=backed)
    thing["related_until"] = float("-inf")
    call.answer = {"computeEnvironmentName": name, "computeEnvironmentArn": arn}
    _evaluate_later(world, thing, "environment_create")


def _arn(world: World, name: str) -> str:
    place = f"{world.partition}:batch:{world.region}:{world.account}"
    return f"arn:{place}:compute-environment/{name}"


def _as_shown(world: World, params: dict[str, Any], arn: str) -> dict[str, Any]:
    name = params["computeEnvironmentName"]
    cluster = f"cluster/AWSBatch-{name}-{uuid.uuid4()}"
    return {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": f"arn:{world.partition}:ecs:{world.region}:{world.account}:{cluster}",
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


def _evaluate_later(world: World, thing: Thing, delay: str) -> None:
    """
    AWS looks at the role early on, and tells at the end of the delay what came of it.
    """

    def end() -> None:
        reason = thing["trouble"]
        batch.settle(thing, "INVALID" if reason else "VALID", reason or HEALTHY)

    def look() -> None:
        thing["trouble"] = trouble(world, thing)

    thing["trouble"] = ""
    world.at(min(LOOKED_AT, world.delays[delay]), look)
    world.at(delay, end)


@before(69, "batch:UpdateComputeEnvironment", "batch:DeleteComputeEnvironment")
def _is_settled(call: Call) -> None:
    thing = environment(call.world, call.params["computeEnvironment"])
    if thing is not None:
        batch.check_settled(thing, call.operation[:6].lower())


@before(0, "batch:UpdateComputeEnvironment")
def _update(call: Call) -> None:
    world, params = call.world, call.params
    thing = environment(world, params["computeEnvironment"])
    if thing is None:
        batch.refuse(world.loose(f"{params['computeEnvironment']} does not exist"))
    shown = thing["shown"]
    batch.settle(thing, "UPDATING", "")
    call.answer = {key: shown[f"computeEnvironment{key[18:]}"] for key in _NAMES}
    thing["wanted"] = {**shown["computeResources"], **params.get("computeResources", {})}
    world.at("environment_update", lambda: _apply(world, thing, params))
    if "serviceRole" in params:
        shown["serviceRole"] = params["serviceRole"]
    _evaluate_later(world, thing, "environment_update")


_NAMES = ("computeEnvironmentName", "computeEnvironmentArn")


def _apply(world: World, thing: Thing, params: dict[str, Any]) -> None:
    shown = thing["shown"]
    given = params.get("computeResources", {})
    shown["computeResources"].update({key: part for key, part in given.items() if part != []})
    shown.update({key: params[key] for key in ("state", "updatePolicy") if key in params})
    if thing["backed"]:
        wanted = {"computeEnvironment": thing.id, "state": shown["state"]}
        if given:
            wanted["computeResources"] = given
        world.raw("batch").update_compute_environment(**wanted)


@before(70, "batch:DeleteComputeEnvironment")
def _is_loose(call: Call) -> None:
    thing = environment(call.world, call.params["computeEnvironment"])
    if thing is None:
        return
    if thing["shown"]["state"] == "ENABLED":
        batch.refuse(call.world.loose(thing.id))
    lag = call.world.now < thing.get("related_until", float("-inf"))
    if lag or _queued(call.world, thing["shown"]["computeEnvironmentArn"]):
        batch.refuse("Cannot delete, found existing JobQueue relationship")


def _queued(world: World, arn: str) -> bool:
    from ._batch_queues import every_queue

    return any(
        arn == each["computeEnvironment"]
        for queue in every_queue(world)
        for each in queue["shown"]["computeEnvironmentOrder"]
    )


@before(0, "batch:DeleteComputeEnvironment")
def _delete(call: Call) -> None:
    world = call.world
    thing = environment(world, call.params["computeEnvironment"])
    if thing is None:
        batch.maybe_missing(call, {})
        return
    call.answer = {}
    batch.settle(thing, "DELETING", "")
    world.at("environment_delete", lambda: _deleted(world, thing))


def _deleted(world: World, thing: Thing) -> None:
    role, arn = thing["shown"]["serviceRole"], thing["shown"]["computeEnvironmentArn"]
    linked = "/aws-service-role/" in role
    if not linked and not assumable(world, role, "batch.amazonaws.com") and world.hit(71):
        batch.settle(thing, "INVALID", not_assumed(role))
        return
    busy = [job for job in world.all("job") if job.get("environment") == arn and job["live"]]
    if busy and world.hit(72):
        batch.settle(thing, "INVALID", world.loose("jobs are active"))
        return
    if thing["backed"]:
        world.raw("batch").delete_compute_environment(computeEnvironment=thing.id)
    world.drop("environment", thing.id)


@before(73, "batch:DescribeComputeEnvironments")
def _describe(call: Call) -> bool:
    world = call.world
    wanted = {batch.short(name) for name in call.params.get("computeEnvironments", [])}
    names = wanted or set(_every(world))
    found = [environment(world, name) for name in sorted(names)]
    shown = [_disturbed(world, thing) for thing in found if thing is not None]
    call.answer = {"computeEnvironments": world.shuffled(shown)}
    return bool(shown)


def _every(world: World) -> list[str]:
    pages = world.raw("batch").get_paginator("describe_compute_environments").paginate()
    held = pages.build_full_result()["computeEnvironments"]
    names = {each["computeEnvironmentName"] for each in held}
    return sorted(names | {thing.id for thing in world.all("environment")})


def _disturbed(world: World, thing: Thing) -> dict[str, Any]:
    shown = batch.shown(world, thing, thing["shown"]["computeEnvironmentArn"])
    resources = shown.get("computeResources", {})
    for key in ("subnets", "securityGroupIds", "instanceTypes"):
        if key in resources:
            resources[key] = world.shuffled(resources[key])
    if resources.get("type") in ("EC2", "SPOT"):
        low, high = resources.get("minvCpus", 0), resources.get("maxvCpus", 0)
        resources["desiredvCpus"] = world.rng.randint(low, max(low, high))
    return shown
