"""
What a job stands on while it runs, and how its like is listed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..helpers import old_role
from ..simulator import StrictAws
from ..simulator.batch.programs import Program
from .batch_helpers import ready, state, submit


def running(aws: StrictAws, **container: Any) -> tuple[Any, str]:
    """
    A client, and a job that runs.
    """
    batch = ready(aws, **container)
    job = submit(batch)
    aws.clock.sleep(22)
    assert state(batch, job) == "RUNNING"
    return batch, job


def ended(aws: StrictAws, batch: Any, job: str) -> str:
    """
    How the job ends.
    """
    aws.clock.sleep(60)
    return state(batch, job)


@pytest.mark.rule(160)
def test_a_program_without_a_way_out_fails(strict_aws: StrictAws) -> None:
    """
    The route of its subnet's table is taken away while it runs.
    """
    batch, job = running(strict_aws)
    ec2 = strict_aws.raw.client("ec2")
    for table in ec2.describe_route_tables()["RouteTables"]:
        for one in table["Associations"]:
            if one.get("SubnetId"):
                ec2.disassociate_route_table(AssociationId=one["RouteTableAssociationId"])
    assert ended(strict_aws, batch, job) == "FAILED"


@pytest.mark.rule(161)
@pytest.mark.parametrize(("granted", "end"), [("s3:*", "SUCCEEDED"), ("sqs:*", "FAILED")])
def test_a_program_calls_as_the_role_of_its_job(
    strict_aws: StrictAws, granted: str, end: str
) -> None:
    """
    It fails if the role may not do what it calls.
    """
    role = old_role(strict_aws, "job", "ecs-tasks.amazonaws.com", granted)
    strict_aws.account.add("program", "load", does=Program(seconds=20, calls=["s3:GetObject"]))
    batch, job = running(strict_aws, jobRoleArn=role, command=["load"])
    assert ended(strict_aws, batch, job) == end


@pytest.mark.rule(162)
def test_the_children_of_an_array_are_listed_by_it(strict_aws: StrictAws) -> None:
    """
    The queue lists the array, which is PENDING; the array lists its children.
    """
    batch = ready(strict_aws)
    array = batch.submit_job(
        jobName="load", jobQueue="queue", jobDefinition="loader", arrayProperties={"size": 2}
    )["jobId"]
    strict_aws.clock.sleep(22)
    listed = batch.list_jobs(jobQueue="queue", jobStatus="PENDING")["jobSummaryList"]
    assert [one["jobId"] for one in listed] == [array]
    assert batch.list_jobs(jobQueue="queue", jobStatus="RUNNING")["jobSummaryList"] == []
    children = batch.list_jobs(arrayJobId=array, jobStatus="RUNNING")["jobSummaryList"]
    assert {one["jobId"] for one in children} == {f"{array}:0", f"{array}:1"}


@pytest.mark.rule(163)
def test_an_execution_keeps_its_definition(strict_aws: StrictAws) -> None:
    """
    The machine is updated meanwhile.
    """
    states = strict_aws.session.client("stepfunctions")
    old, new = (json.dumps({"StartAt": n, "States": {n: {"Type": "Succeed"}}}) for n in "AB")
    role = old_role(strict_aws, "states", "states.amazonaws.com", "events:*", "batch:*")
    machine = states.create_state_machine(name="loader", definition=old, roleArn=role)
    one = {"stateMachineArn": machine["stateMachineArn"]}
    execution = {"executionArn": states.start_execution(**one)["executionArn"]}
    states.update_state_machine(**one, definition=new)
    strict_aws.clock.sleep(60)
    assert states.describe_state_machine(**one)["definition"] == new
    assert states.describe_state_machine_for_execution(**execution)["definition"] == old
