"""
Tags: who owns a resource, and the shapes in which the services expect them.

Every resource carries `batchkit:stack` (its owner) and `Name`.  AWS limits: at most 50 tags
(https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

OWNER: Final = "batchkit:stack"
NAME: Final = "Name"
SETTLED: Final = "batchkit:settled"
"""On an elastic IP: it has the lock, and is the duplicate that stays."""

LOCK: Final = "batchkit:lock"
"""On the log group of a lock: the id of the duplicate that stays."""

_OWN: Final = {OWNER, NAME, SETTLED, LOCK}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """
    Tags as EC2, IAM, ECR, DynamoDB, S3 and EventBridge Scheduler expect them.
    """
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def as_lower_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """
    Tags as Step Functions expects them.
    """
    return [{"key": key, "value": value} for key, value in tags.items()]


def parse(tags: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """
    Tags in any of AWS's shapes, as a dict.
    """
    if tags is None:
        return {}
    if isinstance(tags, Mapping):
        return dict(tags)
    return {
        tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags
    }


def owner(tags: Mapping[str, str]) -> str:
    """
    The stack that owns what carries *tags*, or an empty text.
    """
    return tags.get(OWNER, "")


def user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """
    The tags that are not batchkit's own.
    """
    return {key: value for key, value in tags.items() if key not in _OWN}


def of_stack(stack: str) -> list[dict[str, Any]]:
    """
    EC2's filter for what the stack owns.
    """
    return [{"Name": f"tag:{OWNER}", "Values": [stack]}]


def tag_fields(tags: Any, *, name: str = "", stack: str = "") -> dict[str, Any]:
    """
    The fields that a resource's tags give: its name, stack, owner and other tags.
    """
    parsed = parse(tags)
    owned_by = owner(parsed)
    return {
        "name": name or parsed.get(NAME, ""),
        "stack": stack or owned_by,
        "owner": owned_by,
        "tags": user_tags(parsed),
    }
