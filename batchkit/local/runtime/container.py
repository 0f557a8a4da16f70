"""
What runs a job: a container in Docker, or a child process in the place of one.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from signal import SIGKILL, SIGTERM, Signals

GRACE = 5.0  # ECS gives a task 30 s between SIGTERM and SIGKILL


class CannotStart(Exception):
    """
    The container did not come up; the text is what ECS would tell as the reason.
    """


class Container(ABC):
    """
    One attempt's container, which has been started.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._killer: threading.Timer | None = None
        self._over = False

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """
        What it writes, line by line as it comes, until it ends.
        """

    @abstractmethod
    def ended(self) -> int:
        """
        Its exit code, once it has ended.
        """

    @abstractmethod
    def signal(self, number: Signals) -> None:
        """
        It has got the signal, if it is still there.
        """

    @abstractmethod
    def remove(self) -> None:
        """
        Nothing is left of it.
        """

    def stop(self) -> None:
        """
        It is asked to end, and is killed if it doesn't.
        """
        with self._lock:
            if self._over or self._killer is not None:
                return
            self._killer = threading.Timer(GRACE, self.kill)
            self._killer.daemon = True
            self._killer.start()
        self.signal(SIGTERM)

    def kill(self) -> None:
        """
        It ends now.
        """
        self.signal(SIGKILL)

    def wait(self) -> int:
        """
        Its exit code, as a shell tells it: 128 + n after signal n.
        """
        code = self.ended()
        with self._lock:
            self._over = True
            if self._killer is not None:
                self._killer.cancel()
                self._killer.join()
        return code
