"""
The state of one embedded AWS. moto keeps its own state per process: there is one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from batchkit.errors import LocalError
from batchkit.local.runtime.home import Home
from batchkit.local.runtime.images import FakeImages
from batchkit.local.runtime.server import HttpEndpoint

ACCOUNT = "123456789012"


@dataclass
class LocalAccount:
    """
    The region, the fake images, the endpoint and folder for jobs, and whether all of it ends now.
    """

    region: str
    images: FakeImages
    server: HttpEndpoint
    docker: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    home: Home = field(default_factory=Home)
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """
        *condition* is true, or the account is closing, or *timeout* seconds have passed.
        """
        with self.changed:
            return self.changed.wait_for(lambda: self.closing.is_set() or condition(), timeout)

    def close(self) -> None:
        """
        *closing* is set, and every `wait_until` returns.
        """
        self.closing.set()
        announce()


_entered: list[LocalAccount] = []


def enter(account: LocalAccount) -> None:
    """
    The patches to moto use *account*.
    """
    if _entered:
        msg = "local_aws() is already active in this process; leave it before you enter it again"
        raise LocalError(msg)
    _entered.append(account)


def leave() -> None:
    """
    No embedded AWS is active.
    """
    _entered.clear()


def current() -> LocalAccount:
    """
    The account of the active embedded AWS.
    """
    return _entered[0]


def announce() -> None:
    """
    Every `wait_until` checks its condition again.
    """
    for account in _entered:
        with account.changed:
            account.changed.notify_all()
