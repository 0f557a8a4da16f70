"""
Jobs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..helpers import code_of, old_network, old_role, refusal
from ..simulator import StrictAws
from .batch_helpers import ROLE, ready, state, submit


@pytest.mark.rule(81)
def test_a_job_goes_through_its_states(strict_aws: StrictAws) -> None:
    """
    SUBMITTED, RUNNABLE, STARTING, RUNNING, SUCCEEDED, each in its time.
    """
    batch = ready(strict_aws)
    job, states = submit(batch), []
    for seconds in (0, 2, 8, 10, 10):
        strict_aws.clock.sleep(seconds)
        states.append(state(batch, job))
    assert states == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


@pytest.mark.rule(47)
def test_a_task_has_an_interface_for_a_while(strict_aws: StrictAws) -> None:
    """
    A running job has a network interface in its subnet, until 45 seconds after its end.
    """
    batch, ec2 = ready(strict_aws), strict_aws.session.client("ec2")
    submit(batch)

    def tasks() -> list[str]:
        found = ec2.describe_network_interfaces()["NetworkInterfaces"]
        return [e["Description"] for e in found if ":attachment/" in e.get("Description", "")]

    batch.describe_job_queues()
    strict_aws.clock.sleep(25)
    assert len(tasks()) == 1
    strict_aws.clock.sleep(40)
    assert len(tasks()) == 1
    strict_aws.clock.sleep(15)
    assert tasks() == []


@pytest.mark.rule(81)
@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"executionRoleArn": f"{ROLE}-gone"}, "ECS was unable to assume the role"),
        ({"image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1"}, "CannotPullContainerError"),
        (
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/gone"},
                }
            },
            "The specified log group does not exist",
        ),
        ({"networkConfiguration": {"assignPublicIp": "ENABLED"}}, "ResourceInitializationError"),
    ],
)
def test_a_job_fails_and_says_why(
    strict_aws: StrictAws, container: dict[str, Any], reason: str
) -> None:
    """
    A role, image, log group or way out that is not there fails the job as it starts.
    """
    batch = ready(strict_aws, **container)
    job = submit(batch)
    strict_aws.clock.sleep(20)
    shown = batch.describe_jobs(jobs=[job])["jobs"][0]
    assert shown["status"] == "FAILED" and reason in shown["statusReason"]


@pytest.mark.rule(133)
@pytest.mark.parametrize("end", [":user", ":user:", ":user:::"])
def test_a_secret_is_named_whole_or_in_part(strict_aws: StrictAws, end: str) -> None:
    """
    Behind its name stand all of key, stage and version, or none.
    """
    arn = strict_aws.raw.client("secretsmanager").create_secret(Name="s", SecretString="{}")["ARN"]
    batch = ready(strict_aws, secrets=[{"name": "S", "valueFrom": arn + end}])
    job = submit(batch)
    strict_aws.clock.sleep(60)
    assert "invalid ARN format" in batch.describe_jobs(jobs=[job])["jobs"][0]["statusReason"]


@pytest.mark.rule(133)
def test_a_secret_that_the_role_may_not_read(strict_aws: StrictAws) -> None:
    """
    A policy that names it together with the JSON key allows nothing.
    """
    arn = strict_aws.raw.client("secretsmanager").create_secret(Name="s", SecretString="{}")["ARN"]
    whole = f"{arn}:user::"
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": whole}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    batch = ready(strict_aws, secrets=[{"name": "S", "valueFrom": whole}])
    named = {"RoleName": ROLE.rpartition("/")[2], "PolicyName": "s", "PolicyDocument": document}
    strict_aws.raw.client("iam").put_role_policy(**named)
    job = submit(batch)
    strict_aws.clock.sleep(60)
    reason = batch.describe_jobs(jobs=[job])["jobs"][0]["statusReason"]
    assert f"secretsmanager:GetSecretValue on resource: {arn}" in reason


@pytest.mark.rule(81)
def test_a_job_that_is_too_big_is_stuck(strict_aws: StrictAws) -> None:
    """
    A job that needs more than the environment has stays RUNNABLE, and says why.
    """
    big = [{"type": "VCPU", "value": "8"}, {"type": "MEMORY", "value": "16384"}]
    batch = ready(strict_aws, resourceRequirements=big)
    job = submit(batch)
    strict_aws.clock.sleep(600)
    shown = batch.describe_jobs(jobs=[job])["jobs"][0]
    assert shown["status"] == "RUNNABLE"
    assert "COMPUTE_ENVIRONMENT_MAX_RESOURCE" in shown["statusReason"]


@pytest.mark.rule(78)
def test_jobs_need_an_open_queue_and_a_definition(strict_aws: StrictAws) -> None:
    """
    A missing queue or definition, and a disabled queue, are refused.
    """
    batch = ready(strict_aws)
    asked = {"jobName": "load", "jobQueue": "queue", "jobDefinition": "loader"}
    for wrong in ({"jobQueue": "other"}, {"jobDefinition": "other"}, {"jobDefinition": "loader:7"}):
        assert "does not exist" in refusal(batch.submit_job, **{**asked, **wrong})[1]
    batch.update_job_queue(jobQueue="queue", state="DISABLED")
    strict_aws.clock.sleep(8)
    assert code_of(batch.submit_job, **asked) == "ClientException"


@pytest.mark.rule(82)
def test_listing_shows_running_jobs_only_and_cancel_does_not_stop_them(
    strict_aws: StrictAws,
) -> None:
    """
    Without a status only RUNNING jobs are listed; cancelling one does nothing, terminating does.
    """
    batch = ready(strict_aws)
    early = submit(batch)
    assert batch.list_jobs(jobQueue="queue")["jobSummaryList"] == []
    batch.cancel_job(jobId=early, reason="enough")
    assert state(batch, early) == "FAILED"
    job = submit(batch)
    strict_aws.clock.sleep(20)
    assert [j["jobId"] for j in batch.list_jobs(jobQueue="queue")["jobSummaryList"]] == [job]
    batch.cancel_job(jobId=job, reason="enough")
    assert state(batch, job) == "RUNNING"
    batch.terminate_job(jobId=job, reason="enough")
    assert state(batch, job) == "FAILED"
    assert "100" in refusal(batch.describe_jobs, jobs=["x"] * 101)[1]


@pytest.mark.rule(77)
def test_jobs_end_with_their_queue(strict_aws: StrictAws) -> None:
    """
    Deleting a queue fails the jobs in it.
    """
    batch = ready(strict_aws)
    job = submit(batch)
    batch.update_job_queue(jobQueue="queue", state="DISABLED")
    strict_aws.clock.sleep(8)
    batch.delete_job_queue(jobQueue="queue")
    assert state(batch, job) == "FAILED"


@pytest.mark.rule(72)
def test_an_environment_with_active_jobs_is_not_deleted(strict_aws: StrictAws) -> None:
    """
    A queue lets an environment go while its job runs: the delete ends INVALID.
    """
    batch = ready(strict_aws)
    net = old_network(strict_aws)
    role = old_role(strict_aws, "other", "batch.amazonaws.com", "ecs:*")
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": [net.subnet]}
    strict_aws.raw.client("batch").create_compute_environment(
        computeEnvironmentName="other",
        type="MANAGED",
        serviceRole=role,
        computeResources={**resources, "securityGroupIds": [net.group]},
    )
    strict_aws.account.delays["job_done"] = 1000
    submit(batch)
    strict_aws.clock.sleep(1)
    order = [{"order": 1, "computeEnvironment": "other"}]
    batch.update_job_queue(jobQueue="queue", computeEnvironmentOrder=order)
    strict_aws.clock.sleep(25)
    batch.update_compute_environment(computeEnvironment="fleet", state="DISABLED")
    strict_aws.clock.sleep(15)
    batch.delete_compute_environment(computeEnvironment="fleet")
    strict_aws.clock.sleep(30)
    held = batch.describe_compute_environments(computeEnvironments=["fleet"])
    assert held["computeEnvironments"][0]["status"] == "INVALID"


def test_an_execution_goes_as_its_job_goes(strict_aws: StrictAws) -> None:
    """
    A state machine that submits a job is RUNNING while the job is; its history names the job.
    """
    batch, states = ready(strict_aws), strict_aws.session.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "load", "JobQueue": "queue", "JobDefinition": "loader"},
        "End": True,
    }
    made = states.create_state_machine(
        name="loader",
        definition=json.dumps({"StartAt": "Job", "States": {"Job": task}}),
        roleArn=old_role(strict_aws, "states", "states.amazonaws.com", "events:*", "batch:*"),
    )
    one = {"stateMachineArn": made["stateMachineArn"]}
    runs = [{"executionArn": states.start_execution(**one)["executionArn"]} for _ in range(2)]
    strict_aws.clock.sleep(25)
    states.stop_execution(**runs[1])
    assert states.describe_execution(**runs[0])["status"] == "RUNNING"
    strict_aws.clock.sleep(25)
    assert states.describe_execution(**runs[0])["status"] == "SUCCEEDED"
    assert states.describe_execution(**runs[1])["status"] == "ABORTED"
    pages = states.get_paginator("get_execution_history").paginate(**runs[0])
    events = pages.build_full_result()["events"]
    output = json.loads(events[2]["taskSubmittedEventDetails"]["output"])
    assert state(batch, output["JobId"]) == "SUCCEEDED"
