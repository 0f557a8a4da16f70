"""
What Batch refuses at once about a compute environment.
"""

from __future__ import annotations

from typing import Any

from ..api_call import ApiCall
from ..rules import before, declare
from .held import FARGATE, environment
from .refusals import check_name, refuse

declare(
    (61, "M", "an environment is created ENABLED"),
    (62, "M", "fields of EC2 environments are refused on Fargate"),
    (63, "M", "Fargate takes five security groups and sixteen subnets, and needs both"),
    (64, "M", "EC2 environments need an instance profile, types and minvCpus"),
    (65, "M", "an UNMANAGED environment needs a role that is not the linked one"),
    (67, "M", "an update says what to change"),
    (68, "M", "Fargate environments are updated in some fields only"),
)

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


def _resources(call: ApiCall) -> dict[str, Any]:
    found: dict[str, Any] = call.params.get("computeResources") or {}
    return found


@before(66, "batch:CreateComputeEnvironment")
def _name(call: ApiCall) -> None:
    name = call.params["computeEnvironmentName"]
    check_name(name, call.account.loose(f"name {name}"))


@before(61, "batch:CreateComputeEnvironment")
def _enabled(call: ApiCall) -> None:
    if call.params.get("state", "ENABLED") != "ENABLED":
        refuse("Compute Environment must be created in ENABLED state.")


@before(62, "batch:CreateComputeEnvironment")
def _fargate_fields(call: ApiCall) -> None:
    resources = _resources(call)
    if resources.get("type") in FARGATE:
        for field in NOT_ON_FARGATE:
            if field in resources:
                refuse(f"{field} is not applicable for Fargate.")


@before(63, "batch:CreateComputeEnvironment")
def _fargate_network(call: ApiCall) -> None:
    resources = _resources(call)
    if resources.get("type") not in FARGATE:
        return
    groups, subnets = resources.get("securityGroupIds", []), resources.get("subnets", [])
    if len(groups) > 5:
        refuse("Fargate supports a maximum of 5 security groups.")
    if len(subnets) > 16:
        refuse("Fargate supports a maximum of 16 subnets.")
    if not groups or not subnets:
        missing = "subnets" if groups else "securityGroupIds"
        refuse(call.account.loose(missing))


@before(64, "batch:CreateComputeEnvironment")
def _instances(call: ApiCall) -> None:
    resources = _resources(call)
    if resources.get("type") not in ("EC2", "SPOT"):
        return
    if not resources.get("instanceRole"):
        refuse("Instance role is required.")
    if not resources.get("instanceTypes"):
        refuse("Resource instanceTypes are required.")
    if "minvCpus" not in resources:
        refuse("Resource minvCpus is required.")
    if ":role/" in resources["instanceRole"]:
        refuse("ECS Instance Role should be an ECS Instance Profile ARN")
    best = resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if resources["type"] == "SPOT" and best and not resources.get("spotIamFleetRole"):
        refuse(call.account.loose("spotIamFleetRole"))


@before(65, "batch:CreateComputeEnvironment")
def _unmanaged(call: ApiCall) -> None:
    if call.params["type"] != "UNMANAGED":
        return
    role = call.params.get("serviceRole")
    if not role:
        refuse("ServiceRole is required.")
    if "/aws-service-role/" in role:
        refuse("Service Linked Role cannot be used with UNMANAGED Compute Environment")


@before(67, "batch:UpdateComputeEnvironment")
def _says_what(call: ApiCall) -> None:
    given = set(call.params) - {"computeEnvironment"}
    if not given:
        fields = "state | compute-resources | service-role | unmanaged-vcpus"
        refuse(f"One of [{fields}] is required.")
    if given == {"updatePolicy"}:
        refuse("At least one compute-resources attribute must be specified")


@before(68, "batch:UpdateComputeEnvironment")
def _updatable(call: ApiCall) -> None:
    entry = environment(call.account, call.params["computeEnvironment"])
    if entry is None:
        return
    shown, given = entry["shown"], set(_resources(call))
    held = shown.get("computeResources", {})
    linked = "/aws-service-role/" in shown["serviceRole"]
    role = call.params.get("serviceRole")
    if role and ("/aws-service-role/" in role) != linked:
        refuse(call.account.loose("serviceRole can't change its kind"))
    if held.get("type") in FARGATE:
        wrong = sorted(given - FARGATE_UPDATES) + sorted({"updatePolicy"} & set(call.params))
        if wrong:
            about = "The following parameters can't be updated for Fargate compute environment"
            refuse(f"{about}: {', '.join(wrong)}.")
    elif given - SCALING and not (linked and held.get("allocationStrategy") in UPDATABLE):
        what = ", ".join(sorted(given - SCALING))
        refuse(
            f"{what} can be updated only for Non-fargate Compute Environment "
            "having a Batch Service Linked Role"
        )
