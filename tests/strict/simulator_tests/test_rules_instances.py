"""
Environments of instances: what they need, whom they have room for, and how they end.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import old_network, old_role, refusal
from ..simulator import StrictAws
from ..simulator.batch.programs import Program
from .batch_helpers import client, let_out, shown

REGISTERS = "ecs:RegisterContainerInstance"


def old_profile(aws: StrictAws, name: str = "fleet", *allowed: str) -> str:
    """
    The ARN of an instance profile that has been there for long, whose role may do what is allowed.
    """
    iam = aws.raw.client("iam")
    old_role(aws, name, "ec2.amazonaws.com", *(allowed or (REGISTERS,)))
    made = iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return str(made["InstanceProfile"]["Arn"])


def fleet(aws: StrictAws, profile: str = "", out: bool = True, **more: Any) -> dict[str, Any]:
    """
    What makes an environment of instances; *more* are its resources.
    """
    net = old_network(aws)
    if out:
        let_out(aws, net)
    resources = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "instanceTypes": ["m6i.large"],
        "minvCpus": 0,
        "maxvCpus": 16,
        "subnets": [net.subnet],
        "securityGroupIds": [net.group],
        "instanceRole": profile or old_profile(aws),
        **more,
    }
    return {
        "computeEnvironmentName": "fleet",
        "type": "MANAGED",
        "computeResources": resources,
    }


def made(aws: StrictAws, profile: str = "", **more: Any) -> Any:
    """
    A client, when the environment has settled.
    """
    batch = client(aws)
    batch.create_compute_environment(**fleet(aws, profile, **more))
    aws.clock.sleep(30)
    return batch


def submitted(aws: StrictAws, batch: Any, vcpus: str = "1", memory: str = "2048") -> str:
    """
    The id of a job in a queue on the environment, after two minutes.
    """
    order = [{"order": 1, "computeEnvironment": "fleet"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]
    role = old_role(aws, "execution", "ecs-tasks.amazonaws.com", "logs:*")
    container = {"image": "public.ecr.aws/x:1", "command": ["load"], "resourceRequirements": needs}
    batch.register_job_definition(
        jobDefinitionName="d",
        type="container",
        platformCapabilities=["EC2"],
        containerProperties={**container, "executionRoleArn": role},
    )
    aws.clock.sleep(10)
    id = batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobId"]
    aws.clock.sleep(120)
    return str(id)


def job(batch: Any, id: str) -> tuple[str, str]:
    held = batch.describe_jobs(jobs=[id])["jobs"][0]
    return held["status"], held.get("statusReason", "").partition(" - ")[0]


@pytest.mark.rule(140)
@pytest.mark.parametrize("state", ["missing", "empty"])
def test_a_profile_without_a_role_makes_it_invalid(strict_aws: StrictAws, state: str) -> None:
    """
    Or it is refused at once.
    """
    arn = "arn:aws:iam::123456789012:instance-profile/none"
    if state == "empty":
        iam = strict_aws.raw.client("iam")
        arn = iam.create_instance_profile(InstanceProfileName="none")["InstanceProfile"]["Arn"]
    batch = client(strict_aws)
    asked = fleet(strict_aws, arn)
    for number in range(8):
        asked["computeEnvironmentName"] = f"fleet-{number}"
        try:
            batch.create_compute_environment(**asked)
        except batch.exceptions.ClientException as error:
            assert "instance profile none does not exist" in str(error)
    strict_aws.clock.sleep(30)
    found = batch.describe_compute_environments()["computeEnvironments"]
    assert found and {one["status"] for one in found} == {"INVALID"}


@pytest.mark.rule(141)
@pytest.mark.parametrize("types", [["m6i", "m6g"], ["m9x"], ["default_arm64", "m6i.large"]])
def test_types_are_known_and_alike(strict_aws: StrictAws, types: list[str]) -> None:
    """
    Those of two architectures aren't.
    """
    asked = fleet(strict_aws, instanceTypes=types)
    refusal(client(strict_aws).create_compute_environment, **asked)


@pytest.mark.rule(142)
def test_a_template_that_is_gone_makes_it_invalid(strict_aws: StrictAws) -> None:
    """
    It is looked for later.
    """
    made(strict_aws, launchTemplate={"launchTemplateId": "lt-1", "version": "1"})
    assert shown(strict_aws)["status"] == "INVALID"


@pytest.mark.rule(143)
@pytest.mark.parametrize(("minutes", "status"), [(None, "FAILED"), (7200, "SUCCEEDED")])
def test_other_instances_end_jobs_after_a_while(
    strict_aws: StrictAws, minutes: int | None, status: str
) -> None:
    """
    After half an hour, or as long as the update says; scaling ends none.
    """
    batch = made(strict_aws)
    strict_aws.account.add("program", "load", does=Program(seconds=7200))
    id = submitted(strict_aws, batch)
    assert job(batch, id)[0] == "RUNNING"
    batch.update_compute_environment(computeEnvironment="fleet", computeResources={"maxvCpus": 8})
    strict_aws.clock.sleep(2000)
    assert job(batch, id)[0] == "RUNNING"
    policy = {"jobExecutionTimeoutMinutes": minutes} if minutes else {}
    batch.update_compute_environment(
        computeEnvironment="fleet",
        computeResources={"instanceTypes": ["m6i.2xlarge"]},
        updatePolicy={"terminateJobsOnUpdate": False, **policy},
    )
    strict_aws.clock.sleep(7200)
    assert job(batch, id)[0] == status


@pytest.mark.rule(144)
@pytest.mark.parametrize(("vcpus", "memory"), [("4", "2048"), ("1", "8192"), ("1", "7900")])
def test_a_job_that_no_type_holds_stays_runnable(
    strict_aws: StrictAws, vcpus: str, memory: str
) -> None:
    """
    The system takes a part of the memory.
    """
    batch = made(strict_aws)
    id = submitted(strict_aws, batch, vcpus, memory)
    assert job(batch, id) == ("RUNNABLE", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")


@pytest.mark.rule(145)
@pytest.mark.parametrize(("allowed", "out"), [("s3:ListBucket", True), (REGISTERS, False)])
def test_instances_that_cannot_join_leave_jobs_runnable(
    strict_aws: StrictAws, allowed: str, out: bool
) -> None:
    """
    For they may not, or have no way out; nothing says why.
    """
    profile = old_profile(strict_aws, "fleet", allowed)
    batch = made(strict_aws, profile, out=out)
    assert job(batch, submitted(strict_aws, batch)) == ("RUNNABLE", "")


@pytest.mark.rule(146)
def test_an_unmanaged_environment_waits_for_instances(strict_aws: StrictAws) -> None:
    """
    It has a cluster and no compute resources; a job runs once an instance has joined.
    """
    batch = client(strict_aws)
    role = old_role(strict_aws, "service", "batch.amazonaws.com", "ecs:*")
    batch.create_compute_environment(
        computeEnvironmentName="fleet", type="UNMANAGED", serviceRole=role
    )
    strict_aws.clock.sleep(30)
    assert "computeResources" not in shown(strict_aws)
    id = submitted(strict_aws, batch)
    assert job(batch, id)[0] == "RUNNABLE"
    cluster = shown(strict_aws)["ecsClusterArn"]
    strict_aws.account.add("instance", "i-1", cluster=cluster, type="m6i.large")
    strict_aws.clock.sleep(120)
    assert job(batch, id)[0] == "SUCCEEDED"
