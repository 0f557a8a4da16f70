"""
Rule 106: what can't be deleted stops its own branch only, is named, and goes with the next run.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from batchkit import Stack
from batchkit.errors import AccessDenied, StillWaiting, TeardownError

from .simulator import StrictAws
from .stacks import counts, destroy, failed, make

KINDS = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "InternetGateway": "internet-gateway",
    "ElasticIp": "elastic-ip",
    "NatGateway": "natgateway",
    "RouteTable": "route-table",
    "SecurityGroup": "security-group",
    "Role": "role",
    "ComputeEnvironment": "compute-environment",
    "JobQueue": "job-queue",
    "JobDefinition": "job-definition",
    "StateMachine": "state-machine",
    "ScheduleGroup": "schedule-group",
    "Schedule": "schedule",
    "LogGroup": "log-group",
    "Table": "table",
    "Bucket": "bucket",
}
LOCKS = "/locks/"
CHAINS = {
    "batch": [
        ("scheduler:DeleteSchedule", "Schedule"),
        ("states:DeleteStateMachine", "StateMachine"),
        ("batch:UpdateJobQueue", "JobQueue"),
        ("batch:DeleteJobQueue", "JobQueue"),
        ("batch:UpdateComputeEnvironment", "ComputeEnvironment"),
        ("batch:DeleteComputeEnvironment", "ComputeEnvironment"),
        ("iam:DetachRolePolicy", "Role"),
        ("iam:DeleteRolePolicy", "Role"),
        ("iam:DeleteRole", "Role"),
    ],
    "network": [
        ("ec2:DisassociateRouteTable", "RouteTable"),
        ("ec2:DeleteRouteTable", "RouteTable"),
        ("ec2:DeleteNatGateway", "NatGateway"),
        ("ec2:ReleaseAddress", "ElasticIp"),
        ("ec2:DetachInternetGateway", "InternetGateway"),
        ("ec2:DeleteInternetGateway", "InternetGateway"),
        ("ec2:DeleteSecurityGroup", "SecurityGroup"),
        ("ec2:DeleteSubnet", "Subnet"),
        ("ec2:DeleteVpc", "Vpc"),
    ],
    "others": [
        ("scheduler:DeleteScheduleGroup", "ScheduleGroup"),
        ("batch:DeregisterJobDefinition", "JobDefinition"),
        ("logs:DeleteLogGroup", "LogGroup"),
        ("dynamodb:DeleteTable", "Table"),
        ("s3:DeleteBucket", "Bucket"),
    ],
}
GONE = {
    "batch": {"natgateway", "elastic-ip", "internet-gateway", "route-table", "table", "bucket"},
    "network": {"compute-environment", "job-queue", "state-machine", "role", "log-group", "bucket"},
    "others": {"vpc", "natgateway", "elastic-ip", "compute-environment", "job-queue"},
}
"""What is not below anything in the chain: it is gone after the first run."""


def left(aws: StrictAws, before: dict[str, Any]) -> dict[str, int]:
    """
    How many of each kind are left, without what comes and goes with another.
    """
    found = counts(aws, before)
    for brought in ("route-table", "security-group"):  # each VPC brings one
        found[brought] = found.get(brought, 0) - found.get("vpc", 0)
    found = {kind: n for kind, n in found.items() if kind not in ("network-interface", "lock")}
    return {kind: number for kind, number in found.items() if number}


def named(error: TeardownError) -> dict[str, int]:
    """
    How many of each kind the error names as left.
    """
    names = [name for name, _ in error.failed if LOCKS not in name] + list(error.not_started)
    return dict(Counter(KINDS[name.split()[0]] for name in names))


@pytest.mark.parametrize("chain", CHAINS)
def test_one_kind_of_deletion_is_denied(chain: str) -> None:
    """
    For each kind of deletion: it is denied, the error names all that is left, why, and what to
    allow; the rest is gone.  The next run goes on, up to the next that is denied.
    """
    with StrictAws(seed=4) as aws:
        before = aws.snapshot()
        make(aws)
        for action, _ in CHAINS[chain]:
            aws.deny(action)
        for action, kind in CHAINS[chain]:
            denied_alone(aws, action, kind, before)
            assert not GONE[chain] & left(aws, before).keys()
            aws.allow(action)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def denied_alone(aws: StrictAws, action: str, kind: str, before: dict[str, Any]) -> None:
    """
    Destroy it while *action* is the next that is denied.
    """
    with pytest.raises(TeardownError) as raised:
        destroy(aws, by=aws.another())
    causes = {name: error for name, error in failed(raised).items() if name.startswith(f"{kind} ")}
    assert causes
    for error in causes.values():
        assert isinstance(error, AccessDenied)
        assert error.statement is not None
    assert any(action in str(error) for error in causes.values())
    assert all(str(error) in str(raised.value) for error in causes.values())
    assert named(raised.value) == left(aws, before)
    if "compute-environment" in left(aws, before):
        assert "films_batch-us-east-1" in str(raised.value)


@pytest.mark.parametrize("timeout", [None, 300])
def test_a_network_interface_of_others_holds_it(timeout: float | None) -> None:
    """
    A network interface of another service in the private subnet: the rest is deleted, the error
    says at once which interface it is, as waiting doesn't help.
    """
    with StrictAws(seed=9) as aws:
        before = aws.snapshot()
        subnet, group = ids(make(aws))
        interface = aws.foreign_interface(subnet, [group], seconds=3000)
        began = aws.clock.monotonic()
        with pytest.raises(TeardownError) as raised:
            destroy(aws, by=aws.another(), timeout=timeout)
        assert aws.clock.monotonic() - began <= 300
        causes = failed(raised)
        assert set(causes) == {"Subnet films_private-a", "SecurityGroup films_jobs"}
        for error in causes.values():
            assert interface in str(error) and "AWS Lambda VPC ENI-somebody-else" in str(error)
            assert not isinstance(error, StillWaiting)
        assert raised.value.not_started == ("Vpc films",)
        assert left(aws, before) == {"subnet": 1, "security-group": 1, "vpc": 1}
        aws.clock.advance(3000)
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before


def ids(stack: Stack) -> tuple[str, str]:
    """
    The private subnet's and the security group's ids.
    """
    outputs = stack.outputs
    return outputs["Subnet films_private-a"], outputs["SecurityGroup films_jobs"]
