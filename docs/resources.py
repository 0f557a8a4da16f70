"""
`docs/resources.md`, written from the resource types: `python docs/resources.py > docs/resources.md`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from batchkit._model.calls import operations
from batchkit._model.properties import read_only_fields
from batchkit._model.resource import Resource
from batchkit.resources.resource_types import RESOURCE_TYPES, variants

HEAD: Final = """\
# The resources

What a stack may be made of, a class each, in the order of their creation.
All have `name`, `stack` and `tags` too.

A property that is *create-only* can't be changed by AWS, and one that is *named* is part of the resource's name, by a hash.
A change of a named one makes a new resource beside the old one, moves to it what stands on the old one, and deletes that.
A change of one that is only create-only ends the plan with `ReplacementNeeded`, since the name is taken, or since data would be lost.
One that is *write-only* matters when the resource is made, and isn't compared afterwards.

This page is made from the classes: `python docs/resources.py > docs/resources.md`.
"""
COMMON: Final = {attribute.name for attribute in attrs.fields(Resource)}


def page() -> str:
    """
    The page.
    """
    lines = [HEAD]
    for resource_type in RESOURCE_TYPES:
        if not resource_type.INTERNAL:
            for variant in variants(resource_type):
                lines += _part(variant)
    return "\n".join(lines)


def _part(resource_type: type[Resource]) -> Iterator[str]:
    yield f"## {resource_type.__name__}\n"
    sentence = " ".join(
        (inspect.getdoc(resource_type) or "").split("\n\n")[0].split(".  ")[0].split()
    )
    yield f"{sentence.rstrip('.')}.\n"
    fields = [line for attribute in attrs.fields(resource_type) for line in _field(attribute)]
    if fields:
        yield "| property | expects | default | |"
        yield "|---|---|---|---|"
        yield from fields
        yield ""
    given = [
        attribute.name
        for attribute in read_only_fields(resource_type)
        if attribute.name not in COMMON
    ]
    if given:
        yield f"- Known once it is made: {_listed(given)}"
    calls = dict.fromkeys(operations(resource_type).values())
    actions = dict.fromkeys(action for call in calls for action in call.permissions)
    yield f"- Reads: {_listed(call for call in calls if call.reads)}"
    yield f"- Changes: {_listed(call for call in calls if not call.reads)}"
    yield f"- Permissions: {_listed(actions)}"
    yield ""


def _listed(items: Iterable[object]) -> str:
    return ", ".join(f"`{item}`" for item in items) or "nothing"


def _field(attribute: attrs.Attribute[object]) -> Iterator[str]:
    if attribute.name in COMMON or "read_only" in attribute.metadata:
        return
    expects = " and ".join(one.expects for one in attribute.metadata.get("constraints", ()))
    default = attribute.default
    shown = "required" if default is attrs.NOTHING else f"`{default!r}`"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        shown = "" if default.takes_self else f"`{default.factory()!r}`"
    marks = ("create_only", "named", "write_only")
    marked = ", ".join(one.replace("_", "-") for one in marks if attribute.metadata.get(one))
    yield f"| `{attribute.name}` | {expects.replace('|', chr(92) + '|')} | {shown} | {marked} |"


if __name__ == "__main__":
    print(page(), end="")
