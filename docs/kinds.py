"""
`docs/resources.md`, written from the kinds: `python docs/kinds.py > docs/resources.md`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from batchkit._blueprint.blueprint import resource_types
from batchkit._model.resource import Resource, operations, read_only_fields

HEAD: Final = """\
# The resources

What a stack may be made of, a class each, in the order of their creation.
All have `name`, `stack` and `tags` too.

A field that is *fixed* can't be changed by AWS: a change makes a new resource beside the old one, moves to it what stands on the old one, and deletes that.
Where that is impossible, since the name is taken or since data would be lost, the plan ends with `ReplacementNeeded`.

This page is made from the classes: `python docs/kinds.py > docs/resources.md`.
"""
COMMON: Final = {attribute.name for attribute in attrs.fields(Resource)}


def page() -> str:
    """
    The page.
    """
    return "\n".join(
        [HEAD, *(line for resource_type in resource_types() if not resource_type.INTERNAL for line in _part(resource_type))]
    )


def _part(resource_type: type[Resource]) -> Iterator[str]:
    yield f"## {resource_type.__name__}\n"
    sentence = " ".join((inspect.getdoc(resource_type) or "").split("\n\n")[0].split(".  ")[0].split())
    yield f"{sentence.rstrip('.')}.\n"
    fields = [line for attribute in attrs.fields(resource_type) for line in _field(attribute)]
    if fields:
        yield "| field | takes | default | |"
        yield "|---|---|---|---|"
        yield from fields
        yield ""
    given = [attribute.name for attribute in read_only_fields(resource_type) if attribute.name not in COMMON]
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
    expects = " and ".join(
        constraints.expects for constraints in attribute.metadata.get("constraints", ())
    )
    default = attribute.default
    shown = "required" if default is attrs.NOTHING else f"`{default!r}`"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        shown = "" if default.takes_self else f"`{default.factory()!r}`"
    fixed = "fixed" if "create_only" in attribute.metadata else ""
    yield f"| `{attribute.name}` | {expects.replace('|', chr(92) + '|')} | {shown} | {fixed} |"


if __name__ == "__main__":
    print(page(), end="")
