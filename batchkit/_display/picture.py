"""
A stack as a picture: its resources in columns, and what refers to what, as inline SVG.

The edges come from the resources themselves: one points to another if a field of it, however deep,
holds the other's id, ARN or name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from batchkit._display.html import GOOD, Markup, colour_of, tag
from batchkit._jobs import links as _links
from batchkit._model.resource import Resource

WIDTH: Final = 156
HEIGHT: Final = 38
ACROSS: Final = 44
DOWN: Final = 10
LONGEST: Final = 21

_LEADING_NOWHERE: Final = ("name", "stack", "tags", "depends_on", "grants")

Edges = Mapping[int, Sequence[int]]


def picture(resources: Sequence[Resource], region: str, partition: str) -> Markup:
    """
    The picture of *resources*.
    """
    edges = references(resources)
    places = layout(len(resources), edges)
    lines = [_edge(places[one], places[two]) for one, many in edges.items() for two in many]
    boxes = [
        _box(resource, *places[number], region, partition)
        for number, resource in enumerate(resources)
    ]
    right = max((x for x, _ in places.values()), default=0) + WIDTH + 2
    bottom = max((y for _, y in places.values()), default=0) + HEIGHT + 2
    return tag(
        "svg",
        *lines,
        *boxes,
        viewBox=f"-1 -1 {right + 1} {bottom + 1}",
        width="100%",
        style=f"max-width:{right}px;display:block",
        role="img",
        aria_label="the resources of the stack and how they connect",
    )


def references(resources: Sequence[Resource]) -> dict[int, list[int]]:
    """
    For each resource the numbers of those that it refers to.
    """
    by_text = {key: n for n, resource in enumerate(resources) for key in _keys(resource)}
    found: dict[int, list[int]] = {}
    for number, resource in enumerate(resources):
        texts = {one for value in _held(resource) for one in _texts(value)}
        # A digest names an image, and what is before it a repository.
        texts |= {one.partition("@")[0] for one in texts if "@sha256:" in one}
        found[number] = sorted({by_text[one] for one in texts if one in by_text} - {number})
    return found


def _held(resource: Resource) -> Iterator[Any]:
    """
    The fields of a resource that lead to others; what a role may do is not a part of it.
    """
    for attribute in attrs.fields(type(resource)):
        if "read_only" not in attribute.metadata and attribute.name not in _LEADING_NOWHERE:
            yield getattr(resource, attribute.name)


def _keys(resource: Resource) -> Iterator[str]:
    """
    The texts that stand for a resource in others: a plain name stands for too many.
    """
    for text in (resource.identity, getattr(resource, "uri", ""), resource.name):
        if isinstance(text, str) and text and (text != resource.name or "/" in text):
            yield text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from _texts(getattr(value, attribute.name, None))


def layout(count: int, edges: Edges) -> dict[int, tuple[int, int]]:
    """
    Where each box is: a column behind those that refer to it, near to them.
    """
    columns: dict[int, list[int]] = defaultdict(list)
    for number, depth in _depths(count, edges).items():
        columns[depth].append(number)
    rows: dict[int, float] = {}
    for depth in sorted(columns):
        columns[depth].sort(key=lambda number: _middle(number, edges, rows))
        rows.update((number, row) for row, number in enumerate(columns[depth]))
    tallest = max(map(len, columns.values()), default=0)
    places = {}
    for depth, numbers in columns.items():
        top = (tallest - len(numbers)) * (HEIGHT + DOWN) // 2
        for row, number in enumerate(numbers):
            places[number] = (depth * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN))
    return places


def _depths(count: int, edges: Edges) -> dict[int, int]:
    """
    The longest way to each; a circle, which there should not be, ends after *count* rounds.
    """
    depths = dict.fromkeys(range(count), 0)
    for _ in range(count):
        before = dict(depths)
        for one, many in edges.items():
            for two in many:
                depths[two] = min(max(depths[two], depths[one] + 1), count)
        if depths == before:
            break
    last = max(depths.values(), default=0)
    alone = {one for one in range(count) if not edges[one]} - {t for m in edges.values() for t in m}
    return {**depths, **dict.fromkeys(alone, last)}


def _middle(number: int, edges: Edges, rows: Mapping[int, float]) -> float:
    above = [rows[one] for one, many in edges.items() if number in many and one in rows]
    return sum(above) / len(above) if above else float(number)


def _edge(start: tuple[int, int], end: tuple[int, int]) -> Markup:
    x, y = start[0] + WIDTH, start[1] + HEIGHT // 2
    u, v = end[0], end[1] + HEIGHT // 2
    bend = max(24, (u - x) // 2)
    path = f"M{x} {y}C{x + bend} {y} {u - bend} {v} {u} {v}"
    return tag("path", d=path, fill="none", stroke="currentColor", stroke_opacity="0.28")


def _box(resource: Resource, x: int, y: int, region: str, partition: str) -> Markup:
    kind, name, state = resource.type_name(), resource.name, _state(resource)
    colour = colour_of(state) if state else GOOD
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    told = f"{kind} {name}: {resource.identity} {state}".strip()
    box = tag(
        "g",
        tag("title", told),
        tag(
            "rect",
            x=x,
            y=y,
            width=WIDTH,
            height=HEIGHT,
            rx=6,
            fill="var(--tint)",
            stroke=f"var(--{colour})",
        ),
        tag("circle", cx=x + WIDTH - 11, cy=y + 12, r=4, fill=f"var(--{colour})"),
        tag("text", kind, x=x + 9, y=y + 15, font_size=10, fill_opacity="0.75"),
        tag("text", shown, x=x + 9, y=y + 30, font_size=11.5),
    )
    address = _links.resource(kind, str(resource.identity), region, partition)
    if not address:
        return box
    return tag("a", box, href=address, target="_blank", rel="noopener noreferrer")


def _state(resource: Resource) -> str:
    return resource.state if isinstance(resource.state, str) else ""
