"""
Whether policy documents allow a request, by action, ARN and conditions, as IAM evaluates them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

Statement = Mapping[str, Any]
Context = tuple[tuple[str, str], ...]


class AccessRequest(NamedTuple):
    """
    One thing that AWS authorises: an action on a resource, with the condition keys that are known.
    """

    action: str
    resource: str
    context: Context = ()


@lru_cache(maxsize=None)
def _pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL | flags)


def matches(pattern: str, text: str) -> bool:
    """
    Whether *text* is one that a pattern with * and ? stands for.
    """
    return _pattern(pattern).fullmatch(text) is not None


def _equals(wanted: str, given: str) -> bool:
    return wanted == given


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
}
"""Each operator that the evaluation knows; any other is an error, so that none is skipped."""


def listed(value: Any) -> list[Any]:
    """
    One value or many, as a list.
    """
    return list(value) if isinstance(value, (list, tuple)) else [value]


def statements(documents: Iterable[Mapping[str, Any]]) -> list[Statement]:
    """
    The statements of all *documents*.
    """
    return [one for document in documents for one in listed(document["Statement"])]


def applies(statement: Statement, request: AccessRequest) -> bool:
    """
    Whether *statement* is about *request*.
    """
    return (
        any(
            _pattern(action, re.IGNORECASE).fullmatch(request.action)
            for action in listed(statement["Action"])
        )
        and any(matches(resource, request.resource) for resource in listed(statement["Resource"]))
        and _conditions_hold(statement.get("Condition", {}), dict(request.context))
    )


def allows(of: Sequence[Statement], request: AccessRequest) -> bool:
    """
    Whether the statements allow *request*: one allows it, and none denies it.
    """
    effects = {one["Effect"] for one in of if applies(one, request)}
    return effects == {"Allow"}


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    lowered = {key.lower(): value for key, value in context.items()}
    return all(
        key.lower() in lowered
        and any(OPERATORS[operator](value, lowered[key.lower()]) for value in listed(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )
