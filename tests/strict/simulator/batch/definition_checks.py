"""
What Batch refuses about a job definition.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..api_call import ApiCall
from ..rules import before, declare
from .refusals import check_name, refuse

declare(
    (79, "M", "a job definition is checked: sizes, roles, log options, and what Fargate lacks"),
    (136, "D", "a job definition has 24 KiB, a submission 30, the overrides of a container 8192"),
)

MEMORY: dict[float, list[int]] = {
    0.25: [512, 1024, 2048],
    0.5: [1024, 2048, 3072, 4096],
    1: list(range(2048, 8193, 1024)),
    2: list(range(4096, 16385, 1024)),
    4: list(range(8192, 30721, 1024)),
    8: list(range(16384, 61441, 4096)),
    16: list(range(32768, 122881, 8192)),
    32: [61440, 122880, 249856],
}
LOG_OPTIONS = {
    f"awslogs-{name}"
    for name in (
        "group",
        "region",
        "stream-prefix",
        "datetime-format",
        "multiline-pattern",
        "create-group",
    )
}
SYSTEMS = ("LINUX", "WINDOWS_SERVER_2019_CORE", "WINDOWS_SERVER_2019_FULL")
LINUX_ONLY = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
ON_FARGATE_ONLY = ("fargatePlatformConfiguration", "networkConfiguration", "runtimePlatform")

Check = Callable[[dict[str, Any]], None]


@before(136, "batch:RegisterJobDefinition", "batch:SubmitJob")
def _is_small(call: ApiCall) -> None:
    most = 24 if call.operation.startswith("Register") else 30
    if len(json.dumps(call.params)) > most * 1024:
        refuse(call.account.loose(f"{most} KiB"))
    overrides = call.params.get("containerOverrides") or {}
    if len(json.dumps(overrides)) > 8192:
        refuse(call.account.loose("overrides 8192"))


@before(79, "batch:RegisterJobDefinition")
def _is_sound(call: ApiCall) -> None:
    params = call.params
    name = params["jobDefinitionName"]
    check_name(name, call.account.loose(f"name {name}"))
    _retries(params, call)
    container = params.get("containerProperties")
    if container is None:
        return
    _requirements(container)
    _environment(container, call)
    fargate = "FARGATE" in params.get("platformCapabilities", [])
    for check in _FARGATE if fargate else _EC2:
        check(container)


def _retries(params: dict[str, Any], call: ApiCall) -> None:
    strategy = params.get("retryStrategy")
    if strategy is not None and "attempts" not in strategy:
        refuse("RetryAttempts must be provided with retry strategy")
    if strategy is not None and not 1 <= strategy["attempts"] <= 10:
        refuse(call.account.loose(f"attempts {strategy['attempts']}"))
    if strategy is not None and len(strategy.get("evaluateOnExit", [])) > 5:
        refuse(call.account.loose("evaluateOnExit 5"))
    seconds = params.get("timeout", {}).get("attemptDurationSeconds", 60)
    if seconds < 60:
        refuse(call.account.loose(f"attemptDurationSeconds {seconds}"))


def _needs(container: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["value"] for each in container.get("resourceRequirements", [])}


def _requirements(container: dict[str, Any]) -> None:
    given, needs = container.get("resourceRequirements", []), _needs(container)
    if len(given) > len(needs):
        refuse("Cannot provide duplicates in resourceRequirements.")
    if "vcpus" in container and "VCPU" in needs:
        refuse("Cannot use both ECS containerProperties vcpus and resourceRequirement VCPU.")
    if "vcpus" not in container and "VCPU" not in needs:
        refuse("vCPU is required.")


def _environment(container: dict[str, Any], call: ApiCall) -> None:
    for each in container.get("environment", []):
        if not each.get("name"):
            refuse("Environment variable name is required.")
        if each["name"].startswith("AWS_BATCH"):
            refuse(call.account.loose(each["name"]))


def _role(container: dict[str, Any]) -> None:
    if not container.get("executionRoleArn"):
        refuse("executionRoleArn is required for Fargate jobs.")


def _size(container: dict[str, Any]) -> None:
    needs = _needs(container)
    if "GPU" in needs:
        refuse("GPU is not applicable for Fargate.")
    cpus = float(needs.get("VCPU", container.get("vcpus", 0)))
    memory = int(float(needs.get("MEMORY", container.get("memory", 0))))
    if memory not in MEMORY.get(cpus, []):
        size = f"({cpus:.2f} vCPU, {memory} MiB)"
        refuse(f"Fargate resource requirements {size} not valid.")


def _privileges(container: dict[str, Any]) -> None:
    if container.get("privileged"):
        refuse(
            "Fargate requires that the \u2018privileged\u2019 setting be \u2018false\u2019 "
            "at the container level."
        )
    if container.get("ulimits"):
        refuse("ulimits is not applicable for Fargate.")
    for key in LINUX_ONLY:
        if key in container.get("linuxParameters", {}):
            refuse(f"linuxParameter.{key} is not allowed for Fargate.")


def _logs(container: dict[str, Any]) -> None:
    logs = container.get("logConfiguration") or {"logDriver": "awslogs"}
    if logs["logDriver"] not in ("awslogs", "splunk", "awsfirelens"):
        refuse(f"Log driver for Fargate is not valid: {logs['logDriver']}")
    if logs["logDriver"] == "awslogs":
        for option in sorted(set(logs.get("options", {})) - LOG_OPTIONS):
            refuse(f"Log driver awslogs disallows options: {option}")


def _storage(container: dict[str, Any]) -> None:
    storage = container.get("ephemeralStorage")
    if storage is not None and not 21 <= storage["sizeInGiB"] <= 200:
        refuse("Ephemeral storage for Fargate tasks can be only between range 21 GiB to 200 GiB")
    if any(each.get("host", {}).get("sourcePath") for each in container.get("volumes", [])):
        refuse("host.sourcePath should not be set for volumes in Fargate.")


def _platform(container: dict[str, Any]) -> None:
    platform = container.get("runtimePlatform") or {}
    system = platform.get("operatingSystemFamily", "LINUX")
    if not system.startswith(("LINUX", "WINDOWS_SERVER_")):
        refuse(
            f"RuntimePlatform supports only one from {list(SYSTEMS)} operating systems, "
            f"provided {system}"
        )
    if system != "LINUX" and platform.get("cpuArchitecture", "X86_64") != "X86_64":
        refuse("Windows supported only by X86_64 cpuArchitecture")


def _ec2(container: dict[str, Any]) -> None:
    for key in ON_FARGATE_ONLY:
        if key in container:
            verb = "is not" if key == "runtimePlatform" else "not"
            refuse(f"{key} {verb} applicable for EC2.")
    cpus = float(_needs(container).get("VCPU", container.get("vcpus", 1)))
    if cpus < 1:
        refuse(f"vCPU must be at least 1, got {cpus}.")


_FARGATE: tuple[Check, ...] = (_role, _size, _privileges, _logs, _storage, _platform)
_EC2: tuple[Check, ...] = (_ec2,)
