"""
Mends to moto: what each puts in whose place and why, applied together and taken back together.
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
    One thing that moto does unlike AWS: *owner*'s *name* is replaced for as long as it is applied.

    *build* makes the new attribute of the one that is there (or of `ABSENT`).
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
        The attribute is replaced; calling what is returned puts the old one back.
        """
        own = vars(self.owner).get(self.name, ABSENT)
        seen = inspect.getattr_static(self.owner, self.name, ABSENT)
        setattr(self.owner, self.name, self.build(seen))
        return functools.partial(self._restore, own)

    def _restore(self, own: Any) -> None:
        if own is ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, own)


class Patches(list[Patch]):
    """
    The mends of one service, in the order in which they were written down.
    """

    def __call__(
        self, owner: Any, name: str, *, reason: str
    ) -> Callable[[Replacement], Replacement]:
        """
        The decorated function takes *name*'s place and gets what was there as first argument.
        """

        def keep(replacement: Replacement) -> Replacement:
            build = functools.partial(_wrapped, replacement)
            self.append(Patch(owner=owner, name=name, reason=reason, build=build))
            return replacement

        return keep

    def value(self, owner: Any, name: str, new: Any, *, reason: str) -> None:
        """
        The constant *name* is *new*.
        """
        self.append(Patch(owner=owner, name=name, reason=reason, build=lambda _: new))


def _wrapped(replacement: Replacement, seen: Any) -> Any:
    kind = type(seen) if isinstance(seen, (property, staticmethod)) else None
    original = seen
    if isinstance(seen, property):
        original = seen.fget
    elif isinstance(seen, staticmethod):
        original = seen.__func__

    @functools.wraps(replacement)
    def call(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    return kind(call) if kind else call


def apply_all(mends: Iterable[Patch]) -> ExitStack:
    """
    All *mends* hold until the stack is closed, which takes them back in reverse order.
    """
    with ExitStack() as stack:
        for patch in mends:
            stack.callback(patch.apply())
        return stack.pop_all()
