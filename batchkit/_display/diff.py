"""
Differences as a reader wants them: of a document only what differs, each with its place.
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
    for path, held, wanted in _deep(change.field, change.held, change.wanted):
        yield path, _text(held), _text(wanted)


def _deep(path: str, held: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(held, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*held, *wanted}):
            yield from _deep(f"{path}.{key}", held.get(key, _NONE), wanted.get(key, _NONE))
    elif held != wanted:
        yield path, held, wanted


def _text(value: Any) -> str:
    if value is _NONE:
        return MISSING
    if isinstance(value, Json):
        value = value.document
    return LATER if any(references(value)) else repr(value)
