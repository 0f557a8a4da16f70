"""
The writer: what it sends when, what it holds, and what it counts.
"""

from __future__ import annotations

import pytest
from loader.faults import Refused, Terminated
from loader.rate import Rate
from loader.rows import Made
from scripted import BROKEN_500, THROTTLED, HandClock, Script, unprocessed, writer_of


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

    script = Script((400, b'{"__type":"x#AccessDeniedException"}'))
    writer = writer_of(HandClock(), script)
    for _ in range(2):
        writer.put(Made("a", b'"a1"'))
        with pytest.raises(Refused, match="AccessDenied"):
            writer.flush()
    assert len(script.sent) == 1


def test_answers_are_taken_while_rows_come() -> None:
    """
    A lane sends again as soon as it has 25 rows, without waiting until there is no more room.
    """
    clock, script = HandClock(), Script()
    writer = writer_of(clock, script)
    for number in range(75):
        writer.put(Made(number, b"%d" % number))
    assert [len(batch) for batch in script.sent] == [25, 25, 25]


def test_no_row_is_taken_in_while_a_lane_has_no_room() -> None:
    """
    With a table that takes nothing for long the loader waits, and holds 50 rows a lane.
    """
    clock, script = HandClock(), Script(*[THROTTLED] * 8)
    writer = writer_of(clock, script)
    (lane,) = writer._lanes
    for number in range(200):
        writer.put(Made(number, b"%d" % number))
        assert len(lane.pending) + len(lane.batch) <= 75
    assert clock.now() > 1


class NotedRate(Rate):
    """
    A rate that notes what it is told.
    """

    def __init__(self, clock: HandClock) -> None:
        super().__init__(None, clock.now)
        self.told: list[tuple[int, int]] = []

    def report(self, accepted: int, refused: int) -> None:
        """
        Notes it.
        """
        self.told.append((accepted, refused))


def test_the_rate_and_the_counts_are_told_what_happened() -> None:
    """
    Units taken and units throttled; a fault that isn't about capacity counts as neither.
    """
    clock, script = HandClock(), Script(THROTTLED, BROKEN_500, unprocessed(1, 2))
    writer = writer_of(clock, script)
    writer._rate = rate = NotedRate(clock)
    for number in range(3):
        writer.put(Made(str(number), b'"%s"' % (b"x" * 2000)))
    writer.put(Made("2", b'"newer"'))
    writer.flush()
    assert rate.told == [(0, 5), (0, 0), (2, 3), (3, 0)]
    counts = writer._counts
    assert (counts.superseded, counts.accepted, counts.retried) == (1, 3, 8)
    assert (counts.requests, counts.throttled) == (4, 5)


def test_rows_that_a_retry_leaves_out_are_counted() -> None:
    """
    Throttled or suspected: an older row of a key that waits anew is superseded.
    """
    for answer in (THROTTLED, (400, b'{"__type":"x#ValidationException"}')):
        clock, script = HandClock(), Script(answer)
        writer = writer_of(clock, script)
        for number in range(25):
            writer.put(Made(number, b'"old"'))
        writer.put(Made(3, b'"new"'))
        writer.flush()
        assert (writer._counts.superseded, writer._counts.accepted) == (1, 25)


def test_a_fault_on_one_connection_leaves_no_answer_uncounted() -> None:
    """
    What the table took on the others is in the summary.
    """
    refused = (400, b'{"__type":"x#AccessDeniedException"}')
    clock, bad, good = HandClock(), Script(refused), Script()
    writer = writer_of(clock, bad, good)
    for number in (0, 1):
        writer.put(Made(number, b"1"))
    for _ in range(2):
        with pytest.raises(Refused):
            writer.flush()
    assert (good.log, writer._counts.accepted) == (["sent", "answered"], 1)


def test_a_budget_holds_back_what_is_ready() -> None:
    """
    The second request goes when the first one's units have been paid for, not before.
    """
    clock, script = HandClock(), Script()
    writer = writer_of(clock, script)
    writer._rate = Rate(25, clock.now)
    for number in range(50):
        writer.put(Made(number, b"%d" % number))
    assert len(script.sent) == 1 and clock.now() == 0
    writer.flush()
    assert len(script.sent) == 2 and 1 <= clock.now() < 1.1


def test_a_request_that_is_not_full_waits_for_more_rows() -> None:
    """
    Also while another connection has no room.
    """
    clock, slow, other = HandClock(), Script(None), Script()
    writer = writer_of(clock, slow, other)
    writer.put(Made(1, b"1"))
    for number in range(0, 152, 2):
        writer.put(Made(number, b"%d" % number))
    assert clock.now() > 10 and other.sent == []
    writer.flush()
    assert other.sent == [[1]]


def test_an_answer_is_looked_for_now_and_then() -> None:
    """
    One that comes while rows are read is taken before its lane has no room.
    """
    clock, script = HandClock(), Script(None)
    writer = writer_of(clock, script)
    for number in range(50):
        writer.put(Made(number, b"%d" % number))
    script.answers.clear()  # now it is there
    for number in range(50, 58):
        writer.put(Made(number, b"%d" % number))
    assert [len(batch) for batch in script.sent] == [25, 25] and clock.now() < 1
