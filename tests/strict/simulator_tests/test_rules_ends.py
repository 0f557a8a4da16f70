"""
What jobs wait for, how their attempts end, and arrays.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of
from ..simulator import StrictAws
from ..simulator.batch.lifecycle import reclaim
from ..simulator.batch.placement import BLOCKED, QUOTAS
from ..simulator.batch.programs import Program
from .batch_helpers import ready, state

LOAD = {"jobName": "load", "jobQueue": "queue", "jobDefinition": "loader"}
FOUR = {
    "containerOverrides": {
        "resourceRequirements": [
            {"type": "VCPU", "value": "4"},
            {"type": "MEMORY", "value": "8192"},
        ]
    }
}


def submit(batch: Any, *command: str, **given: Any) -> str:
    """
    The id of a new job of that command.
    """
    overrides = {"command": [*command], **given.pop("containerOverrides", {})}
    return str(batch.submit_job(**LOAD, containerOverrides=overrides, **given)["jobId"])


def program(aws: StrictAws, does: Program) -> None:
    """
    What the command "load" does.
    """
    aws.account.add("program", "load", does=does)


def shown(batch: Any, job: str) -> dict[str, Any]:
    """
    What describe says of a job.
    """
    return dict(batch.describe_jobs(jobs=[job])["jobs"][0])


@pytest.mark.rule(113)
def test_a_job_waits_for_another(strict_aws: StrictAws) -> None:
    """
    It is PENDING until that has succeeded, and fails if that has failed.
    """
    batch, clock = ready(strict_aws), strict_aws.clock
    first = submit(batch)
    second = submit(batch, dependsOn=[{"jobId": first}])
    clock.sleep(25)
    assert (state(batch, first), state(batch, second)) == ("RUNNING", "PENDING")
    clock.sleep(60)
    assert state(batch, second) == "SUCCEEDED"
    program(strict_aws, Program(exit=1))
    bad = submit(batch, "load")
    last = submit(batch, dependsOn=[{"jobId": bad}])
    clock.sleep(60)
    told = shown(batch, last)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Dependent Job failed")
    assert told["dependsOn"] == [{"jobId": bad}]


@pytest.mark.rule(114)
@pytest.mark.parametrize(("code", "end"), [(0, "SUCCEEDED"), (1, "FAILED")])
def test_an_array_ends_with_its_children(strict_aws: StrictAws, code: int, end: str) -> None:
    """
    It is PENDING meanwhile; the children tell their index, and have the end of their own.
    """
    batch = ready(strict_aws)
    program(strict_aws, Program(exit=code))
    array = submit(batch, "load", arrayProperties={"size": 3})
    strict_aws.clock.sleep(15)
    assert state(batch, array) == "PENDING"
    strict_aws.clock.sleep(60)
    assert state(batch, array) == end
    children = batch.describe_jobs(jobs=[f"{array}:0", f"{array}:2"])["jobs"]
    told = [(one["arrayProperties"]["index"], one["container"]["exitCode"]) for one in children]
    assert told == [(0, code), (2, code)]
    assert shown(batch, array)["arrayProperties"]["statusSummary"] == {end: 3}


@pytest.mark.rule(115)
def test_a_job_waits_for_room_and_for_the_quota(strict_aws: StrictAws) -> None:
    """
    RUNNABLE without a reason: four of four vCPUs are at work, or of those of the account.
    """
    batch, clock = ready(strict_aws), strict_aws.clock
    first, second = submit(batch, **FOUR), submit(batch)
    clock.sleep(25)
    assert (state(batch, first), state(batch, second)) == ("RUNNING", "RUNNABLE")
    assert shown(batch, second)["statusReason"] == ""
    clock.sleep(60)
    assert state(batch, second) == "SUCCEEDED"
    code = QUOTAS["FARGATE"]
    asked = {"ServiceCode": "fargate", "QuotaCode": code}
    quotas = strict_aws.session.client("service-quotas")
    assert quotas.get_service_quota(**asked)["Quota"]["Value"] == 6
    strict_aws.account.add("quota", code, value=2.0)
    job = submit(batch, **FOUR)
    clock.sleep(60)
    assert (state(batch, job), shown(batch, job)["statusReason"]) == ("RUNNABLE", "")


@pytest.mark.rule(115)
def test_a_job_waits_for_capacity(strict_aws: StrictAws) -> None:
    """
    RUNNABLE with the code of that reason, or with that of no reason, until there is some.
    """
    batch = ready(strict_aws)
    for kind, name, reason in (
        ("no capacity", "FARGATE", "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - "),
        ("blocked", "queue", BLOCKED),
    ):
        strict_aws.account.add(kind, name)
        job = submit(batch)
        strict_aws.clock.sleep(60)
        assert state(batch, job) == "RUNNABLE"
        assert shown(batch, job)["statusReason"].startswith(reason)
        strict_aws.account.drop(kind, name)
        strict_aws.clock.sleep(60)
        assert state(batch, job) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("does", "code", "reason"),
    [
        (Program(exit=3), 3, "Essential container in task exited"),
        (Program(machine="arm64"), 1, "Essential container in task exited"),
        *(
            pytest.param(*told, marks=pytest.mark.rule(116))
            for told in (
                (
                    Program(memory=4000),
                    137,
                    "OutOfMemoryError: Container killed due to memory usage",
                ),
                (Program(seconds=100), 137, "Job attempt duration exceeded timeout"),
                (Program(there=False), None, "executable file not found in $PATH"),
            )
        ),
    ],
)
def test_an_attempt_tells_its_end(
    strict_aws: StrictAws, does: Program, code: int | None, reason: str
) -> None:
    """
    By its exit code and a reason, of the job or of its container; a good one has neither.
    """
    batch = ready(strict_aws)
    program(strict_aws, does)
    bad, good = submit(batch, "load", timeout={"attemptDurationSeconds": 60}), submit(batch)
    strict_aws.clock.sleep(120)
    told = shown(batch, bad)
    assert told["status"] == "FAILED" and told["container"].get("exitCode") == code
    assert reason in told["statusReason"] + told["container"].get("reason", "")
    assert shown(batch, good)["container"]["exitCode"] == 0


@pytest.mark.rule(117)
def test_a_spot_task_is_taken_back(strict_aws: StrictAws) -> None:
    """
    Its exit code may be anything; the reason tells.
    """
    batch = ready(strict_aws)
    program(strict_aws, Program(seconds=1000))
    job = submit(batch, "load")
    strict_aws.clock.sleep(60)
    assert state(batch, job) == "RUNNING"
    found = strict_aws.account.find("job", job)
    assert found is not None
    reclaim(strict_aws.account, found)
    told = shown(batch, job)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Your Spot Task was interrupted.")


@pytest.mark.rule(118)
@pytest.mark.parametrize(("action", "attempts"), [("RETRY", 3), ("EXIT", 1)])
def test_an_attempt_is_made_again(strict_aws: StrictAws, action: str, attempts: int) -> None:
    """
    As often as the strategy allows, unless it says that this end is the last.
    """
    batch = ready(strict_aws)
    program(strict_aws, Program(exit=7))
    rules = [{"onExitCode": "7", "action": action}]
    job = submit(batch, "load", retryStrategy={"attempts": 3, "evaluateOnExit": rules})
    strict_aws.clock.sleep(300)
    told = shown(batch, job)
    assert told["status"] == "FAILED" and len(told["attempts"]) == attempts
    assert {one["container"]["exitCode"] for one in told["attempts"]} == {7}


@pytest.mark.rule(119)
def test_another_accounts_registry_is_closed(strict_aws: StrictAws) -> None:
    """
    Whatever is in it; one's own can be looked into.
    """
    ecr = strict_aws.session.client("ecr")
    ecr.create_repository(repositoryName="loader")
    assert ecr.describe_images(repositoryName="loader")["imageDetails"] == []
    for call in (ecr.describe_images, ecr.batch_get_image):
        given: dict[str, Any] = {"imageIds": [{"imageTag": "1"}]}
        code = code_of(call, registryId="210987654321", repositoryName="loader", **given)
        assert code == "AccessDeniedException"


def test_a_log_line_is_where_the_job_says(strict_aws: StrictAws) -> None:
    """
    In the group and the stream that describe names.
    """
    logs, group = strict_aws.raw.client("logs"), "/films"
    logs.create_log_group(logGroupName=group)
    options = {"awslogs-group": group, "awslogs-stream-prefix": "films"}
    batch = ready(strict_aws, logConfiguration={"logDriver": "awslogs", "options": options})
    program(strict_aws, Program(exit=1, lines=["one", "two"]))
    job = submit(batch, "load")
    strict_aws.clock.sleep(60)
    stream = shown(batch, job)["container"]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["one", "two"]
    assert stream.startswith("films/default/")
