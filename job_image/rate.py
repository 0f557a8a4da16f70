"""
How fast to write: as fast as the table takes it, and never above the user's budget.
"""

from __future__ import annotations

import random
from collections.abc import Callable

_STEP = 1.0
_SETTLE = 0.5
_LEAST = 5.0  # slower, a full request would wait too long to notice that the table is free again


class Rate:
    """
    A limit in write units a second that follows what the table accepts.

    There is no limit until the table throttles. Then it is a little below what the table accepted
    just before, and grows again, slowly at first, while the table takes everything.
    """

    def __init__(self, budget: float | None, now: Callable[[], float]) -> None:
        self._now = now
        self._ceiling = budget or float("inf")
        self.limit = self._ceiling
        self._free_at = self._since = now()
        self._accepted = self._refused = 0
        self._growth = 1.05

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
        if refused:
            # Many connections are throttled in the same moment: that is one sign, not many,
            # unless most of what is sent comes back.
            if now - self._since >= _SETTLE or self._refused > max(100, self._accepted):
                self._shrink(now)
        elif now - self._since >= _STEP:
            self._grow(now)

    def _shrink(self, now: float) -> None:
        seen = self._accepted / max(now - self._since, 0.001)
        least = _LEAST if self.limit == float("inf") else max(_LEAST, self.limit / 4)
        self.limit = min(self._ceiling, max(least, min(self.limit, seen) * 0.9))
        self._growth = 1.05
        self._restart(now)

    def _grow(self, now: float) -> None:
        steps = min(5.0, (now - self._since) / _STEP)
        self.limit = min(self._ceiling, self.limit * self._growth**steps)
        self._growth = min(2.0, self._growth * 1.1)
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._accepted = self._refused = 0
        self._since = now


def back_off(attempt: int, base: float = 0.05, cap: float = 10.0) -> float:
    """
    The seconds to wait before try number *attempt* (from 1): any time up to a doubling bound.
    """
    return random.uniform(0, min(cap, base * 2 ** min(attempt, 30)))
