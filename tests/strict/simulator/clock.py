"""
Simulated time that any number of threads may share.

A sleeper never sleeps for real. It says when it wants to be woken and waits until simulated time
gets there; time jumps to the *earliest* wake-up, for one sleeper at a time, as soon as nothing
else can happen before it:

- no call to the simulated AWS is under way, and
- every other thread of the program rests: it sleeps on this clock, it is parked in one of the
  standard library's waits (a lock's condition, a queue, a pool's worker without work), or it has
  neither moved nor used the processor for `STUCK` seconds.

So N threads that each sleep for a second move time on by one second, not by N. The clock can't
hang: a thread that is blocked anywhere counts as resting after `STUCK`, one that never stops
computing is waited for until the program has used the processor for `PATIENCE` seconds (both are in
`threads`). Threads that were there before the clock was made are none of its business, those of the
test runner among them, which `threading` doesn't know: each sleep would wait `STUCK` for them.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappush

from .threads import GRACE, STUCK, ThreadWatch


class SimulatedClock:
    """
    A clock with `monotonic()` and `sleep(seconds)` whose time is simulated.

    `watchers` are called with the seconds of each sleep before it begins; one that raises
    interrupts that sleeper, as Ctrl-C would.
    """

    def __init__(self) -> None:
        self.watchers: list[Callable[[float], None]] = []
        self._now = 0.0
        self._turn = threading.Condition()
        self._numbers = itertools.count()
        self._sleepers: list[tuple[float, int, int]] = []
        self._calls = 0
        self._stirred = 0
        mine, known = threading.current_thread(), threading.enumerate()
        self._strangers = set(known) - {mine}
        self._unknown = set(sys._current_frames()) - {one.ident for one in known}

    def monotonic(self) -> float:
        """
        Seconds of simulated time since the clock was made.
        """
        return self._now

    def sleep(self, seconds: float) -> None:
        """
        Return when simulated time has moved on by *seconds*.
        """
        for watcher in list(self.watchers):
            watcher(seconds)
        if seconds <= 0:
            return
        with self._turn:
            mine = (self._now + seconds, next(self._numbers), threading.get_ident())
            heappush(self._sleepers, mine)
            self._stir()
            self._await_turn(mine)

    def advance(self, seconds: float) -> None:
        """
        Move time on at once, as if everybody had slept; for a test between two steps.
        """
        with self._turn:
            self._now += seconds
            self._turn.notify_all()

    @contextmanager
    def call(self) -> Iterator[None]:
        """
        Hold time still while a call to AWS is under way.
        """
        with self._turn:
            self._calls += 1
            self._stirred += 1
        try:
            yield
        finally:
            with self._turn:
                self._calls -= 1
                self._stir()

    def resting(self) -> set[int]:
        """
        The threads that time needn't wait for: those that sleep on this clock, and strangers.
        """
        strangers = {one.ident for one in self._strangers if one.ident and one.is_alive()}
        return {ident for _, _, ident in self._sleepers} | strangers | self._unknown

    def _await_turn(self, mine: tuple[float, int, int]) -> None:
        watch = ThreadWatch()
        try:
            while not self._may_wake(mine, watch):
                self._turn.wait(GRACE if self._sleepers[0] == mine else STUCK)
        finally:
            self._sleepers.remove(mine)
            self._sleepers.sort()
            self._stir()
        self._now = max(self._now, mine[0])

    def _may_wake(self, mine: tuple[float, int, int], watch: ThreadWatch) -> bool:
        if mine[0] <= self._now:
            return True
        if self._sleepers[0] != mine or self._calls:
            return False
        return watch.at_rest(self.resting(), self._stirred)

    def _stir(self) -> None:
        self._stirred += 1
        self._turn.notify_all()
