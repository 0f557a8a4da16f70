"""
The writer on scripted connections and a clock that is set by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from counts import Counts
from faults import Terminated
from rate import Rate
from rows import KeyAttribute, Made
from table import Batch, Outcome, Table
from writer import Writer

KEYS = [KeyAttribute("id", "S", 2048)]
TAKEN = (200, b'{"UnprocessedItems":{}}')


class HandClock:
    """
    A clock that only waiting moves.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """
        The time.
        """
        return self.seconds

    def wait(self, seconds: float) -> None:
        """
        *seconds* pass.
        """
        self.seconds += seconds


class Script:
    """
    A connection that answers as it is told: None never comes, and an exception is raised.
    """

    def __init__(self, *answers: tuple[int, bytes] | Exception | None) -> None:
        self.answers = list(answers)
        self.sent: list[list[str]] = []
        self.log: list[str] = []

    def send(self, body: bytes) -> None:
        """
        Notes the values that are sent.
        """
        if self.log[-1:] == ["sent"]:
            raise AssertionError("sent before the answer came")
        self.log.append("sent")
        self.sent.append(json.loads(body))

    def receive(self) -> tuple[int, bytes]:
        """
        The next answer.
        """
        self.log.append("answered")
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    def close(self) -> None:
        """
        Notes it; the answer that did not come never will.
        """
        self.log.append("closed")
        if self.answers[:1] == [None]:
            self.answers.pop(0)

    def comes(self) -> bool:
        """
        Whether the next answer will come.
        """
        return self.answers[:1] != [None]


class ScriptedTable:
    """
    The table's way of speaking, with bodies that are easy to read.
    """

    def request_body(self, batch: Batch) -> bytes:
        """
        A list of the values.
        """
        return b"[" + b",".join(batch.values()) + b"]"

    def outcome(self, batch: Batch, status: int, answer: bytes) -> Outcome:
        """
        As the real table has it.
        """
        return Table.outcome(_KEYED, batch, status, answer)


_KEYED = Table.__new__(Table)
_KEYED.keys = KEYS


def writer_of(clock: HandClock, *scripts: Script) -> Writer[Script]:
    """
    A writer over *scripts*.
    """

    def wait_for(channels: Sequence[Script], seconds: float) -> list[Script]:
        ready = [one for one in channels if one.comes()]
        if not ready:
            clock.wait(max(seconds, 0.01))
        return ready

    counts = Counts(clock.now, lambda line: None)
    return Writer(ScriptedTable(), scripts, wait_for, counts, Rate(None, clock.now), clock, 300)


def test_a_request_that_hangs_goes_again_on_a_new_connection() -> None:
    """
    After ten seconds without an answer the connection is given up, and nothing is lost.
    """
    clock, script = HandClock(), Script(None)
    writer = writer_of(clock, script)
    writer.put(Made("a", b'"a1"'))
    writer.flush()
    assert script.log == ["sent", "closed", "sent", "answered"]
    assert script.sent == [["a1"], ["a1"]]
    assert 10 < clock.now() < 12


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), TimeoutError("late")])
def test_a_broken_connection_is_closed_before_it_is_used_again(error: Exception) -> None:
    """
    A first break is no sign of trouble: the request goes again at once.
    """
    clock, script = HandClock(), Script(error)
    writer = writer_of(clock, script)
    writer.put(Made("a", b'"a1"'))
    writer.flush()
    assert script.log == ["sent", "answered", "closed", "sent", "answered"]
    assert clock.now() == 0


def test_a_newer_row_replaces_the_older_one_that_came_back() -> None:
    """
    The item that was throttled isn't sent again when a later row of its key waits.
    """
    throttled = (400, b'{"__type":"x#ThrottlingException"}')
    clock, script = HandClock(), Script(throttled)
    writer = writer_of(clock, script)
    for number in range(25):
        writer.put(Made(number, b'"old%d"' % number))
    writer.put(Made(3, b'"new3"'))
    writer.flush()
    assert "old3" in script.sent[0]
    assert "new3" in script.sent[1] and "old3" not in script.sent[1]
    assert len(script.sent) == 2


def test_a_lane_that_waits_does_not_hold_up_the_others() -> None:
    """
    While one connection hangs, the rows of the other are written.
    """
    clock, slow, fast = HandClock(), Script(None), Script()
    writer = writer_of(clock, slow, fast)
    for number in range(60):  # a whole number's hash is itself: even keys are the slow one's
        writer.put(Made(number, b"%d" % number))
    assert len(fast.sent) == 1 and slow.log == ["sent"]
    writer.flush()
    assert sorted(sum(fast.sent, [])) == list(range(1, 60, 2))


def test_after_a_stop_the_flush_has_a_deadline() -> None:
    """
    A table that is too slow for what is left doesn't keep the job beyond its time.
    """
    clock, script = HandClock(), Script(*[None] * 9)
    writer = writer_of(clock, script)
    writer.put(Made("a", b'"a1"'))
    writer.deadline = 20
    with pytest.raises(Terminated, match="too long"):
        writer.flush()
    assert clock.now() < 21


def test_a_refusal_is_final() -> None:
    """
    After it no flush sends anything.
    """
    from faults import Refused
    script = Script((400, b'{"__type":"x#AccessDeniedException"}'))
    writer = writer_of(HandClock(), script)
    for _ in range(2):
        writer.put(Made("a", b'"a1"'))
        with pytest.raises(Refused, match="AccessDenied"):
            writer.flush()
    assert len(script.sent) == 1
