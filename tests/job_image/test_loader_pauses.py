"""
How long the writer waits after a request that failed, and when it gives up.
"""

from __future__ import annotations

import random

import pytest
from loader.faults import Refused
from loader.rows import Made
from scripted import BROKEN_500, TAKEN, THROTTLED, HandClock, Script, unprocessed, writer_of


def waited(*answers: tuple[int, bytes] | Exception, rows: int = 1) -> float:
    """
    The seconds that pass until *rows* items are written after *answers*.
    """
    random.seed(7)
    clock, script = HandClock(), Script(*answers)
    writer = writer_of(clock, script)
    for number in range(rows):
        writer.put(Made(str(number), b'"%d"' % number))
    writer.flush()
    return clock.now()


def test_pauses_grow_while_nothing_is_taken() -> None:
    """
    A throttled request waits at once, another fault from its second time on; each more than before.
    """
    assert 0 < waited(THROTTLED) <= 0.1
    assert 0 < waited(BROKEN_500, BROKEN_500) <= 0.2
    assert waited(BROKEN_500) == 0
    assert waited(*[THROTTLED] * 9) > 5
    assert waited(*[BROKEN_500] * 9) > 5
    assert waited(*[ConnectionResetError("gone")] * 9) > 5


def test_pauses_begin_anew_when_something_is_taken() -> None:
    """
    Whether it was one item of a batch or all.
    """
    parts = [unprocessed(*range(at, 20)) for at in range(1, 20)]
    assert 0 < waited(*parts, rows=20) < 19 * 0.1 + 0.1
    random.seed(7)
    clock = HandClock()
    script = Script(*[THROTTLED] * 9, TAKEN, THROTTLED)
    writer = writer_of(clock, script)
    writer.put(Made("a", b'"a1"'))
    writer.flush()
    before = clock.now()
    writer.put(Made("a", b'"a2"'))
    writer.flush()
    assert clock.now() - before < 0.4  # of which the rate's part is 0.2


def test_a_lane_that_backs_off_is_not_sent_for_new_rows() -> None:
    """
    However many rows come meanwhile.
    """
    random.seed(7)
    clock, script = HandClock(), Script(*[THROTTLED] * 3)
    writer = writer_of(clock, script)
    for number in range(49):
        writer.put(Made(number, b"%d" % number))
    assert len(script.sent) == 1 and clock.now() == 0
    writer.flush()
    assert clock.now() > 0 and sorted(sum(script.sent[3:], [])) == list(range(49))


def test_giving_up_is_measured_from_the_first_fruitless_answer() -> None:
    """
    An idle hour, as while rows before a mark are read, is no time without progress.
    """
    clock = HandClock()
    script = Script(THROTTLED)
    writer = writer_of(clock, script)
    clock.wait(3600)
    writer.put(Made("a", b'"a1"'))
    writer.flush()
    clock.wait(3600)
    script.answers = [THROTTLED, unprocessed("a"), *[THROTTLED] * 12]
    writer.put(Made("a", b'"a2"'))
    writer.flush()
    assert script.sent[-1] == ["a2"]


@pytest.mark.parametrize("answer", [THROTTLED, BROKEN_500, ConnectionResetError("gone")])
def test_giving_up_is_final(answer: tuple[int, bytes] | Exception) -> None:
    """
    After so many seconds without an item taken, and then at once.
    """
    clock, script = HandClock(), Script(*[answer] * 999)
    writer = writer_of(clock, script)
    writer.put(Made("a", b'"a1"'))
    with pytest.raises(Refused, match="no item was taken for 300 s"):
        writer.flush()
    assert 300 < clock.now() < 325
    sent = len(script.sent)
    with pytest.raises(Refused):
        writer.flush()
    assert (len(script.sent), sent < 150) == (sent, True)
