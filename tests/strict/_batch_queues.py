"""
Section D: job queues.
"""

from __future__ import annotations

from typing import Any

from . import _batch as batch
from ._batch_checks import FARGATE
from ._batch_environments import environment
from ._rules import before, declare
from ._world import Call, Thing, World

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
JOBS_A_SECOND = 16


def queue(world: World, name: str) -> Thing | None:
    """
    A job queue by name or ARN.
    """
    return batch.held(world, "queue", name, lambda short: _backend(world, short))


def _backend(world: World, name: str) -> dict[str, Any] | None:
    found = world.raw("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        return None
    shown = batch.as_found(found[0])
    shown["computeEnvironmentOrder"] = _with_arns(world, shown["computeEnvironmentOrder"])
    return shown


def every_queue(world: World) -> list[Thing]:
    """
    All the job queues of the account.
    """
    pages = world.raw("batch").get_paginator("describe_job_queues").paginate()
    names = {each["jobQueueName"] for each in pages.build_full_result()["jobQueues"]}
    names |= {thing.id for thing in world.all("queue")}
    return [thing for thing in (queue(world, name) for name in sorted(names)) if thing]


def _with_arns(world: World, order: list[dict[str, Any]]) -> list[dict[str, Any]]:
    arns = []
    for each in sorted(order, key=lambda one: one["order"]):
        thing = environment(world, each["computeEnvironment"])
        arn = thing["shown"]["computeEnvironmentArn"] if thing else each["computeEnvironment"]
        arns.append({**each, "computeEnvironment": arn})
    return arns


@before(76, "batch:CreateJobQueue")
def _name_is_free(call: Call) -> None:
    if queue(call.world, call.params["jobQueueName"]) is not None:
        batch.refuse("Object already exists", 409)


@before(83, "batch:CreateJobQueue")
def _fifty(call: Call) -> None:
    if len(every_queue(call.world)) >= 50:
        batch.refuse(call.world.loose("job queue limit of 50"))


@before(74, "batch:CreateJobQueue", "batch:UpdateJobQueue")
def _order(call: Call) -> None:
    if call.operation == "CreateJobQueue":
        batch.check_name(
            call.params["jobQueueName"], "Job Queue name should match a valid pattern."
        )
    elif "computeEnvironmentOrder" not in call.params:
        return
    order = call.params.get("computeEnvironmentOrder") or []
    if not order:
        batch.refuse("computeEnvironmentOrder is required.")
    if len(order) > 3:
        batch.refuse(call.world.loose("computeEnvironmentOrder 3"))
    if len({each["order"] for each in order}) < len(order):
        batch.refuse("Duplicate ComputeEnvironment order values.")
    _check_environments(call, order)


def _check_environments(call: Call, order: list[dict[str, Any]]) -> None:
    kinds = set()
    for each in order:
        thing = environment(call.world, each["computeEnvironment"])
        if thing is None:
            batch.refuse(call.world.loose(f"{each['computeEnvironment']} does not exist"))
        if batch.status(thing) not in ("VALID", "UPDATING"):
            batch.refuse(
                "Compute Environments must be created and valid "
                "before attaching them to a job queue"
            )
        kinds.add(thing["shown"].get("computeResources", {}).get("type") in FARGATE)
    if len(kinds) > 1:
        batch.refuse("Fargate and EC2 compute environments can not be mixed.")


@before(75, "batch:CreateJobQueue", "batch:UpdateJobQueue")
def _limits(call: Call) -> None:
    limits = call.params.get("jobStateTimeLimitActions") or []
    for limit in limits:
        if limit["action"] != "CANCEL":
            batch.refuse("Invalid job action. Valid job actions: [CANCEL]")
        if limit["reason"] not in REASONS or limit["state"] != "RUNNABLE":
            batch.refuse(call.world.loose(f"reason {limit['reason']}, state {limit['state']}"))
        if not 600 <= limit["maxTimeSeconds"] <= 86400:
            batch.refuse(call.world.loose(f"maxTimeSeconds {limit['maxTimeSeconds']}"))
    if len({(limit["state"], limit["reason"]) for limit in limits}) < len(limits):
        batch.refuse("Duplicate job state limit actions are not allowed.")


@before(0, "batch:CreateJobQueue")
def _create(call: Call) -> None:
    world, params = call.world, dict(call.params)
    params["computeEnvironmentOrder"] = _with_arns(world, params["computeEnvironmentOrder"])
    # The backend insists on a state.
    params.setdefault("state", "ENABLED")
    call.answer = call.ask(params)
    first = environment(world, params["computeEnvironmentOrder"][0]["computeEnvironment"])
    kind = first["shown"]["computeResources"].get("type") if first else "EC2"
    shown = {
        "jobStateTimeLimitActions": [],
        **params,
        "jobQueueArn": call.answer["jobQueueArn"],
        "status": "CREATING",
        "statusReason": "",
        "jobQueueType": "ECS_FARGATE" if kind in FARGATE else "ECS",
    }
    thing = world.add("queue", params["jobQueueName"], shown=shown, backed=True)
    world.at("queue_create", lambda: batch.settle(thing, "VALID", HEALTHY))


@before(69, "batch:UpdateJobQueue", "batch:DeleteJobQueue")
def _is_settled(call: Call) -> None:
    thing = queue(call.world, call.params["jobQueue"])
    if thing is not None:
        batch.check_settled(thing, call.operation[:6].lower())


@before(0, "batch:UpdateJobQueue")
def _update(call: Call) -> None:
    world, params = call.world, call.params
    thing = queue(world, params["jobQueue"])
    if thing is None:
        batch.refuse(world.loose(f"{params['jobQueue']} does not exist"))
    if "schedulingPolicyArn" in params and "schedulingPolicyArn" not in thing["shown"]:
        batch.refuse(world.loose("schedulingPolicyArn"))
    shown = thing["shown"]
    call.answer = {key: shown[key] for key in ("jobQueueName", "jobQueueArn")}
    batch.settle(thing, "UPDATING", "")
    world.at("queue_update", lambda: _apply(world, thing, params))


def _apply(world: World, thing: Thing, params: dict[str, Any]) -> None:
    shown = thing["shown"]
    given = {key: part for key, part in params.items() if key != "jobQueue"}
    if "computeEnvironmentOrder" in given:
        given["computeEnvironmentOrder"] = _with_arns(world, given["computeEnvironmentOrder"])
        _let_go(world, shown, given["computeEnvironmentOrder"])
    shown.update(given)
    batch.settle(thing, "VALID", HEALTHY)
    world.raw("batch").update_job_queue(jobQueue=shown["jobQueueArn"], **given)


def _let_go(world: World, shown: dict[str, Any], order: list[dict[str, Any]]) -> None:
    """
    The environments that the queue no longer has are free of it only some seconds later.
    """
    kept = {each["computeEnvironment"] for each in order}
    for each in shown["computeEnvironmentOrder"]:
        thing = environment(world, each["computeEnvironment"])
        if thing is not None and each["computeEnvironment"] not in kept:
            thing["related_until"] = world.now + world.delays["relation"]


@before(77, "batch:DeleteJobQueue")
def _is_disabled(call: Call) -> None:
    thing = queue(call.world, call.params["jobQueue"])
    if thing is not None and thing["shown"]["state"] == "ENABLED":
        batch.refuse(call.world.loose(thing.id))


@before(0, "batch:DeleteJobQueue")
def _delete(call: Call) -> None:
    from ._batch_ends import end

    world = call.world
    thing = queue(world, call.params["jobQueue"])
    if thing is None:
        batch.maybe_missing(call, {})
        return
    call.answer = {}
    batch.settle(thing, "DELETING", "")
    mine = [job for job in world.all("job") if job["queue"] == thing.id and job["live"]]
    for job in mine:
        end(world, job, "FAILED", "Terminated because its job queue was deleted")
        world.hit(77)
    seconds = world.delays["queue_delete"] + len(mine) / JOBS_A_SECOND
    world.at(seconds, lambda: _deleted(world, thing))


def _deleted(world: World, thing: Thing) -> None:
    world.raw("batch").delete_job_queue(jobQueue=thing["shown"]["jobQueueArn"])
    world.drop("queue", thing.id)
    _let_go(world, thing["shown"], [])


@before(76, "batch:DescribeJobQueues")
def _describe(call: Call) -> bool:
    world = call.world
    wanted = {batch.short(name) for name in call.params.get("jobQueues", [])}
    found = [each for each in every_queue(world) if not wanted or each.id in wanted]
    shown = [batch.shown(world, each, each["shown"]["jobQueueArn"]) for each in found]
    call.answer = {"jobQueues": world.shuffled(shown)}
    return bool(shown)
