"""
One line in the log every few seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from .counts import Counts


class RowProgress:
    """
    While this is entered, a line is said every *every* seconds.
    """

    def __init__(
        self, counts: Counts, done: Callable[[], float], every: float, say: Callable[[str], None]
    ) -> None:
        self._counts = counts
        self._done = done
        self._every = every
        self._say = say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._rows = 0
        self._seconds = 0.0

    def __enter__(self) -> RowProgress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def line(self) -> str:
        """
        Where the load stands; the speed is that since the line before.
        """
        counts, done = self._counts, self._done()
        rows, seconds = counts.rows, counts.seconds
        speed = (rows - self._rows) / max(seconds - self._seconds, 0.001)
        self._rows, self._seconds = rows, seconds
        left = f"{seconds / done - seconds:.0f} s left" if done > 0 else "time left unknown"
        return (
            f"{rows:,} rows, {speed:,.0f} rows/s, {counts.skipped:,} skipped, "
            f"{counts.throttled:,} throttled, {done:.0%}, {left}"
        )

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            self._say(self.line())
