"""
Who works with what: jobs that have not ended, executions, network interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

Use = tuple[str, str]
"""A resource as others refer to it: the name of its resource type, and its id, ARN or name."""


@frozen
class User:
    """
    Something that is at work: *words* say what, and *needs* name the resources that it works with.
    """

    words: str
    needs: frozenset[Use]


def texts(value: Any) -> Iterator[str]:
    """
    Every text in *value*, however deep.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from texts(item)
