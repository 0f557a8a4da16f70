"""
A stack as a page: the picture of its resources, and a table of them.
"""

from __future__ import annotations

from batchkit._display.html import colour_of, frame, link, rows, tag
from batchkit._display.picture import picture
from batchkit._display.text import state_of
from batchkit._jobs import links as _links
from batchkit._model.display import as_html
from batchkit._model.resource import Resource
from batchkit.stack.stack import Stack


@as_html.register
def page(stack: Stack) -> str:
    """
    The stack as it was when it was made or described.
    """
    drawn = picture(stack.resources, stack.region, stack.partition)
    table = rows([_row(one, stack) for one in stack.resources], ("Type", "Name", "State", "Id"))
    return frame(
        tag("h4", "Stack ", stack.name, tag("span", f" in {stack.region}", class_="dim")),
        drawn,
        tag("details", tag("summary", f"{len(stack.resources)} resources"), table),
    )


def _row(resource: Resource, stack: Stack) -> tuple[object, ...]:
    resource_type, identity = resource.type_name(), str(resource.identity)
    state = state_of(resource)
    address = _links.resource(resource_type, identity, stack.region, stack.partition)
    return (
        resource_type,
        link(resource.name, address),
        tag("span", state, class_=colour_of(state)),
        tag("code", identity),
    )
