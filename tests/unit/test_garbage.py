"""
Garbage: whatever is given to whatever is public, only batchkit's errors come out, and no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from garbage import ODD, VALUES, Called, Target, fits, targets
from hypothesis import HealthCheck, given, settings, strategies as st

from batchkit import BatchkitError

TARGETS = list(targets())
FAST = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("target", TARGETS, ids=str)
@FAST
@given(st.data())
def test_garbage_is_refused_before_the_first_call(target: Target, data: st.DataObject) -> None:
    """
    One argument is garbage, or all are; the others are right.
    """
    names = list(target.hints)
    chosen = data.draw(st.sampled_from([*([name] for name in names), names]))
    throw(target, {name: data.draw(VALUES, label=name) for name in chosen})


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_each_odd_value_is_refused_wherever_it_is_given(target: Target) -> None:
    """
    Alone, and beside arguments that are right.
    """
    for name in target.hints:
        for value in ODD:
            throw(target, {name: value})


def throw(target: Target, garbage: Mapping[str, Any]) -> None:
    """
    Calls *target* with *garbage*: an error of batchkit's comes out, unless all of it may be meant.
    """
    wrong = [name for name, value in garbage.items() if not fits(value, target.hints[name])]
    if target.name == "local_aws" and not wrong:
        return  # it would start, which takes seconds
    try:
        target.call(**{**target.right, **garbage})
    except BatchkitError as error:
        assert str(error)
    except Called:
        assert not wrong, f"{target}: AWS is called with {garbage}"
    else:
        assert not wrong, f"{target}: {garbage} is taken"
