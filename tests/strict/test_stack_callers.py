"""
Rule 104: two callers at once, their calls interleaved.
"""

from __future__ import annotations

import pytest

from batchkit.errors import ApplyError, BatchkitError

from .simulator import StrictAws
from .stacks import check_one_of_each, destroy, make


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


@pytest.mark.parametrize("seed", range(3))
def test_one_makes_what_another_destroys(seed: int) -> None:
    """
    However they end, the next run that makes it has one of each, and the next destroy none.
    """
    with StrictAws(seed=seed) as aws:
        before = aws.snapshot()
        if seed % 2:
            make(aws)
        second = aws.another()
        ends = aws.interleave(
            lambda: make(aws, by=second), lambda: destroy(aws, by=aws.another()), seed=seed
        )
        assert all(end.error is None or isinstance(end.error, BatchkitError) for end in ends)
        make(aws, by=aws.another())
        check_one_of_each(aws, before)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before
