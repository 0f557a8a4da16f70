"""
Rule 104: two callers at once, their calls interleaved.
"""

from __future__ import annotations

import pytest

from batchkit import Table, ensure_table
from batchkit.errors import ApplyError

from .simulator import StrictAws
from .stacks import NAME, ONE_OF_EACH, TABLE, check_one_of_each, counts, destroy, make


@pytest.mark.parametrize("seed", range(8))
def test_two_make_it(seed: int) -> None:
    """
    Each succeeds or says that it could not; afterwards there is one of each, which one more run
    leaves alone, and a destroy leaves nothing.
    """
    with StrictAws(seed=seed) as aws:
        before = aws.snapshot()
        second = aws.another()
        ends = aws.interleave(lambda: make(aws), lambda: make(aws, by=second), seed=seed)
        assert all(end.error is None or isinstance(end.error, ApplyError) for end in ends)
        if any(end.error for end in ends):
            make(aws, by=aws.another())
        else:
            assert ends[0].value.outputs == ends[1].value.outputs
        check_one_of_each(aws, before)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


@pytest.mark.parametrize("seed", range(2))
def test_two_destroy_it(seed: int) -> None:
    """
    Both succeed, or one says what it could not delete; nothing is left.
    """
    with StrictAws(seed=seed) as aws:
        before = aws.snapshot()
        make(aws)
        second = aws.another()
        ends = aws.interleave(lambda: destroy(aws), lambda: destroy(aws, by=second), seed=seed)
        assert all(end.error is None or isinstance(end.error, ApplyError) for end in ends)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


RACES = [(1, 4, 107), (0, 20, 20), (1, 1, 100), (0, 60, 5.5), (1, 4, 60), (0, 20, 0.5)]


@pytest.mark.parametrize("first, burst, late", RACES)
def test_one_makes_what_another_destroys(first: int, burst: int, late: float) -> None:
    """
    Neither waits for what can't be any more: within minutes each has succeeded, or says in one
    sentence that it has met the other.  The next run has one of each, the next destroy leaves none.
    """
    with StrictAws(seed=first) as aws:
        before = aws.snapshot()
        second = aws.another()
        if first:
            make(aws)
        began = aws.clock.monotonic()

        def make_late() -> None:
            aws.clock.sleep(late)
            make(aws, by=second)

        ends = aws.interleave(make_late, lambda: destroy(aws), seed=first, burst=burst)
        assert aws.clock.monotonic() - began < late + 400
        errors = [end.error for end in ends if end.error]
        assert all(isinstance(error, ApplyError) for error in errors)
        assert all("at the same time" in str(e) and "\n" not in str(e) for e in errors)
        make(aws, by=aws.another())
        found = counts(aws, before)
        found.pop("lock", None)  # the destroy may have released those of a network that stays
        assert found == {kind: n for kind, n in ONE_OF_EACH.items() if kind != "lock"}
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def test_three_make_it_in_bursts() -> None:
    """
    Each is stopped for long between its calls; all succeed, with the same resources.
    """
    with StrictAws(seed=3) as aws:
        before = aws.snapshot()
        processes = [aws.first, aws.another(), aws.another()]
        ends = aws.interleave(
            *(lambda by=one: make(aws, by=by) for one in processes), seed=3, burst=40
        )
        assert [end.error for end in ends] == [None, None, None]
        assert len({str(end.value.outputs) for end in ends}) == 1
        check_one_of_each(aws, before)


def test_what_another_has_just_made_is_not_taken_for_somebody_elses() -> None:
    """
    A table whose tags this caller can't see yet is the stack's, as it turns out; no error.
    """
    with StrictAws(seed=4) as aws:
        second = aws.another()
        ensure_table(Table(name=TABLE, stack=NAME), session=aws.session, clock=aws.clock)
        made = aws.account.find("table", TABLE)
        assert made is not None
        made.born = aws.account.now  # its maker has only just begun
        make(aws, by=second)
        assert aws.hits[180]
