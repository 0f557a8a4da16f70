"""
Rules 101, 102 and 112: a stack comes to be in time, in every profile, and stays as it is.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from batchkit import plan_stack

from .simulator import StrictAws
from .stacks import ONE_OF_EACH, SPEC, counts, destroy, make, unchanged

BOUNDS = {
    "strict": (112, 120),
    "flaky": (118, 130),
    "throttled": (200, 260),
    "slow": (1080, 1150),
}
"""Seconds for making it, where the NAT gateway takes 100, and for taking it down."""


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nothing is left to chance in the pauses between two attempts: each is the longest it may be.
    """
    monkeypatch.setattr(random, "uniform", lambda least, most: most)


@pytest.mark.parametrize("profile", BOUNDS)
def test_it_converges_in_every_profile(profile: str, longest_pauses: None) -> None:
    """
    A stack is made in hardly more time than its NAT gateway takes; two more runs, with what is read
    in another order, change nothing; a destroy leaves nothing.
    """
    with StrictAws(profile, seed=3) as aws:
        before = aws.snapshot()
        make(aws)
        made = aws.clock.monotonic()
        assert counts(aws, before) == ONE_OF_EACH
        with unchanged(aws):
            for _ in range(2):
                make(aws, by=aws.another())
                aws.account.rng.seed(made)
            assert plan_stack(SPEC, session=aws.session, clock=aws.clock).empty
        began = aws.clock.monotonic()
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before
        gone = aws.clock.monotonic() - began
        assert made <= BOUNDS[profile][0] and gone <= BOUNDS[profile][1]


@pytest.mark.parametrize("seed", range(20, 24))
def test_it_converges_whatever_is_late(seed: int) -> None:
    """
    With misses at other places, and on to the next run at once, it is the same.
    """
    with StrictAws("flaky", seed=seed) as aws:
        before = aws.snapshot()
        make(aws)
        with unchanged(aws):
            make(aws, by=aws.another())
        assert counts(aws, before) == ONE_OF_EACH


def test_waiting_asks_once_a_second() -> None:
    """
    While a resource is waited for, AWS is asked for it once a second, and hardly for anything else:
    now and then for what another caller may be doing.
    """
    with StrictAws(seed=1) as aws:
        make(aws)
        made = aws.clock.monotonic()
        asked = pace(aws, 75, made - 5)  # while only the NAT gateway is on its way
        assert 0.9 <= asked.pop("DescribeNatGateways") <= 1.2
        assert max(asked.values(), default=0) <= 0.2
        aws.calls.clear()
        destroy(aws)
        asked = pace(aws, made + 3, made + 25)
        assert 0.9 <= asked["DescribeNatGateways"] <= 1.3 and max(asked.values()) <= 2


def pace(aws: StrictAws, start: float, end: float) -> dict[str, float]:
    """
    How often each read was made in a second between *start* and *end*.
    """
    calls = [one for one in aws.calls if not one.mutates and start <= one.time <= end]
    return {
        name: count / (end - start)
        for name, count in Counter(f"{call.operation}" for call in calls).items()
    }


def test_it_leans_on_no_shim() -> None:
    """
    Without the rules that help what lies underneath along, or hide what it does otherwise (the
    service role, the filter of NAT gateways, the state of a new queue), it is the same.
    """
    with StrictAws(rules_off=[6, 22, 27, 58, 74]) as aws:
        before = aws.snapshot()
        make(aws)
        with unchanged(aws):
            make(aws, by=aws.another())
        assert counts(aws, before) == ONE_OF_EACH
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before
