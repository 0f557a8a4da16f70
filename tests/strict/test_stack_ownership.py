"""
Issue 3.4: what is not the stack's own is not touched, unless it is to be adopted.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batchkit import plan_stack
from batchkit.errors import NotOwnedError
from batchkit.events import Action

from .helpers import old_network, old_role, trust
from .simulator import StrictAws
from .stacks import NAME, SPEC, destroy, make, new_mutations, operations, unchanged
from .test_stack_teardown import MACHINE


def role(aws: StrictAws) -> None:
    """
    A role under another path.
    """
    aws.raw.client("iam").create_role(
        RoleName=f"{NAME}_job-us-east-1",
        AssumeRolePolicyDocument=trust("ecs-tasks.amazonaws.com"),
    )


def queue(aws: StrictAws) -> None:
    """
    A queue, with an environment of its own.
    """
    place = old_network(aws)
    batch = aws.raw.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="theirs",
        type="MANAGED",
        state="ENABLED",
        computeResources={
            "type": "FARGATE",
            "maxvCpus": 2,
            "subnets": [place.subnet],
            "securityGroupIds": [place.group],
        },
        serviceRole=old_role(aws, "theirs", "batch.amazonaws.com"),
    )["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": environment}]
    batch.create_job_queue(
        jobQueueName=NAME, state="ENABLED", priority=1, computeEnvironmentOrder=order
    )


def definition(aws: StrictAws) -> None:
    """
    A job definition.
    """
    aws.raw.client("batch").register_job_definition(
        jobDefinitionName=NAME,
        type="container",
        containerProperties={"image": "busybox", "vcpus": 1, "memory": 128},
    )


def machine(aws: StrictAws) -> None:
    """
    A state machine.
    """
    aws.raw.client("stepfunctions").create_state_machine(
        name=NAME,
        definition=MACHINE,
        roleArn=old_role(aws, "theirs", "states.amazonaws.com"),
    )


def group(aws: StrictAws) -> None:
    """
    A log group.
    """
    aws.raw.client("logs").create_log_group(logGroupName=f"/batchkit/{NAME}")


def schedules(aws: StrictAws) -> None:
    """
    A group of schedules.
    """
    aws.raw.client("scheduler").create_schedule_group(Name=NAME)


def table(aws: StrictAws) -> None:
    """
    A table.
    """
    aws.raw.client("dynamodb").create_table(
        TableName="films-seen",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def bucket(aws: StrictAws) -> None:
    """
    A bucket.
    """
    aws.raw.client("s3").create_bucket(Bucket="films-kept-here")


FOREIGN: dict[str, tuple[Callable[[StrictAws], None], str]] = {
    "Role": (role, "role/"),
    "JobQueue": (queue, "job-queue/"),
    "JobDefinition": (definition, "job-definition/"),
    "StateMachine": (machine, "state-machine/"),
    "LogGroup": (group, "log-group/"),
    "ScheduleGroup": (schedules, "schedule-group/"),
    "Table": (table, "table/"),
    "Bucket": (bucket, "bucket/"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_foreign_is_not_touched(kind: str) -> None:
    """
    Something of the wanted name is there and not the stack's: making it, planning it and destroying
    it change nothing.
    """
    with StrictAws(seed=1) as aws:
        FOREIGN[kind][0](aws)
        before = aws.snapshot()
        with unchanged(aws):
            with pytest.raises(NotOwnedError, match=f"{kind} .*not of the stack 'films'"):
                make(aws)
            with pytest.raises(NotOwnedError):
                plan_stack(SPEC, session=aws.session, clock=aws.clock)
            assert destroy(aws).deleted == ()
        assert aws.snapshot() == before


def test_what_is_foreign_is_adopted() -> None:
    """
    With adopt=True the plan says what would be taken over, making it tags that, and a destroy
    deletes it like the rest.
    """
    with StrictAws(seed=2) as aws:
        before = aws.snapshot()
        for kind in ("LogGroup", "ScheduleGroup", "Table", "Bucket", "JobDefinition"):
            FOREIGN[kind][0](aws)
        plan = plan_stack(SPEC, session=aws.session, clock=aws.clock, adopt=True)
        adopted = {item.resource_type for item in plan.items if item.action is Action.ADOPT}
        assert adopted == {"LogGroup", "ScheduleGroup", "Table", "Bucket", "JobDefinition"}
        assert "5 to adopt" in str(plan)
        with new_mutations(aws) as changed:
            make(aws, adopt=True)
        done = operations(changed)
        assert done.count("TagResource") == 3 and "PutBucketTagging" in done
        assert not {"CreateTable", "CreateBucket", "CreateScheduleGroup"} & set(done)
        with unchanged(aws):
            make(aws, by=aws.another())
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def test_what_was_given_away_is_not_touched() -> None:
    """
    What lost the stack's tag since it was made is somebody else's: no change puts it back, and a
    destroy leaves it.
    """
    with StrictAws(seed=3) as aws:
        make(aws)
        logs = aws.raw.client("logs")
        name = f"/batchkit/{NAME}"
        arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]
        logs.untag_resource(resourceArn=arn.removesuffix(":*"), tagKeys=["batchkit:stack"])
        logs.put_retention_policy(logGroupName=name, retentionInDays=1)
        with unchanged(aws), pytest.raises(NotOwnedError, match="LogGroup"):
            make(aws, by=aws.another())
        destroy(aws, by=aws.another())
        held = aws.snapshot()
        assert held[f"log-group/{name}"]["retentionInDays"] == 1
