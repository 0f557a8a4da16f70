"""
Why a compute environment does not work.
"""

from __future__ import annotations

import uuid
from typing import Any

from ..account import Account, OverlayEntry
from ..iam.trust import assumable, authorised, role_of
from ..rules import declare
from .held import short
from .instances import instance_trouble

declare(
    (57, "M", "an environment is CREATING first; INVALID if its role was too young to be assumed"),
    (58, "M", "without a role the linked one is made; a wrong role makes it INVALID until updated"),
    (66, "U", "an unknown subnet or group makes the environment INVALID, later"),
)


def trouble(account: Account, entry: OverlayEntry) -> str:
    """
    Why the environment can't work, or "".
    """
    wanted = entry.get("wanted") or entry["shown"].get("computeResources", {})
    unknown = unknown_places(account, wanted)
    if unknown and account.hit(66):
        return f"CLIENT_ERROR - {account.loose(unknown)}"
    return instance_trouble(account, wanted) or role_trouble(account, entry)


def role_trouble(account: Account, entry: OverlayEntry) -> str:
    """
    What is wrong with the environment's role, or "".
    """
    role = entry["shown"]["serviceRole"]
    if "/aws-service-role/" in role:
        return ""
    if not assumable(account, role, "batch.amazonaws.com"):
        known = role_of(account, role) is not None
        return not_assumed(role) if account.hit(57 if known else 58) else ""
    if not authorised(account, role, "ecs:DescribeClusters") and account.hit(58):
        user = f"arn:{account.partition}:sts::{account.id}:assumed-role/{short(role)}"
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


def unknown_places(account: Account, resources: dict[str, Any]) -> str:
    """
    The subnets and groups that don't exist, or "".
    """
    ec2 = account.raw("ec2")
    subnets = {each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]}
    groups = {each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]}
    missing = [each for each in resources.get("subnets", []) if each not in subnets]
    missing += [each for each in resources.get("securityGroupIds", []) if each not in groups]
    return ", ".join(missing)
