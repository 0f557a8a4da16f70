"""
Events: frozen values to any callable, and one line a change in the log.
"""

from __future__ import annotations

import logging

import pytest
from attrs.exceptions import FrozenInstanceError

from batchkit import Action, Event, Phase
from batchkit.events import listeners

DONE = Event("JobQueue", "movies", Action.CREATE, Phase.DONE, "priority", 1.5)


@pytest.mark.parametrize(
    ("action", "phase", "level"),
    [
        (Action.CREATE, Phase.DONE, logging.INFO),
        (Action.DELETE, Phase.DONE, logging.INFO),
        (Action.KEEP, Phase.DONE, logging.DEBUG),
        (Action.CREATE, Phase.STARTED, logging.DEBUG),
        (Action.CREATE, Phase.WAITING, logging.DEBUG),
        (Action.UPDATE, Phase.FAILED, logging.WARNING),
    ],
)
def test_one_line_a_change(
    action: Action, phase: Phase, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """
    At INFO what has changed, at WARNING what failed, the rest at DEBUG.
    """
    caplog.set_level(logging.DEBUG, "batchkit")
    listeners(None)(Event("JobQueue", "movies", action, phase))
    assert [(one.name, one.levelno) for one in caplog.records] == [("batchkit", level)]
    assert caplog.messages == [f"{action} JobQueue movies {phase}"]


def test_the_listener_gets_the_event_itself() -> None:
    """
    Beside the log.
    """
    got: list[Event] = []
    listeners(got.append)(DONE)
    assert got == [DONE] and str(DONE) == "create JobQueue movies done: priority"


def test_events_do_not_change() -> None:
    """
    They may be kept, and compared.
    """
    with pytest.raises(FrozenInstanceError):
        DONE.name = "other"  # type: ignore[misc]  # it is frozen
