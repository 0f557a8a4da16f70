"""
Rule 103: wherever a process dies, the next one goes on, with nothing doubled and nothing left.

EVERY_CRASH=1 in the environment crashes it at every place, not only at every fourth.
"""

from __future__ import annotations

import os

import pytest

from .simulator import StrictAws
from .stacks import check_one_of_each, crashing, destroy, make, unchanged

CHANGES = 48
"""More than the changes that make a stack, or take it down; the tests check that."""
PLACES = range(1, CHANGES, 1 if os.environ.get("EVERY_CRASH") else 4)


def until_it_ends(aws: StrictAws, run: object) -> int:
    """
    Have one process after the other die as its first change took effect; how many there were.
    """
    for number in range(CHANGES):
        if not crashing(aws, run, 1):
            return number
        aws.clock.advance(5)  # AWS lists what the last one made
    raise AssertionError(f"it never ends: {CHANGES} processes have died")


def test_a_crash_after_every_change_of_making_it() -> None:
    """
    Every process dies as its first change took effect, until one finds nothing to do: there is one
    of each, and one more run changes nothing.
    """
    with StrictAws(seed=1) as aws:
        before = aws.snapshot()
        number = until_it_ends(aws, lambda process: make(aws, by=process))
        assert 35 <= number < CHANGES
        check_one_of_each(aws, before)


def test_a_crash_after_every_change_of_destroying_it() -> None:
    """
    Every process dies as its first change took effect, until one finds nothing: nothing is left.
    """
    with StrictAws(seed=2) as aws:
        before = aws.snapshot()
        make(aws)
        number = until_it_ends(aws, lambda process: destroy(aws, by=process))
        assert 30 <= number < CHANGES
        assert aws.snapshot() == before


@pytest.mark.parametrize("after", PLACES)
def test_a_crash_while_making_it(after: int) -> None:
    """
    A process dies as its n-th change took effect: the next one makes the rest at once, so that
    there is one of each, and a third one changes nothing.
    """
    with StrictAws(seed=after) as aws:
        before = aws.snapshot()
        crashed = crashing(aws, lambda process: make(aws, by=process), after)
        assert crashed or 38 < after
        make(aws, by=aws.another())
        check_one_of_each(aws, before)


@pytest.mark.parametrize("after", PLACES)
def test_a_crash_while_destroying_it(after: int) -> None:
    """
    A process dies as its n-th change took effect: the next one leaves nothing.
    """
    with StrictAws(seed=after) as aws:
        before = aws.snapshot()
        make(aws)
        crashed = crashing(aws, lambda process: destroy(aws, by=process), after)
        assert crashed or 32 < after
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


@pytest.mark.parametrize("after", [1, 9, 20, 34])
def test_what_a_crash_left_is_destroyed(after: int) -> None:
    """
    A process dies while it makes the stack: destroying it leaves nothing, changing nothing twice.
    """
    with StrictAws(seed=after) as aws:
        before = aws.snapshot()
        assert crashing(aws, lambda process: make(aws, by=process), after)
        aws.clock.advance(5)  # AWS lists what it made
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before
        with unchanged(aws):
            destroy(aws, by=aws.another())
