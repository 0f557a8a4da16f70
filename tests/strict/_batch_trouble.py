"""
Section D: why a compute environment does not work.
"""

from __future__ import annotations

import uuid
from typing import Any

from . import _batch as batch
from ._rules import declare
from ._trust import assumable, authorised, role_of
from ._world import Thing, World

declare(
    (57, "M", "an environment is CREATING first; INVALID if its role was too young to be assumed"),
    (58, "M", "without a role the linked one is made; a wrong role makes it INVALID until updated"),
    (66, "U", "an unknown subnet or group makes the environment INVALID, later"),
)


def trouble(world: World, thing: Thing) -> str:
    """
    Why the environment can't work, or "".
    """
    wanted = thing.get("wanted") or thing["shown"].get("computeResources", {})
    unknown = unknown_places(world, wanted)
    if unknown and world.hit(66):
        return f"CLIENT_ERROR - {world.loose(unknown)}"
    return role_trouble(world, thing)


def role_trouble(world: World, thing: Thing) -> str:
    """
    What is wrong with the environment's role, or "".
    """
    role = thing["shown"]["serviceRole"]
    if "/aws-service-role/" in role:
        return ""
    if not assumable(world, role, "batch.amazonaws.com"):
        known = role_of(world, role) is not None
        return not_assumed(role) if world.hit(57 if known else 58) else ""
    if not authorised(world, role, "ecs:DescribeClusters") and world.hit(58):
        user = f"arn:{world.partition}:sts::{world.account}:assumed-role/{batch.short(role)}"
        return (
            f"CLIENT_ERROR - User: {user}/aws-batch is not authorized to perform: "
            "ecs:DescribeClusters on resource: * because no identity-based policy allows "
            "the ecs:DescribeClusters action"
        )
    return ""


def not_assumed(role: str) -> str:
    """
    What Batch says when it may not assume *role*.
    """
    return (
        "CLIENT_ERROR - User: batch.amazonaws.com is not authorized to perform: sts:AssumeRole "
        f"on resource: {role} (Service: AWSSecurityTokenService; Status Code: 403; "
        f"Error Code: AccessDenied; Request ID: {uuid.uuid4()})"
    )


def unknown_places(world: World, resources: dict[str, Any]) -> str:
    """
    The subnets and groups that don't exist, or "".
    """
    ec2 = world.raw("ec2")
    subnets = {each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]}
    groups = {each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]}
    missing = [each for each in resources.get("subnets", []) if each not in subnets]
    missing += [each for each in resources.get("securityGroupIds", []) if each not in groups]
    return ", ".join(missing)
