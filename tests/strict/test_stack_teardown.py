"""
Rules 105 and 107: a teardown is complete, in order, and touches nothing else.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchkit import FargateEnvironment, Nat, StackSpec, destroy_stack, ensure_stack

from .helpers import SERVICE_POLICY, old_address, old_gateway, old_network, old_role
from .simulator import StrictAws
from .simulator.batch.held import environment, queue, settle
from .stacks import BARE, NAME, SPEC, destroy, make, unchanged

MACHINE = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'


def seed_foreign(aws: StrictAws) -> None:
    """
    Put resources of others into the account, with names that begin as the stack's do.
    """
    place = old_network(aws)
    old_gateway(aws, place.vpc)
    old_address(aws)
    role = old_role(aws, f"{NAME}-batch", "batch.amazonaws.com", "ecs:DescribeClusters")
    old_role(aws, f"{NAME}-2_job-us-east-1", "ecs-tasks.amazonaws.com", "s3:GetObject")
    raw = aws.raw.client
    raw("iam").attach_role_policy(RoleName=f"{NAME}-batch", PolicyArn=SERVICE_POLICY)
    seed_batch(raw("batch"), place, role)
    for name in (f"/batchkit/{NAME}-2", f"/batchkit/{NAME}2", "/aws/batch/job"):
        raw("logs").create_log_group(logGroupName=name, tags={"batchkit:stack": f"{NAME}-2"})
    raw("stepfunctions").create_state_machine(name=f"{NAME}-2", definition=MACHINE, roleArn=role)
    raw("ecr").create_repository(repositoryName=f"{NAME}/other")
    raw("dynamodb").create_table(
        TableName=f"{NAME}-other",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "batchkit:stack", "Value": f"{NAME}-2"}],
    )
    raw("s3").create_bucket(Bucket=f"{NAME}-other")
    raw("scheduler").create_schedule_group(Name=f"{NAME}-2")


def seed_batch(batch: Any, place: Any, role: str) -> None:
    """
    A compute environment, a queue and a job definition of somebody else.
    """
    environment = batch.create_compute_environment(
        computeEnvironmentName=f"{NAME}-other",
        type="MANAGED",
        state="ENABLED",
        computeResources={
            "type": "FARGATE",
            "maxvCpus": 2,
            "subnets": [place.subnet],
            "securityGroupIds": [place.group],
        },
        serviceRole=role,
        tags={"batchkit:stack": f"{NAME}-other"},
    )["computeEnvironmentArn"]
    batch.create_job_queue(
        jobQueueName=f"{NAME}-other",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    batch.register_job_definition(
        jobDefinitionName=f"{NAME}-other",
        type="container",
        containerProperties={"image": "busybox", "vcpus": 1, "memory": 128},
    )


def test_it_leaves_what_is_not_its_own() -> None:
    """
    Everything of others, and another stack with a name that begins alike, is as it was before.
    """
    with StrictAws(seed=5) as aws:
        seed_foreign(aws)
        other = StackSpec(name=f"{NAME}-more", image=SPEC.image, network=Nat(cidr="10.9.0.0/16"))
        ensure_stack(other, session=aws.session, clock=aws.clock)
        before = aws.snapshot()
        make(aws)
        kept = destroy(aws, delete_data=False).kept
        assert {name.split()[0] for name in kept} == {"Table", "Bucket"}
        left = aws.snapshot()
        assert left.keys() - before.keys() == {"table/films-seen", "bucket/films-kept-here"}
        destroy(aws)
        assert aws.snapshot() == before
        with unchanged(aws):
            assert destroy(aws).deleted == ()
        destroy_stack(other.name, session=aws.session, clock=aws.clock)


def test_it_goes_in_order() -> None:
    """
    Each resource is gone, as AWS tells, before what it stands on is deleted.
    """
    with StrictAws(seed=2) as aws:
        make(aws)
        made = len(aws.calls)
        destroy(aws)
        trace = [c for c in aws.calls[made:] if c.mutates and c.effect]
        delays = aws.account.delays

        def at(operation: str, fragment: str = "") -> list[float]:
            return [c.time for c in trace if c.operation == operation and fragment in repr(c)]

        gone = {
            "environment": at("DeleteComputeEnvironment")[0] + delays["environment_delete"],
            "queue": at("DeleteJobQueue")[0] + delays["queue_delete"],
            "nat": at("DeleteNatGateway")[0] + delays["nat_delete"],
            "machine": at("DeleteStateMachine")[0] + delays["machine_delete"],
        }
        assert at("DeleteSchedule") <= at("DeleteStateMachine")
        assert at("DeleteSchedule") <= at("DeleteJobQueue")
        assert gone["machine"] <= at("DeleteRole", "states")[0]
        assert gone["queue"] <= at("DeleteComputeEnvironment")[0]
        assert gone["environment"] <= min(at("DeleteRole"))
        assert gone["environment"] <= min(at("DeleteSecurityGroup"))
        assert gone["nat"] <= at("ReleaseAddress")[0] <= at("DetachInternetGateway")[0]
        assert max(at("DeleteSubnet")) <= at("DeleteVpc")[0]
        assert at("DetachInternetGateway")[0] <= at("DeleteInternetGateway")[0]
        assert at("DeleteInternetGateway")[0] <= at("DeleteVpc")[0]
        assert at("DeleteLogGroup", "locks/Vpc") <= at("DeleteVpc")


@pytest.mark.parametrize("slow", [False, True])
def test_a_record_that_is_out_of_date_stops_no_deletion(slow: bool) -> None:
    """
    An environment and a queue that are INVALID are told so for some seconds after their deletion.
    """
    with StrictAws(delays={"deletion_shown": 20} if slow else None) as aws:
        before = aws.snapshot()
        made = make(aws, BARE)
        name = made.arn(FargateEnvironment).rpartition("/")[2]
        raw = aws.raw.client("batch")
        raw.update_job_queue(jobQueue=made.name, state="DISABLED")
        raw.update_compute_environment(computeEnvironment=name, state="DISABLED")
        for entry in (environment(aws.account, name), queue(aws.account, made.name)):
            assert entry is not None
            entry["shown"]["state"] = "DISABLED"
            settle(entry, "INVALID", "CLIENT_ERROR - something is wrong with it")
        destroy(aws, by=aws.another())
        assert aws.hits[135]
        assert aws.snapshot() == before
