"""
What happens while a stack is made: frozen values, given to any callable.

The logger `batchkit` gets one line a change at INFO, and the rest at DEBUG.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Final

from attrs import frozen

from batchkit._printable import printable

LOG: Final = logging.getLogger("batchkit")
LOG.addHandler(logging.NullHandler())  # without any set-up, only exceptions are shown


class Action(str, enum.Enum):
    """
    What is done to a resource.
    """

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    KEEP = "keep"
    ADOPT = "adopt"
    DELETE = "delete"

    def __str__(self) -> str:
        return self.value


class Phase(str, enum.Enum):
    """
    How far an action is.
    """

    STARTED = "started"
    WAITING = "waiting"
    PROGRESS = "progress"
    DONE = "done"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value


@frozen
class Event:
    """
    Something that has happened to a resource.

    Args:
        resource_type: Its resource type, such as `JobQueue`.
        name: Its name.
        action: What is being done to it.
        phase: How far that is.
        detail: Why, or what AWS reports; never a secret.
        seconds: Since the action began.
    """

    resource_type: str
    name: str
    action: Action
    phase: Phase
    detail: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        tail = f": {self.detail}" if self.detail else ""
        return printable(f"{self.action} {self.resource_type} {self.name} {self.phase}{tail}")


Listener = Callable[[Event], None]


def log(event: Event) -> None:
    """
    Writes an event to the logger `batchkit`.
    """
    level = logging.DEBUG
    if event.phase is Phase.FAILED:
        level = logging.WARNING
    elif event.phase is Phase.DONE and event.action is not Action.KEEP:
        level = logging.INFO
    LOG.log(level, "%s", event)


def _tell(on_event: Listener, event: Event) -> None:
    """
    Calls a listener; what it raises is logged, as its fault isn't the work's.
    """
    try:
        on_event(event)
    except Exception:
        LOG.exception("the listener on_event has failed at: %s", event)


def listeners(on_event: Listener | None) -> Listener:
    """
    One listener that logs an event, and then calls *on_event* with it, whose errors are logged.
    """

    def notify(event: Event) -> None:
        log(event)
        if on_event is not None:
            _tell(on_event, event)

    return notify
