"""
Differences for a reader: of a document only what differs, each with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from batchkit._engine.compare import Change
from batchkit._model.values import Json, references

LATER: Final = "known after it is made"
MISSING: Final = "nothing"
_NONE: Final = object()


def differences(change: Change) -> Iterator[tuple[str, str, str]]:
    """
    The places in a field that differ, with both values as texts.
    """
    for path, actual, desired in _deep(change.field, change.actual, change.desired):
        yield path, _text(actual), _text(desired)


def _deep(path: str, actual: Any, desired: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(actual, Mapping) and isinstance(desired, Mapping):
        for key in sorted({*actual, *desired}):
            yield from _deep(f"{path}.{key}", actual.get(key, _NONE), desired.get(key, _NONE))
    elif actual != desired:
        yield path, actual, desired


def _text(value: Any) -> str:
    if value is _NONE:
        return MISSING
    if isinstance(value, Json):
        value = value.document
    return LATER if any(references(value)) else repr(value)
