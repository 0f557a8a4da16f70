"""
SIGTERM and SIGHUP, a pipeline's stop and a closed terminal, end a block as an exception does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def _stop(number: int, frame: FrameType | None) -> None:
    for one in _SIGNALS:  # another doesn't interrupt the tidying up
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(128 + number)


@contextmanager
def unwinding() -> Iterator[None]:
    """
    The signals raise SystemExit in the block, where they would end the process at once.

    Python lets the main thread alone say so. A handler that the program has itself stays.
    """
    ours: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        ours = [one for one in _SIGNALS if signal.getsignal(one) is signal.SIG_DFL]
    for one in ours:
        signal.signal(one, _stop)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)
