"""
A stack as a picture: its resources in columns, and what refers to what, as inline SVG.

The edges come from the resources themselves: one refers to another if one of its fields, or a value
within it, is the other's id, ARN or name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from batchkit._display.html import GOOD, Markup, colour_of, link, tag
from batchkit._display.text import shortened, state_of
from batchkit._jobs import links as _links
from batchkit._model.resource import Resource
from batchkit._model.texts import texts

WIDTH: Final = 156
HEIGHT: Final = 38
ACROSS: Final = 44
DOWN: Final = 10
LONGEST: Final = 21

_NO_REFERENCE: Final = ("name", "stack", "tags", "depends_on", "grants")

Edges = Mapping[int, Sequence[int]]


def picture(resources: Sequence[Resource], region: str, partition: str) -> Markup:
    """
    The picture of *resources*.
    """
    edges = references(resources)
    places = layout(len(resources), edges)
    drawn = [_edge(places[start], places[end]) for start, end in _pairs(edges)]
    for number, resource in enumerate(resources):
        box = _box(resource, *places[number])
        drawn.append(_linked(box, resource, region, partition))
    right = max((x for x, _ in places.values()), default=0) + WIDTH + 2
    bottom = max((y for _, y in places.values()), default=0) + HEIGHT + 2
    return tag(
        "svg",
        *drawn,
        viewBox=f"-1 -1 {right + 1} {bottom + 1}",
        width="100%",
        style=f"max-width:{right}px;display:block",
        role="img",
        aria_label="the resources of the stack and how they connect",
    )


def references(resources: Sequence[Resource]) -> dict[int, list[int]]:
    """
    For the number of each resource the numbers of those that it refers to.
    """
    numbers: dict[str, int] = {}
    for number, resource in enumerate(resources):
        for key in _keys(resource):
            numbers[key] = number
    found: dict[int, list[int]] = {}
    for number, resource in enumerate(resources):
        targets = {numbers[text] for text in _texts_of(resource) if text in numbers}
        found[number] = sorted(targets - {number})
    return found


def _keys(resource: Resource) -> Iterator[str]:
    """
    The texts that stand for a resource in others: its id or ARN, its URI, a name with a path.
    """
    # A plain name stands for too many: the resources of a stack often have the stack's name.
    for text in (resource.identity, getattr(resource, "uri", ""), resource.name):
        if isinstance(text, str) and text and (text != resource.name or "/" in text):
            yield text


def _texts_of(resource: Resource) -> Iterator[str]:
    """
    The texts in the fields of a resource that may refer to others.
    """
    for attribute in attrs.fields(type(resource)):
        if "read_only" in attribute.metadata or attribute.name in _NO_REFERENCE:
            continue
        for text in texts(getattr(resource, attribute.name)):
            yield text
            # The URI of an image begins with that of its repository.
            if "@sha256:" in text:
                yield text.partition("@")[0]


def layout(count: int, edges: Edges) -> dict[int, tuple[int, int]]:
    """
    Where each box is: right of those that refer to it, and near to them.
    """
    columns = _columns(count, edges)
    tallest = max(map(len, columns.values()), default=0)
    places = {}
    for depth, numbers in columns.items():
        x = depth * (WIDTH + ACROSS)
        top = (tallest - len(numbers)) * (HEIGHT + DOWN) // 2
        for row, number in enumerate(numbers):
            places[number] = (x, top + row * (HEIGHT + DOWN))
    return places


def _columns(count: int, edges: Edges) -> dict[int, list[int]]:
    """
    The resources of each column, from the top down.
    """
    columns: dict[int, list[int]] = defaultdict(list)
    for number, depth in _depths(count, edges).items():
        columns[depth].append(number)
    rows: dict[int, float] = {}
    for depth in sorted(columns):
        column = sorted(columns[depth], key=lambda number: _middle(number, edges, rows))
        columns[depth] = column
        for row, number in enumerate(column):
            rows[number] = row
    return columns


def _depths(count: int, edges: Edges) -> dict[int, int]:
    """
    The column of each resource: the length of the longest way to it.
    """
    depths = dict.fromkeys(range(count), 0)
    # A circle of references, which there should not be, ends after *count* rounds.
    for _ in range(count):
        before = dict(depths)
        for start, end in _pairs(edges):
            depths[end] = min(max(depths[end], depths[start] + 1), count)
        if depths == before:
            break
    # What neither refers to anything nor is referred to stands in the last column.
    last = max(depths.values(), default=0)
    referred_to = {end for _, end in _pairs(edges)}
    for number in range(count):
        if not edges[number] and number not in referred_to:
            depths[number] = last
    return depths


def _pairs(edges: Edges) -> Iterator[tuple[int, int]]:
    """
    Each edge as its start and its end.
    """
    for start, ends in edges.items():
        for end in ends:
            yield start, end


def _middle(number: int, edges: Edges, rows: Mapping[int, float]) -> float:
    """
    The middle of the rows of those that refer to a resource, as far as they are known.
    """
    known = [rows[start] for start, end in _pairs(edges) if end == number and start in rows]
    if not known:
        return float(number)
    return sum(known) / len(known)


def _edge(start: tuple[int, int], end: tuple[int, int]) -> Markup:
    """
    A curve from the right side of one box to the left side of another.
    """
    x1, y1 = start[0] + WIDTH, start[1] + HEIGHT // 2
    x2, y2 = end[0], end[1] + HEIGHT // 2
    bend = max(24, (x2 - x1) // 2)
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return tag("path", d=path, fill="none", stroke="currentColor", stroke_opacity="0.28")


def _box(resource: Resource, x: int, y: int) -> Markup:
    """
    A box with the type and the name of a resource, in the colour of its state.
    """
    resource_type, name, state = resource.type_name(), resource.name, state_of(resource)
    colour = f"var(--{colour_of(state) if state else GOOD})"
    title = f"{resource_type} {name}: {resource.identity} {state}".strip()
    size = {"width": WIDTH, "height": HEIGHT, "rx": 6}
    return tag(
        "g",
        tag("title", title),
        tag("rect", x=x, y=y, **size, fill="var(--tint)", stroke=colour),
        tag("circle", cx=x + WIDTH - 11, cy=y + 12, r=4, fill=colour),
        tag("text", resource_type, x=x + 9, y=y + 15, font_size=10, fill_opacity="0.75"),
        tag("text", shortened(name, LONGEST), x=x + 9, y=y + 30, font_size=11.5),
    )


def _linked(box: Markup, resource: Resource, region: str, partition: str) -> Markup:
    """
    A box that leads to the resource's page in AWS's console, if there is one.
    """
    resource_type, identity = resource.type_name(), str(resource.identity)
    address = _links.resource(resource_type, identity, region, partition)
    return link(box, address) if address else box
