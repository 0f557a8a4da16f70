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
computing is waited for no longer than `PATIENCE`. Threads that were there before the clock was
made are none of its business: what an earlier test left behind would cost each sleep `STUCK`.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappush
from pathlib import Path, PurePath
from types import FrameType

GRACE = 0.0015
STUCK = 0.03
PATIENCE = 5.0

PARKED = {
    ("threading.py", "wait"),
    ("threading.py", "join"),
    ("threading.py", "_wait_for_tstate_lock"),
    ("threading.py", "_shutdown"),
    ("thread.py", "_worker"),
    ("queue.py", "get"),
    ("selectors.py", "select"),
}

Look = tuple[int, int, float, bool]


def _looks(ignored: set[int]) -> dict[int, Look]:
    """
    Where each thread stands, and what it has used of the processor.
    """
    looks = {}
    for ident, frame in sys._current_frames().items():
        if ident not in ignored:
            looks[ident] = (id(frame), frame.f_lasti, _used(ident), _parked(frame))
    return looks


def _parked(frame: FrameType) -> bool:
    """
    Whether a thread waits for another one; waiting for one to start is no rest.
    """
    places: list[tuple[str, str]] = []
    back: FrameType | None = frame
    while back is not None and len(places) < 3:
        places.append((PurePath(back.f_code.co_filename).name, back.f_code.co_name))
        back = back.f_back
    return places[0] in PARKED and ("threading.py", "start") not in places


def _used(ident: int) -> float:
    """
    The processor time of a thread, where the system tells it: a tight loop stands still otherwise.
    """
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(ident))
    except (AttributeError, OSError):
        return 0.0


def _runnable(ignored: set[int]) -> bool:
    """
    Whether another thread wants to run but has not got the processor, where the system tells.

    This sees threads that are being started as well, of which Python does not know yet.
    """
    resting = {t.native_id for t in threading.enumerate() if t.ident in ignored}
    resting.add(threading.get_native_id())
    for task in Path("/proc/self/task").glob("*"):
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        if int(task.name) not in resting and text.rpartition(")")[2].split()[0] == "R":
            return True
    return False


class Quiet:
    """
    Tells whether all the threads but some have come to rest, looking at them again and again.
    """

    def __init__(self) -> None:
        self._since: dict[int, tuple[Look, float]] = {}
        self._began = time.monotonic()
        self._token: int | None = None

    def now(self, ignored: set[int], token: int = 0) -> bool:
        """
        Whether every thread that is not *ignored* has rested long enough, since *token* changed.
        """
        looks, real = _looks(ignored), time.monotonic()
        if token != self._token:
            self._since, self._token, self._began = {}, token, real
        held = self._since
        self._since = {
            ident: held[ident] if held.get(ident, (None,))[0] == look else (look, real)
            for ident, look in looks.items()
        }
        if real - self._began > PATIENCE:
            return True
        rested = all(
            real - since >= (GRACE if look[3] else STUCK) for look, since in self._since.values()
        )
        return rested and not _runnable(ignored)


class Clock:
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
        self._strangers = set(threading.enumerate()) - {threading.current_thread()}

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
        return {ident for _, _, ident in self._sleepers} | strangers

    def _await_turn(self, mine: tuple[float, int, int]) -> None:
        quiet = Quiet()
        try:
            while not self._may_wake(mine, quiet):
                self._turn.wait(GRACE if self._sleepers[0] == mine else STUCK)
        finally:
            self._sleepers.remove(mine)
            self._sleepers.sort()
            self._stir()
        self._now = max(self._now, mine[0])

    def _may_wake(self, mine: tuple[float, int, int], quiet: Quiet) -> bool:
        if mine[0] <= self._now:
            return True
        if self._sleepers[0] != mine or self._calls:
            return False
        return quiet.now(self.resting(), self._stirred)

    def _stir(self) -> None:
        self._stirred += 1
        self._turn.notify_all()
