"""
Section D: job definitions, as they are read back.
"""

from __future__ import annotations

import copy
from typing import Any

from . import _batch as batch
from ._rules import after, before, declare
from ._world import Call, World

declare(
    (80, "T", "a job definition is read back normalised and unordered, INACTIVE ones included"),
)


@after(0, "batch:RegisterJobDefinition")
def _registered(call: Call) -> None:
    arn = call.answer["jobDefinitionArn"]
    shown = _normalised(copy.deepcopy(call.params))
    shown.update(jobDefinitionArn=arn, revision=call.answer["revision"], status="ACTIVE")
    call.world.add("definition", arn, shown=shown)


def _normalised(shown: dict[str, Any]) -> dict[str, Any]:
    container = shown.get("containerProperties")
    fargate = "FARGATE" in shown.get("platformCapabilities", [])
    if container is not None:
        shown["containerProperties"] = _container(container, fargate)
    for each in shown.get("retryStrategy", {}).get("evaluateOnExit", []):
        each["action"] = each["action"].lower()
    shown.setdefault("parameters", {})
    shown.setdefault("tags", {})
    shown.setdefault("propagateTags", False)
    shown["containerOrchestrationType"] = "ECS"
    return shown


def _container(container: dict[str, Any], fargate: bool) -> dict[str, Any]:
    environment = [each for each in container.get("environment", []) if each.get("value")]
    container["environment"] = sorted(environment, key=lambda each: str(each["name"]))
    for key in ("volumes", "mountPoints", "ulimits", "secrets", "resourceRequirements", "command"):
        container.setdefault(key, [])
    if fargate:
        container.setdefault("fargatePlatformConfiguration", {"platformVersion": "LATEST"})
    if "logConfiguration" in container:
        container["logConfiguration"].setdefault("secretOptions", [])
        container["logConfiguration"].setdefault("options", {})
    return container


@after(80, "batch:DescribeJobDefinitions")
def _read_back(call: Call) -> bool:
    world = call.world
    found = [_shown(world, each) for each in call.answer["jobDefinitions"]]
    call.answer["jobDefinitions"] = world.shuffled(found)
    return bool(found)


def _shown(world: World, backend: dict[str, Any]) -> dict[str, Any]:
    arn = backend["jobDefinitionArn"]
    thing = world.find("definition", arn)
    if thing is None:
        return backend
    answer: dict[str, Any] = copy.deepcopy(thing["shown"])
    answer["status"] = backend["status"]
    answer["tags"] = world.raw("batch").list_tags_for_resource(resourceArn=arn)["tags"]
    container = answer.get("containerProperties", {})
    for key in ("environment", "resourceRequirements", "secrets"):
        if key in container:
            container[key] = world.shuffled(container[key])
    return answer


@before(80, "batch:DeregisterJobDefinition")
def _one_revision(call: Call) -> None:
    wanted = call.params["jobDefinition"]
    name, _, revision = batch.short(wanted).partition(":")
    if not revision:
        batch.refuse(call.world.loose(f"{wanted} without revision"))
    found = call.raw.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    if revision not in {str(each["revision"]) for each in found}:
        batch.refuse(call.world.loose(f"{wanted} does not exist"))
