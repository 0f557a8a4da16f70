"""
Looking at one resource again and again, while AWS is at work on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.lookout import UNLISTED, Lookout
from batchkit._engine.outputs import Outputs
from batchkit._model.resource import Resource
from batchkit.errors import StillWaiting
from batchkit.events import Action, Event, Listener, Phase

# botocore has no waiters for Batch, Step Functions and EventBridge Scheduler, and some of those for
# EC2 end at once if a fresh id isn't known yet; so every wait is a poll of `Resource.read`.
SHORTEST: Final = 1.0
LONGEST: Final = 5.0
"""Seconds between two polls of a resource: AWS throttles more than one a second."""
LATE: Final = 0.01
"""How late, as a part of the wait, a poll may find that AWS is done."""


class Polls:
    """
    What AWS holds of a resource, now or until the time that it may take is over.

    Args:
        lookout: Makes what looks, between two polls, whether another caller works against it.
    """

    def __init__(
        self, aws: Aws, emit: Listener, outputs: Outputs, lookout: Callable[[Resource], Lookout]
    ) -> None:
        self._aws = aws
        self._emit = emit
        self._outputs = outputs
        self._lookout = lookout

    def until_deadline(
        self, resource: Resource, action: Action
    ) -> Iterator[tuple[Resource | None, float]]:
        """
        What AWS holds, and the seconds spent, again and again until the deadline.
        """
        began, lookout = self._aws.clock.monotonic(), self._lookout(resource)
        reported = ""
        while True:
            spent = self._aws.clock.monotonic() - began
            actual = self.once(resource, action, spent)
            yield actual, spent
            state = "not listed yet"
            if actual is not None:
                state = f"{actual.state} {actual.reason}".strip()
            late = f"{resource} was still {state or 'there'} after {spent:.0f} s"
            if spent >= resource.TIMEOUT:
                raise StillWaiting(f"{late}; run it again to go on")
            if state != reported:
                event = Event(*resource.key, action, Phase.WAITING, state, spent)
                self._emit(event)
                reported = state
            lookout()
            try:
                self._aws.pause(min(max(SHORTEST, LATE * spent), LONGEST))
            except StillWaiting as over:
                raise StillWaiting(f"{late}: {over}") from None

    def once(self, resource: Resource, action: Action, spent: float = 0.0) -> Resource | None:
        """
        What AWS holds of *resource* now; None if that is nothing yet, or nothing any more.
        """
        known = attrs.evolve(resource, **self._outputs.of(resource.key))
        candidates = _reads.read(self._aws, known)
        if action is Action.DELETE:
            same = (actual for actual in candidates if actual.identity == resource.identity)
            return next(same, None)
        usable = [actual for actual in candidates if actual.state not in actual.DELETING]
        if resource.NATURAL_KEY:
            made = self._outputs.of(resource.key).get("id")
            return next((actual for actual in usable if made in (None, actual.identity)), None)
        return self._best(resource, usable, spent)

    def _best(self, resource: Resource, usable: list[Resource], spent: float) -> Resource | None:
        """
        The one that was made; another caller's duplicate of it where that failed or is gone.
        """
        # Of two NAT gateways that want the same address, AWS fails the second some time after its
        # CreateNatGateway was answered; its maker takes the first.
        identity = self._outputs.of(resource.key).get("id")
        mine = next((actual for actual in usable if actual.identity == identity), None)
        if mine is not None and (mine.state not in mine.FAILED or usable[0] is mine):
            return mine
        lost = mine is not None or spent > UNLISTED
        if not (lost and usable and usable[0].ready):
            return None
        self._outputs.forget(resource.key)
        return usable[0]
