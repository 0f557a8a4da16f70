"""
Whether the other threads of the program have come to rest, so that simulated time may move on.
"""

from __future__ import annotations

import sys
import threading
import time
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

Look = tuple[int, int, float, float]


def _looks(ignored: set[int]) -> dict[int, Look]:
    """
    Where each thread stands, and what it has used of the processor.
    """
    looks = {}
    for ident, frame in sys._current_frames().items():
        if ident not in ignored:
            looks[ident] = (id(frame), frame.f_lasti, _used(ident), _rest(frame))
    return looks


def _rest(frame: FrameType) -> float:
    """
    For how long a thread must stand there to have come to rest; waiting for one to start is none.
    """
    places: list[tuple[str, str]] = []
    back: FrameType | None = frame
    while back is not None and len(places) < 3:
        places.append((PurePath(back.f_code.co_filename).name, back.f_code.co_name))
        back = back.f_back
    if ("threading.py", "start") in places:
        return PATIENCE
    return GRACE if places[0] in PARKED else STUCK


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
    Whether another thread wants to run, or reads a file, where the system tells.

    This sees threads that are being started as well, of which Python does not know yet; not those
    that have got the processor only to wait for the interpreter, which the caller holds.
    """
    resting = {t.native_id for t in threading.enumerate() if t.ident in ignored}
    resting.add(threading.get_native_id())
    for task in Path("/proc/self/task").glob("*"):
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue
        if int(task.name) not in resting and text.rpartition(")")[2].split()[0] in "RD":
            return True
    return False


class ThreadWatch:
    """
    Tells whether all the threads but some have come to rest, looking at them again and again.
    """

    def __init__(self) -> None:
        self._since: dict[int, tuple[Look, float]] = {}
        self._began = time.process_time()
        self._token: int | None = None

    def at_rest(self, ignored: set[int], token: int = 0) -> bool:
        """
        Whether every thread that is not *ignored* has rested long enough, since *token* changed.
        """
        looks, real = _looks(ignored), time.monotonic()
        if token != self._token:
            self._since, self._token, self._began = {}, token, time.process_time()
        held = self._since
        self._since = {
            ident: held[ident] if held.get(ident, (None,))[0] == look else (look, real)
            for ident, look in looks.items()
        }
        if time.process_time() - self._began > PATIENCE:
            return True
        rested = all(real - since >= look[3] for look, since in self._since.values())
        # What was woken long ago may get the processor only now: it has used it then.
        return rested and not _runnable(ignored) and _looks(ignored) == looks
