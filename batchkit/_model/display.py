"""
How values are shown: they are defined here below, and the views register themselves from above.

A view is a function for one class: notebooks call `as_html`, terminals call `as_rich`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any


@singledispatch
def as_html(value: Any) -> str:
    """
    *value* as HTML.
    """
    raise TypeError(f"nothing says how to show a {type(value).__name__}")


@singledispatch
def as_rich(value: Any) -> Any:
    """
    *value* as what rich prints.
    """
    raise TypeError(f"nothing says how to show a {type(value).__name__}")


_providers: list[Callable[[], object]] = []


def provide(load: Callable[[], object]) -> None:
    """
    *load* is called before something is shown for the first time: it registers views.
    """
    _providers.append(load)


def _load() -> None:
    while _providers:
        _providers.pop()()


class Displayed:
    """
    A value that notebooks and terminals show in more than a line.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        _load()
        return as_html(self)

    def __rich__(self) -> Any:
        _load()
        return as_rich(self)
