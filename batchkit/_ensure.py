"""
Ensuring resources on their own, without a stack around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

import boto3

from batchkit._aws import Aws
from batchkit._checks import refuse
from batchkit._clock import Clock
from batchkit._engine import Engine
from batchkit._resource import Resource
from batchkit.errors import ApplyError
from batchkit.events import Listener, listeners

R = TypeVar("R", bound=Resource)


class Ensure(Protocol[R]):
    """
    A function that brings AWS to one wish, and returns it with its outputs.
    """

    def __call__(
        self,
        wanted: R,
        /,
        *,
        session: boto3.Session | None = None,
        on_event: Listener | None = None,
        adopt: bool = False,
        clock: Clock | None = None,
    ) -> R: ...


def ensure_all(
    wanted: Sequence[Resource],
    *,
    session: boto3.Session | None,
    on_event: Listener | None,
    adopt: bool,
    clock: Clock | None,
) -> list[Resource]:
    """
    Makes, updates or leaves alone each of *wanted*.

    Raises what went wrong itself, not an `ApplyError` about it.
    """
    engine = Engine(Aws(session, clock), listeners(on_event), adopt=adopt)
    try:
        return engine.apply(engine.observe(wanted))
    except ApplyError as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


def ensurer(kind: type[R]) -> Ensure[R]:
    """
    The function `ensure_<kind>`.
    """

    def ensure(
        wanted: R,
        /,
        *,
        session: boto3.Session | None = None,
        on_event: Listener | None = None,
        adopt: bool = False,
        clock: Clock | None = None,
    ) -> R:
        if not isinstance(wanted, kind):
            refuse(ensure.__name__, "wanted", wanted, f"a {kind.__name__}")
        made = ensure_all(
            wanted.companions(), session=session, on_event=on_event, adopt=adopt, clock=clock
        )
        return cast(R, next(one for one in made if one.key == wanted.key))

    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
    ensure.__name__ = ensure.__qualname__ = f"ensure_{words}"
    ensure.__module__ = kind.__module__
    ensure.__doc__ = f"""
    Makes, updates or leaves alone the {words.replace("_", " ")}; the result has its outputs.

    Args:
        session: Where to; the default session's account and region if None.
        on_event: Called with an `Event` for all that happens.
        adopt: Whether one of that name that isn't its stack's is taken over.
        clock: What waits, instead of the machine's time.

    Raises:
        NotOwnedError: One of that name is there and isn't its stack's.
        ReplacementNeeded: It differs in a way that AWS can't change.
        AwsError: AWS refused a call.
    """
    return ensure
