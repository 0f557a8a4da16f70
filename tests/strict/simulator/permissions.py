"""
Which permissions a call needs, and what a service says when one is missing.
"""

from __future__ import annotations

from .api_call import ApiCall
from .refusal import Refusal

# What IAM calls a service, where boto3 calls it otherwise.
SIGNING = {
    "stepfunctions": "states",
    "resourcegroupstaggingapi": "tag",
    "events": "events",
    "service-quotas": "servicequotas",
}
TAGGING = {"ec2": "ec2:CreateTags", "iam": "iam:TagRole"}
S3_ACTIONS = {
    "ListObjectVersions": {"s3:ListBucketVersions"},
    "DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "GetPublicAccessBlock": {"s3:GetBucketPublicAccessBlock"},
    "PutPublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
}
PASSING = {
    "CreateComputeEnvironment",
    "UpdateComputeEnvironment",
    "RegisterJobDefinition",
    "CreateStateMachine",
    "UpdateStateMachine",
    "CreateSchedule",
    "UpdateSchedule",
}


def denied(call: ApiCall, action: str, resource: str = "*") -> Refusal:
    """
    What the service of *call* says when the permission for *action* is missing.
    """
    arn = f"arn:{call.account.partition}:iam::{call.account.id}:user/strict"
    message = (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    if call.service == "ec2":
        return Refusal("UnauthorizedOperation", f"You are not authorized. {message}", 403)
    plain = call.service in {"iam", "s3", "sts"}
    return Refusal("AccessDenied" if plain else "AccessDeniedException", message, 403)


def actions(call: ApiCall) -> set[str]:
    """
    The permissions that *call* needs.
    """
    prefix = SIGNING.get(call.service, call.service)
    wanted = {f"{prefix}:{call.operation}"} | S3_ACTIONS.get(call.operation, set())
    if call.operation == "HeadBucket":
        wanted = {"s3:ListBucket"}
    if _tagged(call):
        own = "iam:TagInstanceProfile" if "InstanceProfile" in call.operation else None
        wanted.add(own or TAGGING.get(prefix, f"{prefix}:TagResource"))
    if roles_passed(call):
        wanted.add("iam:PassRole")
    return wanted


def _tagged(call: ApiCall) -> bool:
    keys = ("Tags", "tags", "TagSpecifications")
    return call.operation.startswith(("Create", "Register", "Allocate")) and any(
        call.params.get(key) for key in keys
    )


def roles_passed(call: ApiCall) -> list[str]:
    """
    The ARNs of the roles that *call* hands to a service.
    """
    if call.operation not in PASSING:
        return []
    container = call.params.get("containerProperties") or {}
    found = [
        call.params.get("serviceRole"),
        call.params.get("roleArn"),
        (call.params.get("Target") or {}).get("RoleArn"),
        container.get("jobRoleArn"),
        container.get("executionRoleArn"),
    ]
    return [arn for arn in found if arn and ":role/" in arn]
