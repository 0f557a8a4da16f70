"""
How fast to write: as fast as the table takes it, and never above the user's budget.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_STEP = 1.0
_SETTLE = 0.5
_LONG = 4.0
_SAMPLE = 250  # units: ten requests
_TOLERATED = 0.1
_USUAL = 0.7
_LEAST = 50.0  # two requests a second: fewer tell too little, and each lane backs off by itself


class Rate:
    """
    A limit in write units a second that follows what the table accepts.

    There is no limit until the table throttles. Then it is a little below what the table accepted
    just before, and grows again, slowly at first, while the table takes nearly everything. Where
    going slower mends nothing (a hot partition, an emulator that throttles at random), the share
    that is refused all the same is no reason to slow down further.
    """

    def __init__(self, budget: float | None, now: Callable[[], float]) -> None:
        self._now = now
        self._ceiling = budget or float("inf")
        self.limit = self._ceiling
        self._free_at = self._since = now()
        self._accepted = self._refused = 0
        self._growth = 1.05
        self._cuts = 0
        self._usual = 0.0

    def reserve(self, units: int) -> float:
        """
        The seconds to wait before sending *units*.
        """
        now = self._now()
        start = max(now, self._free_at)
        self._free_at = start + units / self.limit
        return start - now

    def report(self, accepted: int, refused: int) -> None:
        """
        The table took *accepted* units of one request, and throttled *refused*.
        """
        now = self._now()
        self._accepted += accepted
        self._refused += refused
        seconds, sent = now - self._since, self._accepted + self._refused
        # Many connections are throttled in the same moment: that is one sign, not many. And one
        # of few requests is no sign at all, unless few is all that the table takes.
        if (
            seconds >= (_SETTLE if refused else _STEP)
            and (sent >= _SAMPLE or seconds >= _LONG)
            or self._refused > max(_SAMPLE, self._accepted)
            and seconds >= _SETTLE / 10
        ):
            self._adapt(now)

    def _adapt(self, now: float) -> None:
        share = self._refused / max(1, self._accepted + self._refused)
        if share > self._usual + _TOLERATED:
            self._cuts += now - self._since >= _SETTLE
            if self._cuts > 3:
                self._usual = min(_USUAL, share)
            self._shrink(now)
        else:
            self._cuts = 0
            self._usual -= max(0.0, self._usual - share) / 5
            self._grow(now)

    def _shrink(self, now: float) -> None:
        seen = self._accepted / max(now - self._since, 0.001) / (1 - self._usual)
        least = _LEAST if self.limit == float("inf") else max(_LEAST, self.limit / 4)
        self.limit = min(self._ceiling, max(least, min(self.limit, seen) * 0.9))
        self._growth = 1.05
        self._restart(now)

    def _grow(self, now: float) -> None:
        seconds = now - self._since
        grown = self.limit * self._growth ** min(5.0, seconds / _STEP)
        # A limit that isn't reached says nothing about the table.
        sent = (self._accepted + self._refused) / seconds
        self.limit = min(self._ceiling, max(self.limit, min(grown, 2 * sent)))
        self._growth = min(2.0, self._growth * 1.1)
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._accepted = self._refused = 0
        self._since = now


def back_off(attempt: int, base: float = 0.05, cap: float = 10.0) -> float:
    """
    The seconds to wait before try number *attempt* (from 1): any time up to a doubling bound.
    """
    # Any time, so that many clients spread out:
    # https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    return random.uniform(0, min(cap, base * 2 ** min(attempt, 30)))
