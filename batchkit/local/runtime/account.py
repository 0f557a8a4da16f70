"""
What one embedded AWS is made of; moto keeps its state per process, so there is one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from batchkit.errors import LocalError
from batchkit.local.runtime.images import Images
from batchkit.local.runtime.server import Server

ACCOUNT = "123456789012"


@dataclass
class LocalAccount:
    """
    The region, the images, the endpoint for jobs, and whether all of it is about to end.
    """

    region: str
    images: Images
    server: Server
    docker: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)

    def wait_until(self, true: Callable[[], bool], timeout: float | None = None) -> bool:
        """
        *true* holds, or the world is closing, or *timeout* seconds have passed.
        """
        with self.changed:
            return self.changed.wait_for(lambda: self.closing.is_set() or true(), timeout)

    def close(self) -> None:
        """
        Whoever waits in `wait_until` goes on, and sees *closing*.
        """
        self.closing.set()
        announce()


_entered: list[LocalAccount] = []


def enter(account: LocalAccount) -> None:
    """
    *world* is the one that moto's mends work for.
    """
    if _entered:
        msg = "local_aws() is already active in this process; leave it before you enter it again"
        raise LocalError(msg)
    _entered.append(account)


def leave() -> None:
    """
    There is no embedded AWS.
    """
    _entered.clear()


def current() -> LocalAccount:
    """
    The one embedded AWS.
    """
    return _entered[0]


def announce() -> None:
    """
    Everything that waits for a change looks again.
    """
    for account in _entered:
        with account.changed:
            account.changed.notify_all()
