"""
A stack that changes where its jobs can run at all has another queue; the old one runs dry.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batchkit import Fargate, describe_stack
from batchkit.events import Event
from batchkit.resources.queues import JobQueue

from .broken_stacks import Scene
from .simulator import StrictAws
from .simulator.batch.programs import Program
from .stacks import NAME, unchanged

ON_ARM = f"{NAME}_arm64"


@pytest.fixture
def at() -> Iterator[Scene]:
    """
    A stack with room for one job at a time.
    """
    with StrictAws(seed=8) as aws:
        scene = Scene(aws, compute=Fargate(max_vcpus=1))
        scene.program("long", Program(seconds=900))
        yield scene


def queues(at: Scene) -> list[str]:
    """
    The names of the queues that are there.
    """
    return sorted(
        one["jobQueueName"] for one in at.client("batch").describe_job_queues()["jobQueues"]
    )


def submits_to(at: Scene) -> str:
    """
    The name of the queue to which the state machine submits.
    """
    run = at.stack.run()
    at.later()
    (job,) = run.refresh().jobs
    return str(job.queue).rpartition("/")[2]


def test_what_waits_in_the_old_queue_comes_to_its_end_there(at: Scene) -> None:
    """
    The new queue is used from then on, and the old one goes when it is empty, with no job lost.
    """
    running, waiting = at.submit("long"), at.submit("long")
    assert (running.status, waiting.status) == ("RUNNING", "RUNNABLE")
    said: list[Event] = []
    at.mend(architecture="ARM64", on_event=said.append)
    assert queues(at) == [NAME, ON_ARM]
    (kept,) = [one for one in said if (one.resource_type, one.name) == ("JobQueue", NAME)]
    assert "stays until a later call" in kept.detail and waiting.jobs[0].id in kept.detail
    assert (running.wait().status, waiting.wait().status) == ("SUCCEEDED", "SUCCEEDED")
    at.mend(architecture="ARM64")
    assert queues(at) == [ON_ARM]
    with unchanged(at.aws):
        at.mend(architecture="ARM64")


def test_beside_an_old_queue_all_goes_to_the_new_one(at: Scene) -> None:
    """
    Runs, submissions, the description and the diagnosis; what waits in the old one is explained.
    """
    at.submit("long")
    waiting = at.submit("long")
    at.mend(architecture="ARM64")
    assert submits_to(at) == ON_ARM
    found = describe_stack(NAME, session=at.aws.session, clock=at.aws.clock)
    assert found.arn(JobQueue).endswith(f"job-queue/{ON_ARM}")
    assert waiting.arn in [run.arn for run in found.runs()]
    assert [(one.rule, one.subject) for one in found.diagnose()] == [
        ("queue-full", f"JobQueue {NAME}")
    ]


def test_and_back(at: Scene) -> None:
    """
    The first queue is taken up again while the second still has a job.
    """
    at.submit("long")
    at.mend(architecture="ARM64")
    on_arm = at.submit("long")
    at.mend()
    assert queues(at) == [NAME, ON_ARM] and submits_to(at) == NAME
    assert on_arm.wait().status == "SUCCEEDED"
    at.mend()
    assert queues(at) == [NAME]
