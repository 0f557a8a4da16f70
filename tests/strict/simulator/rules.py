"""
The register of the rules: what each says, how sure it is, and the functions that hold to it.

A rule is one or more small functions, each bound to the operations it concerns. A function that
runs *before* AWS's answer may refuse the call (raise `Refusal`), change its parameters, or give
the answer itself; one that runs *after* may change the answer. Whatever returns true, or refuses,
is a hit of its rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .api_call import ApiCall

Handler = Callable[[ApiCall], bool | None]


class AwsRule(NamedTuple):
    """
    One rule: its number, how sure it is, and what it says.

    The confidence is M (measured on AWS), D (documented), T (what other tools imply) or U (the
    wording is not known, so it differs from seed to seed).
    """

    number: int
    confidence: str
    text: str


RULES: dict[int, AwsRule] = {}
_BEFORE: dict[tuple[str, str], list[tuple[int, Handler]]] = defaultdict(list)
_AFTER: dict[tuple[str, str], list[tuple[int, Handler]]] = defaultdict(list)


def declare(*rules: tuple[int, str, str]) -> None:
    """
    Enter rules, each as its number, its confidence and one line of text.
    """
    for number, confidence, text in rules:
        RULES[number] = AwsRule(number, confidence, text)


def before(number: int, *operations: str) -> Callable[[Handler], Handler]:
    """
    Bind a function to *operations* (`service:Operation`, `service:*` or `*:*`), before the answer.
    """
    return _bind(_BEFORE, number, operations)


def after(number: int, *operations: str) -> Callable[[Handler], Handler]:
    """
    Bind a function to *operations*, once there is an answer that it may change.
    """
    return _bind(_AFTER, number, operations)


def handlers_before(service: str, operation: str) -> Iterator[tuple[int, Handler]]:
    """
    The functions that run before the answer to *operation*, general ones first.
    """
    for key in (("*", "*"), (service, "*"), (service, operation)):
        yield from _BEFORE.get(key, ())


def handlers_after(service: str, operation: str) -> Iterator[tuple[int, Handler]]:
    """
    The functions that run on the answer to *operation*, general ones last.
    """
    for key in ((service, operation), (service, "*"), ("*", "*")):
        yield from _AFTER.get(key, ())


def _bind(
    table: dict[tuple[str, str], list[tuple[int, Handler]]],
    number: int,
    operations: tuple[str, ...],
) -> Callable[[Handler], Handler]:
    def bind(handler: Handler) -> Handler:
        for operation in operations:
            service, _, name = operation.partition(":")
            table[service, name].append((number, handler))
        return handler

    return bind
