"""
The texts inside a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs


def texts(value: Any) -> Iterator[str]:
    """
    Every text in *value*, however deep: in mappings, sequences, sets, and fields of attrs classes.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from texts(item)
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from texts(getattr(value, attribute.name, None))
