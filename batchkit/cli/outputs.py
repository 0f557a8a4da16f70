"""
The outputs of a stack as variables: for a shell, for make, for a program.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from batchkit._engine.plan import Item, Plan
from batchkit._model.properties import named_fields
from batchkit._model.resource import Resource
from batchkit._model.values import references


def variables(stack: str, region: str, resources: Iterable[Resource]) -> dict[str, str]:
    """
    The ARN, id or URI of each resource under a name such as `JOB_QUEUE` or `SUBNET_PRIVATE_1`.
    """
    found: dict[str, str] = {"STACK": stack}
    for resource in resources:
        name = base = _variable(stack, region, resource)
        number = 1
        while name in found:
            number += 1
            name = f"{base}_{number}"
        found[name] = str(resource.identity)
    return found


def _variable(stack: str, region: str, resource: Resource) -> str:
    """
    The name of a resource's variable: its type, and what its name adds to the stack's.
    """
    resource_type = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", resource.type_name())
    # A hash in a name changes with the resource; a variable's name must not.
    name = "" if [*named_fields(type(resource))] else resource.name
    own = re.sub(rf"^(/batchkit/)?{re.escape(stack)}(?![a-z0-9])", "", name)
    own = own.removesuffix(f"-{region}")
    words = re.sub(r"[^A-Za-z0-9]+", "_", f"{resource_type}_{own}")
    return words.strip("_").upper()


def as_json(given: Mapping[str, str]) -> str:
    """
    A JSON object.
    """
    return json.dumps(given, indent=2)


def as_env(given: Mapping[str, str]) -> str:
    """
    Lines that a POSIX shell can source.
    """
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in given.items())


def as_make(given: Mapping[str, str]) -> str:
    """
    Lines that make can include.
    """
    return "\n".join(f"{name} := {_make(value)}" for name, value in given.items())


def _make(value: str) -> str:
    # make expands $ and takes # for a comment.
    return value.replace("$", "$$").replace("#", r"\#")


FORMATS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    "json": as_json,
    "env": as_env,
    "make": as_make,
}


def plan(made: Plan) -> dict[str, Any]:
    """
    A plan as JSON has it.
    """
    kept = [item for item in made.items if item not in made.changes]
    return {
        "stack": made.stack,
        "changes": [_change(item) for item in made.changes],
        "kept": [f"{item.resource_type} {item.name}" for item in kept],
        "waiting": {
            f"{item.resource_type} {item.name}": [str(one) for one in item.waits]
            for item in made.waiting
        },
    }


def _change(item: Item) -> dict[str, Any]:
    fields = {one.field: [_known(one.actual), _known(one.desired)] for one in item.changes}
    return {
        "action": str(item.action),
        "resource_type": item.resource_type,
        "name": item.name,
        "fields": fields,
        "calls": [str(call.operation) for call in item.calls],
    }


def _known(value: Any) -> Any:
    """
    *value*, or None if it is known only after another resource is made.
    """
    if any(references(value)):
        return None
    return value
