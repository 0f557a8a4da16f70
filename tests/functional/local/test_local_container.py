"""
Containers, and what ends them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from signal import SIGTERM, Signals

import pytest

from batchkit.local.runtime.container import Container


class Ended(Container):
    """
    A container that ends by itself at the moment when it is stopped.
    """

    def __init__(self) -> None:
        super().__init__()
        self.meeting = threading.Barrier(2)
        self.signals: list[Signals] = []

    def lines(self) -> Iterator[bytes]:
        yield b""

    def ended(self) -> int:
        self.meeting.wait()
        return 0

    def signal(self, number: Signals) -> None:
        self.signals.append(number)

    def remove(self) -> None:
        self.meeting.abort()


@pytest.fixture
def eager() -> Iterator[None]:
    """
    Threads take turns a thousand times as often.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    yield
    sys.setswitchinterval(usual)


def stop_at_the_meeting(container: Ended) -> None:
    container.meeting.wait()
    container.stop()


def test_a_container_may_end_while_it_is_stopped(eager: None) -> None:
    """
    Its exit code is returned, and no timer that would kill it is left.
    """
    before = set(threading.enumerate())
    for _ in range(300):
        container = Ended()
        stopper = threading.Thread(target=stop_at_the_meeting, args=(container,))
        stopper.start()
        assert container.wait() == 0
        stopper.join()
        assert container.signals in ([SIGTERM], [])
    assert set(threading.enumerate()) <= before
