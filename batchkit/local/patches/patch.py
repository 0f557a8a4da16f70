"""
Patches to moto: each replaces one attribute, and all are applied and undone together.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

ABSENT = object()

Replacement = Callable[..., Any]


@dataclass(frozen=True)
class Patch:
    """
    One difference between moto and AWS: the attribute *name* of *owner* is replaced.

    *build* gets the present attribute, or `ABSENT`, and returns the new one.
    """

    owner: Any
    name: str
    reason: str
    build: Callable[[Any], Any]

    def __str__(self) -> str:
        owner = self.owner.__name__.rpartition(".")[2]
        return f"{owner}.{self.name}"

    def apply(self) -> Callable[[], None]:
        """
        The attribute is replaced. Returns a function that restores it.
        """
        own = vars(self.owner).get(self.name, ABSENT)
        present = inspect.getattr_static(self.owner, self.name, ABSENT)
        setattr(self.owner, self.name, self.build(present))
        return functools.partial(self._restore, own)

    def _restore(self, own: Any) -> None:
        if own is ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, own)


class Patches(list[Patch]):
    """
    The registry of one module's patches: `PATCHES = Patches()` at its top.
    """

    def __call__(
        self, owner: Any, name: str, *, reason: str
    ) -> Callable[[Replacement], Replacement]:
        """
        The decorated function replaces *owner*'s *name*; it gets the original as first argument.

        *reason* is one sentence: what AWS does, ", but moto", and what moto does.
        """

        def keep(replacement: Replacement) -> Replacement:
            build = functools.partial(_wrapped, replacement)
            self.append(Patch(owner=owner, name=name, reason=reason, build=build))
            return replacement

        return keep

    def value(self, owner: Any, name: str, new: Any, *, reason: str) -> None:
        """
        The constant *name* of *owner* is *new*.
        """
        self.append(Patch(owner=owner, name=name, reason=reason, build=lambda _: new))


def _wrapped(replacement: Replacement, present: Any) -> Any:
    if isinstance(present, property):
        return property(_bound(replacement, present.fget))
    if isinstance(present, staticmethod):
        return staticmethod(_bound(replacement, present.__func__))
    return _bound(replacement, present)


def _bound(replacement: Replacement, original: Any) -> Replacement:
    @functools.wraps(replacement)
    def call(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    return call


def apply_all(patches: Iterable[Patch]) -> ExitStack:
    """
    All *patches* are applied. Closing the stack undoes them in reverse order.
    """
    with ExitStack() as stack:
        for patch in patches:
            stack.callback(patch.apply())
        return stack.pop_all()
