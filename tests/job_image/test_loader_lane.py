"""
One connection's items: what is sent together, what comes back, and what it may not hold.
"""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, strategies as st
from loader.lane import BATCH_BYTES, REQUEST_BYTES, Lane
from loader.writer import units
from scripted import Script

MB = 1024**2


def lane_of(count: int, size: int = 1) -> Lane[Script]:
    """
    A lane on which *count* items of *size* bytes wait.
    """
    lane = Lane(Script())
    for number in range(count):
        lane.add(number, b"x" * size)
    return lane


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([1, 300, 30_000, 2 * MB])), max_size=80),
    st.data(),
)
def test_a_lane_keeps_just_the_newest_items(
    rows: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    """
    Whatever is put, sent and given back in any order: nothing is lost, nothing old comes back, no
    request is too big, and the count of bytes is right.
    """
    lane: Lane[Script] = Lane(Script())
    held: dict[object, bytes] = {}
    last: dict[object, bytes] = {}
    for at, (key, size) in enumerate(rows):
        last[key] = b"%d." % at * (size // 3 + 1)
        waits = key in lane.pending
        assert lane.add(key, last[key]) == waits
        acts = data.draw(st.booleans())
        if acts and not lane.batch:
            batch = lane.take()
            assert 1 <= len(batch) <= 25
            assert len(batch) == 1 or sum(map(len, batch.values())) <= REQUEST_BYTES
        elif acts:
            back = {one: lane.batch[one] for one in lane.batch if data.draw(st.booleans())}
            held.update({one: lane.batch[one] for one in lane.batch if one not in back})
            outdated = len(back.keys() & lane.pending.keys())
            assert lane.give_back(back) == outdated
        older = sum(sum(map(len, bodies)) for bodies in lane._older.values())
        assert lane.pending_bytes == older + sum(map(len, lane.pending.values()))
    held.update(lane.batch)
    held.update(lane.pending)
    assert held == last


def test_what_comes_back_goes_first() -> None:
    """
    Items are sent in the order of their rows, so that none waits for ever.
    """
    lane = lane_of(40)
    back = {key: body for key, body in lane.take().items() if cast(int, key) > 20}
    lane.give_back(back)
    assert list(lane.take())[:5] == [21, 22, 23, 24, 25]


def test_a_request_is_cut_by_its_bytes() -> None:
    """
    Not even items of a size that only JSON gives make more than 16 MB; one of any size goes alone.
    """
    lane = lane_of(25, MB + 1)
    assert len(lane.take()) == 3
    alone = lane_of(1, 20 * MB)
    assert len(alone.take()) == 1 and not alone.pending
    first = lane_of(2, 5 * MB)
    assert len(first.take()) == 1 and len(first.pending) == 1


def test_a_lane_is_full_by_count_or_by_bytes() -> None:
    """
    So its memory is bounded for rows of any size.
    """
    assert not lane_of(24).full and lane_of(25).full
    assert not lane_of(49).overfull and lane_of(50).overfull
    big = lane_of(2, BATCH_BYTES // 2)
    assert big.full and big.overfull and BATCH_BYTES <= MB


def test_suspects_go_one_by_one_and_then_all_is_as_before() -> None:
    """
    Each item of a refused batch alone, as often as it takes.
    """
    lane = lane_of(60)
    lane.take()
    lane.add(3, b"new")
    assert lane.suspect() == 1
    assert list(lane.take()) == [0]
    assert lane.give_back(lane.batch) == 0  # throttled: it stays a suspect
    for number in range(25):
        assert list(lane.take()) == [number]
        if number % 2 == 0:
            lane.give_back({})
        elif lane.convict():
            assert (number, list(lane.take()), lane.convict()) == (3, [3], False)
    assert len(lane.take()) == 25


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=120), st.data())
def test_a_row_that_is_refused_replaces_none_that_is_not(
    rows: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """
    Whatever rows share a batch or wait for each other: the last good row of each key is stored.
    """
    lane: Lane[Script] = Lane(Script())
    stored: dict[object, bytes] = {}

    def answer(throttled: bool) -> None:
        batch = lane.batch or lane.take()
        bad = any(body.startswith(b"bad") for body in batch.values())
        if throttled:
            lane.give_back(batch)
        elif bad and len(batch) == 1:
            lane.convict()
        elif bad:
            lane.suspect()
        else:
            stored.update(batch)
            lane.give_back({})

    for at, (key, good) in enumerate(rows):
        lane.add(key, b"%s%d" % (b"good" if good else b"bad", at))
        act = data.draw(st.sampled_from(["wait", "take", "answer", "throttle"]))
        if act == "take" and not lane.batch:
            lane.take()
        elif act in ("answer", "throttle"):
            answer(act == "throttle")
    while lane.batch or lane.pending:
        answer(False)
    assert stored == {key: b"good%d" % at for at, (key, good) in enumerate(rows) if good}


@pytest.mark.parametrize(("size", "wanted"), [(1, 1), (1024, 1), (1025, 2), (3 * 1024, 3)])
def test_write_units_are_begun_kilobytes(size: int, wanted: int) -> None:
    """
    As DynamoDB counts them.
    """
    assert units({"a": b"x" * size, "b": b"x"}) == wanted + 1
