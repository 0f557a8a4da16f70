"""
What to do about an error of AWS: the statement that a policy lacks, the quota that is used up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from batchkit._model.calls import Operation

# The message names the action that AWS has checked, which may be another than the operation: an
# iam:PassRole, or the permission for tags
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
_REFUSED: Final = re.compile(
    r"not authorized to perform: (?P<action>[a-z0-9-]+:\w+)(?: on resource: (?P<resource>\S+))?"
)

QUOTAS: Final[Mapping[str, tuple[str, str, str]]] = {
    "AddressLimitExceeded": ("ec2", "L-0263D0A3", "elastic IPs in a region"),
    "InternetGatewayLimitExceeded": ("vpc", "L-A4707A72", "internet gateways in a region"),
    "NatGatewayLimitExceeded": ("vpc", "L-FE5A380F", "NAT gateways in an availability zone"),
    "RouteTableLimitExceeded": ("vpc", "L-589F43AA", "route tables in a VPC"),
    "SecurityGroupLimitExceeded": ("vpc", "L-E79EC296", "security groups in a region"),
    "SubnetLimitExceeded": ("vpc", "L-407747CB", "subnets in a VPC"),
    "VpcLimitExceeded": ("vpc", "L-F678F1CE", "VPCs in a region"),
}
"""
The quota that an error code is about: its service, code and name
(https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
"""


def statement(operation: Operation, message: str) -> dict[str, Any]:
    """
    The policy statement that allows what was refused: as AWS names it, or all that the call needs.
    """
    refused = _REFUSED.search(message)
    actions = [refused["action"]] if refused else sorted(operation.permissions)
    resource = (refused and refused["resource"]) or "*"
    return {"Effect": "Allow", "Action": actions, "Resource": resource.rstrip(".,")}


def permission(missing: Mapping[str, Any]) -> str:
    """
    What to do about a permission that is missing.
    """
    return (
        f"Add this to the policy of whoever calls: {json.dumps(missing)}; "
        "stack_policy(spec) gives the whole policy"
    )


def lock(message: str) -> str:
    """
    What to do where no permission helps, as an object is locked; empty if that isn't so.
    """
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
    if "object lock" not in message.lower():
        return ""
    return "S3 deletes it once its retention is over and its legal hold is taken off"


def quota(code: str) -> str:
    """
    What to do about a quota that is used up.
    """
    if code not in QUOTAS:
        return "A quota is used up: free one, or ask for more in the Service Quotas console"
    service, number, name = QUOTAS[code]
    return (
        f"The quota of {name} is used up. Delete one, or ask for more: aws service-quotas "
        f"request-service-quota-increase --service-code {service} --quota-code {number} "
        "--desired-value ..."
    )
