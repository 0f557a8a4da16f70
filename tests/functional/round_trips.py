"""
How many round trips deep work is: calls are held until nothing else can go on, then let go.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

STILL = 20
TICK = 0.005


class RoundTrips:
    """
    Holds every call until all threads wait; each time that it lets them go is one round trip.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._held: list[threading.Event] = []
        self._lock = threading.Lock()
        self._over = threading.Event()

    @property
    def depth(self) -> int:
        return len(self.sizes)

    def hold(self, **_: object) -> None:
        """
        A hook: waits until the round is let go.
        """
        gate = threading.Event()
        with self._lock:
            self._held.append(gate)
        assert gate.wait(30), "a call was held for ever"

    def watch(self) -> None:
        """
        Lets the held calls go whenever no thread has moved for a while.
        """
        before, still = self._places(), 0
        while not self._over.wait(TICK):
            now = self._places()
            before, still = now, still + 1 if now == before else 0
            if still >= STILL and self._held:
                self._let_go()
                still = 0

    def _let_go(self) -> None:
        with self._lock:
            gates, self._held = self._held, []
        self.sizes.append(len(gates))
        for gate in gates:
            gate.set()

    def _places(self) -> dict[int, tuple[object, int]]:
        me = threading.get_ident()
        frames = sys._current_frames().items()
        return {t: (id(frame), frame.f_lasti) for t, frame in frames if t != me}

    def end(self) -> None:
        self._over.set()


@contextmanager
def round_trips(session: boto3.Session) -> Iterator[RoundTrips]:
    """
    The rounds of the calls that *session* makes inside.
    """
    counted = RoundTrips()
    watcher = threading.Thread(target=counted.watch, daemon=True)
    session.events.register_first("before-call.*.*", counted.hold)
    watcher.start()
    try:
        yield counted
    finally:
        counted.end()
        watcher.join()
        session.events.unregister("before-call.*.*", counted.hold)
