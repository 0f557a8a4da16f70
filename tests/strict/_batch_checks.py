"""
Section D: what Batch refuses at once about a compute environment.
"""

from __future__ import annotations

from typing import Any

from . import _batch as batch
from ._rules import before, declare
from ._world import Call

declare(
    (61, "M", "an environment is created ENABLED"),
    (62, "M", "fields of EC2 environments are refused on Fargate"),
    (63, "M", "Fargate takes five security groups and sixteen subnets, and needs both"),
    (64, "M", "EC2 environments need an instance profile, types and minvCpus"),
    (65, "M", "an UNMANAGED environment needs a role that is not the linked one"),
    (67, "M", "an update says what to change"),
    (68, "M", "Fargate environments are updated in some fields only"),
)

FARGATE = ("FARGATE", "FARGATE_SPOT")
NOT_ON_FARGATE = (
    "allocationStrategy",
    "bidPercentage",
    "desiredvCpus",
    "ec2KeyPair",
    "imageId",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "minvCpus",
    "placementGroup",
    "spotIamFleetRole",
    "tags",
    "ec2Configuration",
)
FARGATE_UPDATES = {"maxvCpus", "subnets", "securityGroupIds"}
SCALING = {"minvCpus", "maxvCpus", "desiredvCpus"}
UPDATABLE = ("BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED")


def _resources(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = call.params.get("computeResources") or {}
    return found


@before(66, "batch:CreateComputeEnvironment")
def _name(call: Call) -> None:
    name = call.params["computeEnvironmentName"]
    batch.check_name(name, call.world.loose(f"name {name}"))


@before(61, "batch:CreateComputeEnvironment")
def _enabled(call: Call) -> None:
    if call.params.get("state", "ENABLED") != "ENABLED":
        batch.refuse("Compute Environment must be created in ENABLED state.")


@before(62, "batch:CreateComputeEnvironment")
def _fargate_fields(call: Call) -> None:
    resources = _resources(call)
    if resources.get("type") in FARGATE:
        for field in NOT_ON_FARGATE:
            if field in resources:
                batch.refuse(f"{field} is not applicable for Fargate.")


@before(63, "batch:CreateComputeEnvironment")
def _fargate_network(call: Call) -> None:
    resources = _resources(call)
    if resources.get("type") not in FARGATE:
        return
    groups, subnets = resources.get("securityGroupIds", []), resources.get("subnets", [])
    if len(groups) > 5:
        batch.refuse("Fargate supports a maximum of 5 security groups.")
    if len(subnets) > 16:
        batch.refuse("Fargate supports a maximum of 16 subnets.")
    if not groups or not subnets:
        missing = "subnets" if groups else "securityGroupIds"
        batch.refuse(call.world.loose(missing))


@before(64, "batch:CreateComputeEnvironment")
def _instances(call: Call) -> None:
    resources = _resources(call)
    if resources.get("type") not in ("EC2", "SPOT"):
        return
    if not resources.get("instanceRole"):
        batch.refuse("Instance role is required.")
    if not resources.get("instanceTypes"):
        batch.refuse("Resource instanceTypes are required.")
    if "minvCpus" not in resources:
        batch.refuse("Resource minvCpus is required.")
    if ":role/" in resources["instanceRole"]:
        batch.refuse("ECS Instance Role should be an ECS Instance Profile ARN")
    best = resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if resources["type"] == "SPOT" and best and not resources.get("spotIamFleetRole"):
        batch.refuse(call.world.loose("spotIamFleetRole"))


@before(65, "batch:CreateComputeEnvironment")
def _unmanaged(call: Call) -> None:
    if call.params["type"] != "UNMANAGED":
        return
    role = call.params.get("serviceRole")
    if not role:
        batch.refuse("ServiceRole is required.")
    if "/aws-service-role/" in role:
        batch.refuse("Service Linked Role cannot be used with UNMANAGED Compute Environment")


@before(67, "batch:UpdateComputeEnvironment")
def _says_what(call: Call) -> None:
    given = set(call.params) - {"computeEnvironment"}
    if not given:
        fields = "state | compute-resources | service-role | unmanaged-vcpus"
        batch.refuse(f"One of [{fields}] is required.")
    if given == {"updatePolicy"}:
        batch.refuse("At least one compute-resources attribute must be specified")


@before(68, "batch:UpdateComputeEnvironment")
def _updatable(call: Call) -> None:
    from ._batch_environments import environment

    thing = environment(call.world, call.params["computeEnvironment"])
    if thing is None:
        return
    shown, given = thing["shown"], set(_resources(call))
    held = shown.get("computeResources", {})
    linked = "/aws-service-role/" in shown["serviceRole"]
    role = call.params.get("serviceRole")
    if role and ("/aws-service-role/" in role) != linked:
        batch.refuse(call.world.loose("serviceRole can't change its kind"))
    if held.get("type") in FARGATE:
        wrong = sorted(given - FARGATE_UPDATES) + sorted({"updatePolicy"} & set(call.params))
        if wrong:
            about = "The following parameters can't be updated for Fargate compute environment"
            batch.refuse(f"{about}: {', '.join(wrong)}.")
    elif given - SCALING and not (linked and held.get("allocationStrategy") in UPDATABLE):
        what = ", ".join(sorted(given - SCALING))
        batch.refuse(
            f"{what} can be updated only for Non-fargate Compute Environment "
            "having a Batch Service Linked Role"
        )
