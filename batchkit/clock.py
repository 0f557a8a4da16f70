"""
Time, as something that is handed in.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """
    What waits: seconds that only grow, and a way to let some pass.
    """

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """
    The machine's own time.
    """

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
