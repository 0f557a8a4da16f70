"""
Rule 110: waits end in time, say what they waited for, and can be gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from batchkit.errors import ApplyError, BatchkitError, StillWaiting, TeardownError

from .simulator import StrictAws
from .stacks import check_one_of_each, destroy, failed, make


@pytest.mark.parametrize(
    ("timeout", "state"),
    [
        (2, "(Vpc|ElasticIp) films was still|StateMachine films: the time given for everything"),
        (40, r"(ComputeEnvironment|NatGateway) films\S* was still (CREATING|pending)"),
        (90, "NatGateway films was still pending after 8"),
    ],
)
def test_making_it_ends_in_time(timeout: float, state: str) -> None:
    """
    When the time is over, making it ends, and says what AWS was still doing; the next run goes on.
    """
    with StrictAws(seed=1) as aws:
        before = aws.snapshot()
        with pytest.raises(ApplyError, match=state) as raised:
            make(aws, timeout=timeout)
        assert timeout - 3 <= aws.clock.monotonic() <= timeout
        assert any(isinstance(error, StillWaiting) for error in failed(raised).values())
        assert "run it again to go on" in str(raised.value)
        make(aws, by=aws.another())
        check_one_of_each(aws, before)


@pytest.mark.parametrize("timeout", [15, 70])
def test_destroying_it_ends_in_time(timeout: float) -> None:
    """
    Likewise, destroying it; each that was waited for is named with its state.
    """
    with StrictAws(seed=2) as aws:
        before = aws.snapshot()
        make(aws)
        began = aws.clock.monotonic()
        with pytest.raises(TeardownError) as raised:
            destroy(aws, timeout=timeout)
        assert aws.clock.monotonic() - began <= timeout
        for error in failed(raised).values():
            assert isinstance(error, StillWaiting)
            assert "was still" in str(error) or "the last answer to" in str(error)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


@contextmanager
def interrupted(aws: StrictAws, at: float) -> Iterator[None]:
    """
    Have Ctrl-C be pressed in the first wait that begins *at* or later; it must end what runs soon.
    """
    pressed: list[float] = []

    def press(_: float) -> None:
        if not pressed and aws.clock.monotonic() >= at:
            pressed.append(aws.clock.monotonic())
            raise KeyboardInterrupt

    aws.clock.watchers.append(press)
    with pytest.raises(KeyboardInterrupt):
        yield
    aws.clock.watchers.clear()
    assert pressed and aws.clock.monotonic() - pressed[0] <= 10


@pytest.mark.parametrize("at", [0.1, 25, 80])
def test_an_interrupt_while_making_it(at: float) -> None:
    """
    Ctrl-C in a wait comes through as it is, and soon; the next run goes on.
    """
    with StrictAws(seed=3) as aws:
        before = aws.snapshot()
        with interrupted(aws, at):
            make(aws)
        make(aws, by=aws.another())
        check_one_of_each(aws, before)


@pytest.mark.parametrize("at", [0.1, 50])
def test_an_interrupt_while_destroying_it(at: float) -> None:
    """
    Ctrl-C in a wait comes through as it is, and soon; the next run leaves nothing.
    """
    with StrictAws(seed=4) as aws:
        before = aws.snapshot()
        make(aws)
        with interrupted(aws, aws.clock.monotonic() + at):
            destroy(aws)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def test_a_deadline_of_a_kind(strict_aws: StrictAws) -> None:
    """
    Without a *timeout* a wait ends, too: a NAT gateway that stays pending is given up.
    """
    strict_aws.account.delays["nat_create"] = 100_000
    with pytest.raises(BatchkitError, match="NatGateway films was still pending after 1[89]"):
        make(strict_aws)
    assert strict_aws.clock.monotonic() < 2000
