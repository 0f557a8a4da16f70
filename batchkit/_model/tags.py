"""
Tags: who owns a resource, and the shapes in which the services expect them.

Every resource carries `batchkit:stack` (its owner) and `Name`.  AWS limits: at most 50 tags
(https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from batchkit._model.names import digest

OWNER: Final = "batchkit:stack"
NAME: Final = "Name"
SETTLED: Final = "batchkit:settled"
"""On an elastic IP: it has the lock, and is the duplicate that stays."""

LOCK: Final = "batchkit:lock"
"""On the log group of a lock: the id of the duplicate that stays."""

WRITTEN: Final = "batchkit:tags"
"""On what a user has tagged: which of its tags batchkit has written, in the form of `written`."""

_OWN: Final = {OWNER, NAME, SETTLED, LOCK, WRITTEN}


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


def written(tags: Mapping[str, str]) -> str:
    """
    The keys of *tags* as they are remembered: a hash of six letters for each.

    A key may have 128 letters, and a tag's value 256.
    """
    return "".join(sorted(map(digest, tags)))


def left_out(tags: Mapping[str, str], there: Mapping[str, str], remembered: str) -> list[str]:
    """
    The keys that batchkit has written, as *remembered*, and that are *there* and not in *tags*.
    """
    known = {remembered[at : at + 6] for at in range(0, len(remembered), 6)}
    gone = [key for key in there if key not in tags and digest(key) in known]
    return [*gone, *([WRITTEN] if remembered and not tags else ())]


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
        "written": parsed.get(WRITTEN, ""),
    }
