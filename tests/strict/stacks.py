"""
What the tests of whole stacks share: a spec with everything, and how many of each it makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from batchkit import StackSpec, Teardown, destroy_stack, ensure_stack
from batchkit.stack.stack import Stack

from .simulator import Crash, Process, Record, StrictAws

NAME = "films"
TABLE, BUCKET = "films-seen", "films-kept-here"
SPEC = StackSpec(
    name=NAME,
    image="public.ecr.aws/docker/library/python:3.12-slim",
    schedule="rate(1 day)",
    table=TABLE,
    bucket=BUCKET,
)
BARE = StackSpec(name=NAME, image=SPEC.image)
ONE_OF_EACH = {
    "vpc": 1,
    "subnet": 2,
    "internet-gateway": 1,
    "elastic-ip": 1,
    "natgateway": 1,
    "route-table": 3,  # the VPC brings its main one
    "security-group": 2,  # and its default one
    "network-interface": 1,  # the NAT gateway's
    "role": 5,
    "compute-environment": 1,
    "job-queue": 1,
    "job-definition": 1,
    "state-machine": 1,
    "schedule-group": 1,
    "schedule": 1,
    "log-group": 1,
    "lock": 2,
    "table": 1,
    "bucket": 1,
}
DELETES = [
    ("batch", "DeleteComputeEnvironment"),
    ("batch", "DeleteJobQueue"),
    ("batch", "DeregisterJobDefinition"),
    ("batch", "UpdateComputeEnvironment"),
    ("batch", "UpdateJobQueue"),
    ("dynamodb", "DeleteTable"),
    ("ec2", "DeleteInternetGateway"),
    ("ec2", "DeleteNatGateway"),
    ("ec2", "DeleteRouteTable"),
    ("ec2", "DeleteSecurityGroup"),
    ("ec2", "DeleteSubnet"),
    ("ec2", "DeleteVpc"),
    ("ec2", "DetachInternetGateway"),
    ("ec2", "DisassociateRouteTable"),
    ("ec2", "ReleaseAddress"),
    ("iam", "DeleteRole"),
    ("iam", "DeleteRolePolicy"),
    ("iam", "DetachRolePolicy"),
    ("logs", "DeleteLogGroup"),
    ("s3", "DeleteBucket"),
    ("scheduler", "DeleteSchedule"),
    ("scheduler", "DeleteScheduleGroup"),
    ("stepfunctions", "DeleteStateMachine"),
]
"""All that takes a stack down."""


def make(aws: StrictAws, spec: StackSpec = SPEC, by: Process | None = None, **how: Any) -> Stack:
    """
    Ensure the stack, as the process *by*.
    """
    return ensure_stack(spec, session=(by or aws.first).session, clock=aws.clock, **how)


def destroy(aws: StrictAws, by: Process | None = None, **how: Any) -> Teardown:
    """
    Destroy the stack, its data too, as the process *by*.
    """
    how = {"delete_data": True, **how}
    return destroy_stack(NAME, session=(by or aws.first).session, clock=aws.clock, **how)


def counts(aws: StrictAws, before: dict[str, Any]) -> dict[str, int]:
    """
    How many of each kind there are that were not there *before*.
    """
    new = aws.snapshot().keys() - before.keys()
    return dict(Counter("lock" if "/locks/" in key else key.partition("/")[0] for key in new))


def check_one_of_each(
    aws: StrictAws, before: dict[str, Any], wanted: dict[str, int] | None = None
) -> None:
    """
    Assert that the stack is there once, and that ensuring it again changes nothing.
    """
    assert counts(aws, before) == (wanted or ONE_OF_EACH)
    with unchanged(aws):
        make(aws, by=aws.another())


def operations(calls: list[Record]) -> list[str]:
    """
    The names of the *calls*.
    """
    return [call.operation for call in calls]


@contextmanager
def unchanged(aws: StrictAws) -> Iterator[None]:
    """
    Assert that nothing is changed meanwhile.
    """
    start = len(aws.mutations)
    yield
    assert operations(aws.mutations[start:]) == []


@contextmanager
def new_mutations(aws: StrictAws) -> Iterator[list[Record]]:
    """
    A list that holds, in the end, what was changed meanwhile.
    """
    start = len(aws.mutations)
    found: list[Record] = []
    yield found
    found += aws.mutations[start:]


def crashing(aws: StrictAws, run: Any, after: int) -> bool:
    """
    Whether *run*, which is given a process, crashes as that has changed *after* things.
    """
    process = aws.another()
    process.crash_after(after)
    try:
        run(process)
    except Crash:
        return True
    return process.crashed


def failed(error: pytest.ExceptionInfo[Any]) -> dict[str, Exception]:
    """
    What a stack's error says has failed.
    """
    return dict(error.value.failed)
