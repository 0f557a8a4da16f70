"""
Job queues.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of, refusal
from ..simulator import StrictAws
from .batch_helpers import fargate, made, queued

LIMIT = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}


@pytest.mark.rule(74)
def test_a_queue_takes_valid_environments_only(strict_aws: StrictAws) -> None:
    """
    No environment, one that is CREATING, and an order given twice are refused.
    """
    batch = made(strict_aws)

    def refused(*orders: tuple[int, str], name: str = "queue") -> str:
        order = [{"order": place, "computeEnvironment": env} for place, env in orders]
        asked = {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order}
        return refusal(batch.create_job_queue, **asked)[1]

    batch.create_compute_environment(**fargate(strict_aws, "other"))
    assert "computeEnvironmentOrder is required." in refused()
    assert "must be created and valid" in refused((1, "other"))
    assert "Duplicate ComputeEnvironment order values." in refused((1, "fleet"), (1, "other"))
    assert "valid pattern" in refused((1, "fleet"), name="no spaces")
    assert refused(*((place, "fleet") for place in range(4)))


@pytest.mark.rule(75)
@pytest.mark.parametrize(
    ("limits", "fragment"),
    [
        ([{**LIMIT, "action": "TERMINATE"}], "Valid job actions: [CANCEL]"),
        ([{**LIMIT, "reason": "because"}], ""),
        ([{**LIMIT, "maxTimeSeconds": 599}], ""),
        ([LIMIT, LIMIT], "Duplicate job state limit actions are not allowed."),
    ],
)
def test_time_limits_are_checked(
    strict_aws: StrictAws, limits: list[dict[str, Any]], fragment: str
) -> None:
    """
    Wrong limits are refused, a right one is read back.
    """
    batch = made(strict_aws)
    asked = {
        "jobQueueName": "queue",
        "priority": 1,
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "fleet"}],
    }
    wrong = refusal(batch.create_job_queue, **asked, jobStateTimeLimitActions=limits)
    assert wrong[0] == "ClientException" and fragment in wrong[1]
    batch.create_job_queue(**asked, jobStateTimeLimitActions=[LIMIT])
    held = batch.describe_job_queues(jobQueues=["queue"])["jobQueues"][0]
    assert held["jobStateTimeLimitActions"] == [LIMIT]


@pytest.mark.rule(69, 70, 76, 77)
def test_a_queue_lives_and_dies_on_time(strict_aws: StrictAws) -> None:
    """
    Disable, wait, delete, wait; and its environment is held some seconds longer.
    """
    batch, clock = queued(strict_aws), strict_aws.clock
    one = {"jobQueue": "queue"}
    held = batch.describe_job_queues(jobQueues=["queue"])["jobQueues"][0]
    assert held["computeEnvironmentOrder"][0]["computeEnvironment"].startswith("arn:")
    assert (held["status"], held["jobQueueType"]) == ("VALID", "ECS_FARGATE")
    assert code_of(batch.delete_job_queue, **one) == "ClientException"
    batch.update_compute_environment(computeEnvironment="fleet", state="DISABLED")
    batch.update_job_queue(**one, state="DISABLED")
    assert "being modified" in refusal(batch.delete_job_queue, **one)[1]
    clock.sleep(15)
    batch.delete_job_queue(**one)
    clock.sleep(30)
    assert batch.describe_job_queues(jobQueues=["queue"])["jobQueues"] == []
    delete = {"computeEnvironment": "fleet"}
    assert "JobQueue relationship" in refusal(batch.delete_compute_environment, **delete)[1]
    clock.sleep(15)
    batch.delete_compute_environment(**delete)
