"""
What kinds have in common about their fields: tags as they are read, differences, calls, hashes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attrs import frozen

from batchkit import _tags
from batchkit._calls import Operation
from batchkit._resource import Resource, wishes


@frozen
class Change:
    """
    A field that differs: what AWS holds, and what is wanted.
    """

    field: str
    held: object
    wanted: object


def held_tags(tags: Any, *, name: str = "", stack: str = "") -> dict[str, Any]:
    """
    The fields that a resource's tags give: its name, stack, owner and other tags.
    """
    parsed = _tags.parse(tags)
    owner = _tags.owner(parsed)
    return {
        "name": name or parsed.get(_tags.NAME, ""),
        "stack": stack or owner,
        "owner": owner,
        "tags": _tags.users(parsed),
    }


def operations(kind: type[Resource]) -> dict[str, Operation]:
    """
    Every call of *kind*, by the name of its class attribute.
    """
    found: dict[str, Operation] = {}
    for base in reversed(kind.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, Operation)})
    return found


def changes(wish: Resource, held: Resource) -> tuple[Change, ...]:
    """
    The fields in which *held* differs from *wish*.
    """
    return tuple(
        Change(a.name, getattr(held, a.name), getattr(wish, a.name))
        for a in wishes(type(wish))
        if wish.differs(a.name, held)
    )


def digest(*values: object, length: int = 6) -> str:
    """
    A short hash of *values*: part of the names of resources whose fixed fields may change.
    """
    canonical = json.dumps(values, sort_keys=True, default=repr)
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]
