"""
Patches for IAM: the policies that AWS manages, and service-linked roles.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import EntityAlreadyExists, InvalidInput, NotFoundException
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_BATCH = "batch.amazonaws.com"

PATCHES.value(
    models,
    "SERVICE_NAME_CONVERSION",
    {**models.SERVICE_NAME_CONVERSION, "batch": "Batch", "ecs": "ECS", "scheduler": "Scheduler"},
    reason="CreateServiceLinkedRole makes AWSServiceRoleForBatch, AWSServiceRoleForECS and "
    "AWSServiceRoleForScheduler, but moto writes these services in lower case",
)


@PATCHES(
    IAMBackend,
    "create_service_linked_role",
    reason="CreateServiceLinkedRole fails with InvalidInput if the role exists, but moto "
    "answers EntityAlreadyExists",
)
def create_linked_role(original: Any, self: Any, *args: Any, **given: Any) -> Any:
    try:
        return original(self, *args, **given)
    except EntityAlreadyExists as error:
        msg = f"Service role name {error.message.split()[3]} has been taken in this account"
        raise InvalidInput(f"{msg}, please try a different suffix.") from error


def linked_role(backend: Any) -> str:
    """
    The ARN of Batch's service-linked role, which exists in *backend*'s account after the call.
    """
    iam = backend.iam_backend
    try:
        return str(iam.get_role("AWSServiceRoleForBatch").arn)
    except NotFoundException:
        return str(iam.create_service_linked_role(_BATCH, "", "").arn)


@PATCHES(
    IAMBackend,
    "get_policy",
    reason="GetPolicy finds the policies that AWS manages, but moto finds them only if all 1400 "
    "are loaded at start, which takes a second",
)
def get_policy(original: Any, self: Any, policy_arn: str) -> Any:
    _load(self, policy_arn)
    return original(self, policy_arn)


@PATCHES(
    IAMBackend,
    "attach_role_policy",
    reason="AttachRolePolicy attaches the policies that AWS manages, but moto attaches them "
    "only if all 1400 are loaded at start",
)
def attach_role_policy(original: Any, self: Any, policy_arn: str, role_name: str) -> None:
    _load(self, policy_arn)
    original(self, policy_arn, role_name)


PATCHES.value(
    ManagedPolicy,
    "policy_name",
    property(lambda policy: policy.name),
    reason="GetAccountAuthorizationDetails returns the names of the account's policies, but "
    "moto leaves them out",
)


_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def _load(backend: Any, arn: str) -> None:
    owner, _, path = arn.partition(":policy/")
    if arn in backend.managed_policies or not owner.endswith(":iam::aws"):
        return
    data = _data(path.rpartition("/")[2])
    if data is None:
        return
    # from_data() derives the partition from a region; moto has one IAM backend per partition.
    region = _REGIONS.get(arn.split(":")[1], backend.region_name)
    policy = AWSManagedPolicy.from_data(path.rpartition("/")[2], backend.account_id, region, data)
    if policy.arn == arn:
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[arn] = policy


def _data(name: str) -> dict[str, Any] | None:
    text = aws_managed_policies_data
    start = text.find(f'\n "{name}":')
    if start < 0:
        return None
    data: dict[str, Any] = json.JSONDecoder().raw_decode(text, text.index("{", start))[0]
    return data
