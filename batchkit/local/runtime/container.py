"""
What runs an attempt of a job: the base of Docker containers and of child processes.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from signal import SIGKILL, SIGTERM, Signals

GRACE = 5.0  # ECS gives a task 30 s between SIGTERM and SIGKILL


class CannotStart(Exception):
    """
    The container did not start. The text is the reason that ECS would give.
    """


class Container(ABC):
    """
    One attempt's container. It runs as soon as it is made.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._killer: threading.Timer | None = None
        self._over = False

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """
        Its output, line by line as it is written, until it ends.
        """

    @abstractmethod
    def ended(self) -> int:
        """
        Waits for its end. Returns its exit code.
        """

    @abstractmethod
    def signal(self, number: Signals) -> None:
        """
        The container has received the signal, if it still runs.
        """

    @abstractmethod
    def remove(self) -> None:
        """
        The container and its files are gone.
        """

    def stop(self) -> None:
        """
        The container has received SIGTERM, and is killed if it doesn't end in `GRACE` seconds.
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
        The container has received SIGKILL.
        """
        self.signal(SIGKILL)

    def wait(self) -> int:
        """
        Waits for its end. Returns its exit code as a shell does: 128 + n after signal n.
        """
        code = self.ended()
        with self._lock:
            self._over = True
            if self._killer is not None:
                self._killer.cancel()
                self._killer.join()
        return code
