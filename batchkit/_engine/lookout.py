"""
Noticing that another caller works against this one: it deletes what is needed here, or makes what
is being deleted.

Nobody says so: EC2 answers for an id that is gone as for one that it doesn't know yet, and for a
network that is being filled as for one that is being emptied.  So who is refused, or waits, looks
around now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final, TypeVar

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._model.properties import read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.signals import Cancelled, Overtaken
from batchkit.clock import Clock
from batchkit.errors import ApplyError, AwsError, StillWaiting

T = TypeVar("T")
FIRST: Final = 10.0
"""After how many seconds of waiting a caller looks around; then after twice as many, and so on."""
UNLISTED: Final = 60.0
"""For how many seconds AWS may not list what exists; after that another caller has deleted it."""
LONG: Final = 30.0
"""Seconds within which another caller can hardly have taken back what was made."""

Look = Callable[[], object]


class Lookout:
    """
    Looks around now and then, as long as something has to wait.
    """

    def __init__(self, clock: Clock, look: Look) -> None:
        self._clock = clock
        self._look = look
        self._began = clock.monotonic()
        self._pause = FIRST

    def __call__(self) -> None:
        """
        Another attempt is about to be made.

        Raises:
            Overtaken: Another caller works against this one.
        """
        if self._clock.monotonic() - self._began >= self._pause:
            self._pause *= 2
            look_around(self._look)


def look_around(look: Look) -> None:
    """
    Looks once; what can't be read is taken to be as it was.

    Raises:
        Overtaken: Another caller works against this one.
    """
    with suppress(AwsError, StillWaiting, Cancelled):
        look()


def unless_overtaken(
    aws: Aws, work: Callable[[], T], rounds: int, stays: Callable[[], bool] = lambda: True
) -> T:
    """
    The result of *work*, which looks again and goes on where another caller was faster.

    Args:
        rounds: How often it begins, until it gives up.
        stays: Whether its result is still there; asked where that took long.
    """
    began = aws.clock.monotonic()
    met: ApplyError | None = None
    for last in (*[False] * (rounds - 1), True):
        try:
            result = work()
        except ApplyError as error:
            # What fails after that is most likely the other's doing, too.
            if any(isinstance(one, Overtaken) for _, one in error.failed):
                met = error
            if met is None or last:
                raise met or error from error.__cause__
            aws.stopped.clear()
        else:
            if last or aws.clock.monotonic() - began < LONG or stays():
                return result
    raise AssertionError("unreachable")


def check_there(aws: Aws, needed: Iterable[Resource], own: Resource | None) -> None:
    """
    Everything of *needed* is there as this caller knows it, and *own* or a duplicate of it.

    Raises:
        Overtaken: Another caller has deleted one of them.
    """
    for resource in (*needed, *filter(None, [own])):
        began = aws.clock.monotonic()
        while not _is_there(aws, resource, may_be_another=resource is own):
            # EC2 may list late what exists: one empty answer doesn't mean that it is gone
            # (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
            if aws.clock.monotonic() - began >= UNLISTED:
                raise Overtaken(f"{resource} ({resource.identity}) is gone")
            aws.pause(2.0)


def _is_there(aws: Aws, resource: Resource, *, may_be_another: bool) -> bool:
    candidates = _reads.read(aws, resource)
    if any(a.metadata["regenerated"] for a in read_only_fields(type(resource))):
        may_be_another = True  # a later revision has another ARN
    usable = [actual for actual in candidates if actual.state not in actual.DELETING]
    return any(may_be_another or one.identity == resource.identity for one in usable)


def check_nothing_new(
    aws: Aws, resource_types: Collection[type[Resource]], stack: str, known: Collection[object]
) -> None:
    """
    All that *stack* owns was there when its deletion began; *known* are the identities.

    Raises:
        Overtaken: Another caller makes it meanwhile.
    """
    for actual in _reads.observe(aws, (), resource_types, stack).found:
        if actual.identity not in known and actual.state not in actual.DELETING:
            raise Overtaken(f"{actual} ({actual.identity}) is new")
