"""
A stack whose spec changes, or whose names are taken: replaced, pruned, adopted or refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from account_fixture import AccountFixture
from batchkit import (
    Action,
    ApplyError,
    Fargate,
    Nat,
    NotOwnedError,
    ReplacementNeeded,
    StackSpec,
    Table,
    destroy_stack,
    ensure_stack,
    plan_stack,
)
from fakes import mutating
from inventory import inventory

LINKED = Fargate(service_role="linked")


def spec(**changes: Any) -> StackSpec:
    given: dict[str, Any] = {"name": "movies", "image": "alpine:3", **changes}
    return StackSpec(**given)


def ensured(there: AccountFixture, **changes: Any) -> Any:
    return ensure_stack(spec(**changes), session=there.session, clock=there.clock)


def types(there: AccountFixture) -> list[str]:
    """
    The types of the queue's compute environments, in order.
    """
    found = there.batch.describe_compute_environments()["computeEnvironments"]
    kind = {one["computeEnvironmentArn"]: one["computeResources"]["type"] for one in found}
    (queue,) = there.batch.describe_job_queues()["jobQueues"]
    order = sorted(queue["computeEnvironmentOrder"], key=lambda one: one["order"])
    return [kind[one["computeEnvironment"]] for one in order]


def changed(plan: Any) -> dict[str, Action]:
    return {f"{item.resource_type} {item.name}": item.action for item in plan.changes}


def test_a_schedule_comes_and_goes_with_the_spec(there: AccountFixture) -> None:
    """
    Added, it is made with its group and role; left out, all three are deleted, and nothing else.
    """
    ensured(there)
    before = inventory(there)
    plan = ensured(there, schedule="cron(0 9 * * ? *)", time_zone="Europe/Berlin").plan
    names = {"Schedule movies", "ScheduleGroup movies", "Role movies_schedule-us-east-1"}
    assert changed(plan) == dict.fromkeys(names, Action.CREATE)
    plan = plan_stack(spec(), session=there.session, clock=there.clock)
    assert changed(plan) == dict.fromkeys(names, Action.DELETE)
    ensured(there)
    assert inventory(there) == before
    assert ensured(there).plan.empty


def test_spot_comes_and_goes_and_the_queue_is_never_without_an_environment(
    there: AccountFixture,
) -> None:
    """
    The Spot environment is made before the queue names it, and deleted after it no longer does.
    """
    ensured(there)
    with there.calls() as seen:
        ensured(there, compute="fargate-spot")
    assert types(there) == ["FARGATE_SPOT", "FARGATE"]
    assert [name for name in mutating(seen) if "Environment" in name or "Queue" in name] == [
        "CreateComputeEnvironment",
        "UpdateJobQueue",
    ]
    with there.calls() as seen:
        ensured(there)
    assert types(there) == ["FARGATE"]
    names = [name for name in mutating(seen) if "Environment" in name or "Queue" in name]
    assert names == ["UpdateJobQueue", "UpdateComputeEnvironment", "DeleteComputeEnvironment"]
    assert len(there.batch.describe_compute_environments()["computeEnvironments"]) == 1


def test_another_service_role_is_another_environment(there: AccountFixture) -> None:
    """
    AWS can't change a dedicated role to the linked one: the environment is replaced, the role goes.
    """
    ensured(there)
    there.iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    plan = plan_stack(spec(compute=LINKED), session=there.session, clock=there.clock)
    assert Action.REPLACE in changed(plan).values()
    assert changed(plan)["Role movies_batch-us-east-1"] is Action.DELETE
    ensured(there, compute=LINKED)
    (environment,) = there.batch.describe_compute_environments()["computeEnvironments"]
    assert "aws-service-role" in environment["serviceRole"]
    assert ensured(there, compute=LINKED).plan.empty


def test_more_zones_are_another_environment(there: AccountFixture) -> None:
    """
    A second private subnet is made and associated, and an environment with both takes the place of
    the one with one.
    """
    ensured(there)
    plan = ensured(there, network=Nat(zones=2)).plan
    assert changed(plan)["Subnet movies_private-b"] is Action.CREATE
    replaced = [name for name, one in changed(plan).items() if one is Action.REPLACE]
    assert [name.split()[0] for name in replaced] == ["ComputeEnvironment"]
    gone = [name for name, one in changed(plan).items() if one is Action.DELETE]
    assert [name.split()[0] for name in gone] == ["ComputeEnvironment"]
    (environment,) = there.batch.describe_compute_environments()["computeEnvironments"]
    subnets = there.ec2.describe_subnets(SubnetIds=environment["computeResources"]["subnets"])
    assert len({one["AvailabilityZone"] for one in subnets["Subnets"]}) == 2
    assert ensured(there, network=Nat(zones=2)).plan.empty
    ensured(there)
    assert ensured(there).plan.empty


def test_another_cidr_is_refused_before_any_change(there: AccountFixture) -> None:
    """
    A network can't be moved: the error names the field and both values, and nothing is touched.
    """
    ensured(there)
    with there.calls() as seen, pytest.raises(ReplacementNeeded) as caught:
        ensured(there, network=Nat(cidr="10.2.0.0/16"))
    assert mutating(seen) == []
    for part in ("Vpc movies", "cidr", "10.1.0.0/16", "10.2.0.0/16"):
        assert part in str(caught.value)


def test_a_new_revision_repoints_the_state_machine(there: AccountFixture) -> None:
    """
    More memory is a new revision; the machine runs that one, and nothing else changes: the revision
    before stays, as executions that are running may retry with it, until the stack goes.
    """
    ensured(there)
    plan = plan_stack(spec(memory=4096), session=there.session, clock=there.clock)
    assert changed(plan) == {
        "JobDefinition movies": Action.UPDATE,
        "StateMachine movies": Action.UPDATE,
    }
    with there.calls() as seen:
        stack = ensured(there, memory=4096)
    assert mutating(seen) == ["RegisterJobDefinition", "UpdateStateMachine"]
    definition = stack.outputs["JobDefinition movies"]
    (machine,) = there.stepfunctions.list_state_machines()["stateMachines"]
    described = there.stepfunctions.describe_state_machine(
        stateMachineArn=machine["stateMachineArn"]
    )
    assert definition.endswith(":2") and definition in described["definition"]
    assert active(there) == [1, 2]
    destroy_stack("movies", session=there.session, clock=there.clock)
    assert active(there) == []


def active(there: AccountFixture) -> list[int]:
    """
    The revisions of the job definition that jobs can be submitted with.
    """
    found = there.batch.describe_job_definitions(jobDefinitionName="movies", status="ACTIVE")
    return sorted(one["revision"] for one in found["jobDefinitions"])


def test_data_is_kept_unless_told_otherwise(there: AccountFixture) -> None:
    """
    A teardown leaves the table and bucket, says so, and a new stack takes them up again.
    """
    stores: dict[str, Any] = {"table": Table(name="films"), "bucket": "films-1"}
    ensured(there, **stores)
    there.s3.put_bucket_versioning(Bucket="films-1", VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        there.s3.put_object(Bucket="films-1", Key=f"{number % 2}", Body=b"x")
    there.s3.delete_object(Bucket="films-1", Key="0")
    teardown = destroy_stack("movies", session=there.session, clock=there.clock)
    assert set(teardown.kept) == {"Table films", "Bucket films-1"}
    assert "kept: Table films (holds data; delete_data=True deletes it)" in str(teardown)
    again = ensured(there, **stores).plan
    kept = {item.name for item in again.items if item.action is Action.KEEP}
    assert {"films", "films-1"} <= kept
    ensured(there)  # stores that the spec no longer names are never pruned
    teardown = destroy_stack("movies", session=there.session, clock=there.clock, delete_data=True)
    assert {"Table films", "Bucket films-1"} <= set(teardown.deleted)
    assert inventory(there)["buckets"] == {} and inventory(there)["dynamodb"] == []


def take_role(there: AccountFixture) -> None:
    there.role("movies_job-us-east-1")


def take_environment(there: AccountFixture) -> None:
    plan = plan_stack(spec(), session=there.session, clock=there.clock)
    name = next(item.name for item in plan.items if item.resource_type == "ComputeEnvironment")
    there.environment(name, "10.9.0.0/16")


def take_queue(there: AccountFixture) -> None:
    there.queue(there.environment(), "movies")


def take_repository(there: AccountFixture) -> None:
    there.ecr.create_repository(repositoryName="movies")


def take_definition(there: AccountFixture) -> None:
    there.batch.register_job_definition(
        jobDefinitionName="movies",
        type="container",
        containerProperties={"image": "alpine:1", "vcpus": 1, "memory": 64},
    )


def take_table(there: AccountFixture) -> None:
    there.dynamodb.create_table(
        TableName="movies",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


TAKEN: dict[str, Callable[[AccountFixture], object]] = {
    "Role": take_role,
    "LogGroup": lambda there: there.logs.create_log_group(logGroupName="/batchkit/movies"),
    "ComputeEnvironment": take_environment,
    "JobQueue": take_queue,
    "JobDefinition": take_definition,
    "StateMachine": lambda there: there.machine("movies"),
    "ScheduleGroup": lambda there: there.scheduler.create_schedule_group(Name="movies"),
    "Repository": take_repository,
    "Table": take_table,
    "Bucket": lambda there: there.s3.create_bucket(Bucket="movies"),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_not_the_stacks_is_refused_before_any_change(
    kind: str, there: AccountFixture, tmp_path: Any
) -> None:
    """
    A name that is taken is told, with what to do; nothing is made, and what is there stays.
    """
    (tmp_path / "Dockerfile").write_text("FROM alpine\n")
    TAKEN[kind](there)
    before = inventory(there)
    wanted = {"image": tmp_path, "schedule": "rate(1 day)", "table": "movies", "bucket": "movies"}
    with there.calls() as seen, pytest.raises(NotOwnedError) as caught:
        ensured(there, **wanted)
    assert mutating(seen) == [] and inventory(there) == before
    assert str(caught.value).startswith(kind) and "adopt=True" in str(caught.value)
    with pytest.raises(NotOwnedError):
        plan_stack(spec(**wanted), session=there.session, clock=there.clock)
    destroy_stack("movies", session=there.session, clock=there.clock, delete_data=True)
    assert inventory(there) == before


def test_adopting_makes_it_the_stacks_and_brings_it_into_shape(there: AccountFixture) -> None:
    """
    The plan says that it adopts, with the fields that differ; afterwards there is nothing to do.
    """
    there.queue(there.environment(), "movies")
    there.logs.create_log_group(logGroupName="/batchkit/movies")
    there.ecr.create_repository(repositoryName="unrelated")
    plan = plan_stack(spec(), session=there.session, clock=there.clock, adopt=True)
    adopted = {item.resource_type: item for item in plan.items if item.action is Action.ADOPT}
    assert set(adopted) == {"JobQueue", "LogGroup"}
    assert {change.field for change in adopted["LogGroup"].changes} == {"tags", "retention"}
    ensure_stack(spec(), session=there.session, clock=there.clock, adopt=True)
    assert ensured(there).plan.empty
    deleted = destroy_stack("movies", session=there.session, clock=there.clock).deleted
    assert {"JobQueue movies", "LogGroup /batchkit/movies"} <= set(deleted)


def test_two_stacks_cannot_share_a_table(there: AccountFixture) -> None:
    """
    What another stack owns is named as that stack's.
    """
    ensured(there, table="shared")
    with pytest.raises((NotOwnedError, ApplyError), match="belongs to the stack 'movies'"):
        ensured(there, name="films", table="shared")
