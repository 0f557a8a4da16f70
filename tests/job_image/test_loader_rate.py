"""
How fast the loader writes: the rate that follows the table, and the back-off.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from loader.rate import Rate, back_off


class Now:
    """
    A clock that is set by hand.
    """

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def play(seconds: float, take: Callable[[float], int]) -> tuple[float, float]:
    """
    Items a second that a table takes over *seconds* from one lane that asks for 25 at a time, and
    the part of the requests that it throttled; *take* says what it takes of 25, at a time.
    """
    now = Now()
    rate, end = Rate(None, now), now() + seconds
    taken = throttled = requests = 0
    while now() < end:
        now.seconds += max(0.0005, rate.reserve(25))
        got = take(now())
        taken, throttled, requests = taken + got, throttled + (got < 25), requests + 1
        rate.report(got, 25 - got)
    return taken / seconds, throttled / requests


def bucket(per_second: float, burst: float, part: bool) -> Callable[[float], int]:
    """
    A table with a capacity, which takes all or nothing of a request, or a *part*.
    """
    held, at = burst, 100.0

    def take(now: float) -> int:
        nonlocal held, at
        held, at = min(burst, held + (now - at) * per_second), now
        got = min(25, int(held)) if part or held >= 25 else 0
        held -= got
        return got

    return take


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("capacity", [100, 500, 1500])
def test_the_rate_settles_near_what_the_table_takes(capacity: float, part: bool) -> None:
    """
    Nearly all of the capacity is used, and only some of the requests are throttled.
    """
    taken, throttled = play(300, bucket(capacity, 2 * capacity, part))
    assert taken > 0.85 * capacity
    assert throttled < (0.6 if part else 0.4)


def test_after_a_long_burst_the_rate_comes_down_at_once() -> None:
    """
    A table that took whatever came, and then no more than 500 a second.
    """
    taken, throttled = play(100, bucket(500, 200_000, False))
    assert taken > 0.95 * (2000 + 500)
    assert throttled < 0.15


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_what_slowing_down_does_not_mend_is_no_reason_to_go_slower(share: float) -> None:
    """
    A table that throttles at random still gets thousands of items a second.
    """
    chance = random.Random(1)
    taken, throttled = play(60, lambda now: 25 if chance.random() > share else 12)
    assert taken > 5000
    assert share * 0.8 < throttled < share * 1.2


def test_a_limit_grows_only_while_it_is_reached() -> None:
    """
    After an hour of little to do a table is not met with any speed at all.
    """
    now = Now()
    rate = Rate(None, now)
    for _ in range(40):  # throttled for a while: now there is a limit
        now.seconds += 0.1
        rate.report(10, 15)
    for _ in range(600):
        now.seconds += 6
        rate.report(25, 0)
    assert rate.limit < 1000


def test_the_limit_never_falls_to_nothing() -> None:
    """
    With a few requests a second the loader sees that the table is free again.
    """
    now = Now()
    rate = Rate(None, now)
    for _ in range(500):
        now.seconds += 1
        rate.report(0, 25)
    assert rate.limit == 50
    slow = rate.limit
    for _ in range(60):
        now.seconds += rate.reserve(25)
        rate.report(25, 0)
    assert rate.limit > 5 * slow


def test_many_connections_throttled_at_once_are_one_sign() -> None:
    """
    The limit is cut once for what was on its way in the same moment.
    """
    now = Now()
    rate = Rate(None, now)
    for _ in range(1000):
        now.seconds += 0.01
        rate.report(25, 0)
    for _ in range(16):
        rate.report(0, 25)
    assert rate.limit > 1500


def test_a_budget_is_never_passed() -> None:
    """
    With 100 units a second, 1000 units take ten seconds, throttled before or not.
    """
    now = Now()
    rate = Rate(100, now)
    for refused in [25] * 40 + [0] * 400:
        now.seconds += rate.reserve(25)
        rate.report(25 - refused, refused)
    assert rate.limit == 100
    start = now()
    for _ in range(40):
        now.seconds += rate.reserve(25)
        rate.report(25, 0)
    assert 9.7 <= now() - start <= 10.3


def test_pauses_are_not_made_up_for() -> None:
    """
    After a quiet minute a budget is still so many units in each second.
    """
    now = Now()
    rate = Rate(100, now)
    rate.reserve(25)
    now.seconds += 60
    assert [rate.reserve(25) for _ in range(3)] == [0, 0.25, 0.5]


def test_a_rate_without_throttling_has_no_limit() -> None:
    """
    Nobody waits for a table that takes everything.
    """
    rate = Rate(None, Now())
    assert [rate.reserve(10_000) for _ in range(5)] == [0] * 5


def test_back_off_has_full_jitter() -> None:
    """
    Any time from none to a bound that doubles, up to ten seconds.
    """
    random.seed(1)
    for attempt in [*range(1, 60), 10_000]:
        waits = [back_off(attempt) for _ in range(300)]
        bound = min(10, 0.05 * 2 ** min(attempt, 20))
        assert 0 <= min(waits) < bound / 20 and bound * 0.9 < max(waits) <= bound


def limited(budget: float | None = None) -> tuple[Now, Rate]:
    """
    A rate that has found a limit, of about 900 units a second, if no *budget* is below it.
    """
    now = Now()
    rate = Rate(budget, now)
    for refused in [0] * 40 + [25, 0, 0] * 10:
        now.seconds += 0.02
        rate.report(25 - refused, refused)
    return now, rate


def test_a_cut_is_never_deeper_than_to_a_quarter() -> None:
    """
    However little was taken in the moment before.
    """
    now, rate = limited()
    before = rate.limit
    assert 500 < before < 1500
    now.seconds += 1
    rate.report(0, 400)
    assert rate.limit == before / 4


def test_the_least_limit_is_not_above_the_budget() -> None:
    """
    Two units a second are two units a second.
    """
    assert limited(2)[1].limit == 2


def test_few_requests_are_no_sign() -> None:
    """
    One of two that is throttled needn't be one of two hundred.
    """
    now, rate = limited()
    before = rate.limit
    now.seconds += 1
    rate.report(25, 0)
    rate.report(0, 25)
    assert rate.limit == before


def test_a_little_throttling_is_none() -> None:
    """
    One item of twenty: the table is simply well used.
    """
    now = Now()
    rate = Rate(None, now)
    for _ in range(600):
        now.seconds += 0.1
        rate.report(95, 5)
    assert rate.limit == float("inf")


def test_what_was_usual_is_forgotten() -> None:
    """
    After a minute in which all was taken, half refused is a reason to slow down again.
    """
    now = Now()
    rate = Rate(None, now)
    for refused in [250] * 60 + [0] * 60:
        now.seconds += 1
        rate.report(500 - refused, refused)
    before = rate.limit
    for _ in range(3):
        now.seconds += 1
        rate.report(250, 250)
    assert rate.limit < before / 2
