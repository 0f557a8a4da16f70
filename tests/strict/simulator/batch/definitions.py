"""
Job definitions, as they are read back.
"""

from __future__ import annotations

import copy
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from ..rules import after, before, declare
from .held import short
from .refusals import refuse

declare(
    (80, "T", "a job definition is read back normalised and unordered, INACTIVE ones included"),
)


@after(0, "batch:RegisterJobDefinition")
def _registered(call: ApiCall) -> None:
    arn = call.answer["jobDefinitionArn"]
    shown = _normalised(copy.deepcopy(call.params))
    shown.update(jobDefinitionArn=arn, revision=call.answer["revision"], status="ACTIVE")
    call.account.add("definition", arn, shown=shown)


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
def _read_back(call: ApiCall) -> bool:
    account = call.account
    found = [_shown(account, each) for each in call.answer["jobDefinitions"]]
    call.answer["jobDefinitions"] = account.shuffled(found)
    return bool(found)


def _shown(account: Account, backend: dict[str, Any]) -> dict[str, Any]:
    arn = backend["jobDefinitionArn"]
    entry = account.find("definition", arn)
    if entry is None:
        return backend
    answer: dict[str, Any] = copy.deepcopy(entry["shown"])
    answer["status"] = backend["status"]
    answer["tags"] = account.raw("batch").list_tags_for_resource(resourceArn=arn)["tags"]
    container = answer.get("containerProperties", {})
    for key in ("environment", "resourceRequirements", "secrets"):
        if key in container:
            container[key] = account.shuffled(container[key])
    return answer


@before(80, "batch:DeregisterJobDefinition")
def _one_revision(call: ApiCall) -> None:
    wanted = call.params["jobDefinition"]
    name, _, revision = short(wanted).partition(":")
    if not revision:
        refuse(call.account.loose(f"{wanted} without revision"))
    found = call.raw.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
    if revision not in {str(each["revision"]) for each in found}:
        refuse(call.account.loose(f"{wanted} does not exist"))
