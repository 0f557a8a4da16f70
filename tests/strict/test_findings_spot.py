"""
Rules 117 and 118: a program fails as often as it may, and what AWS takes back is tried again.
"""

from __future__ import annotations

import pytest

from batchkit import Run

from . import broken_stacks as the
from .broken_stacks import Scene
from .simulator.batch.lifecycle import reclaim
from .simulator.batch.programs import Program

SEED = 9


def taken_back(at: Scene, run: Run, times: int) -> None:
    """
    AWS takes the task of the run back, each time once it runs again.
    """
    job = at.aws.account.find("job", run.arn)
    assert job is not None
    for _ in range(times):
        reclaim(at.aws.account, job, 137)
        at.later()


@pytest.mark.parametrize("compute", ["fargate", "fargate-spot"])
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_program_fails_as_often_as_it_may(at: Scene, compute: str, attempts: int) -> None:
    """
    On demand and on Spot alike.
    """
    at.mend(compute=compute, attempts=attempts)
    at.program("load", Program(exit=1))
    run = at.submit("load")
    at.later(600)
    assert (run.refresh().status, len(run.jobs[0].attempts)) == ("FAILED", attempts)


@pytest.mark.parametrize("times", [1, 9])
def test_what_is_taken_back_is_tried_again(at: Scene, times: int) -> None:
    """
    Although the program may fail only once.
    """
    at.mend(compute="fargate-spot")
    at.program("load", the.LONG)
    run = at.submit("load")
    taken_back(at, run, times)
    at.program("load", Program())
    at.later(3600)
    assert (run.refresh().status, len(run.jobs[0].attempts)) == ("SUCCEEDED", times + 1)


def test_a_program_that_fails_after_a_reclaim_is_not_tried_again(at: Scene) -> None:
    """
    It may fail only once.
    """
    at.mend(compute="fargate-spot")
    at.program("load", the.LONG)
    run = at.submit("load")
    at.program("load", Program(exit=1))
    taken_back(at, run, 1)
    at.later(600)
    assert (run.refresh().status, len(run.jobs[0].attempts)) == ("FAILED", 2)


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_submission_keeps_the_rules(at: Scene, attempts: int) -> None:
    """
    Whatever number of attempts it asks for.
    """
    at.mend(compute="fargate-spot", attempts=2)
    at.program("load", the.LONG)
    run = at.submit("load", attempts=attempts)
    taken_back(at, run, 2)
    at.program("load", Program())
    at.later(3600)
    assert run.refresh().status == "SUCCEEDED"
