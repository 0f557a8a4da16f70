"""
Faults put in on purpose: errors, lost answers, throttling, permissions, crashes.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from ..helpers import code_of, old_role, refusal, tagged
from ..simulator import Crash, StrictAws

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"})
VPC = {"CidrBlock": "10.1.0.0/16", "TagSpecifications": tagged("vpc")}


def vpcs(aws: StrictAws) -> int:
    """
    How many VPCs there are besides the default one.
    """
    return len(aws.raw.client("ec2").describe_vpcs()["Vpcs"]) - 1


def test_a_failure_happens_as_often_as_asked(strict_aws: StrictAws) -> None:
    """
    The error is answered *times* times, for the parameters wanted, without effect.
    """
    ec2 = strict_aws.session.client("ec2")
    strict_aws.fail(
        "ec2",
        "CreateVpc",
        "VpcLimitExceeded",
        "no more",
        times=2,
        when=lambda params: params["CidrBlock"] == "10.1.0.0/16",
    )
    ec2.create_vpc(CidrBlock="10.2.0.0/16")
    for _ in range(2):
        assert refusal(ec2.create_vpc, **VPC) == ("VpcLimitExceeded", "no more")
    ec2.create_vpc(**VPC)
    assert vpcs(strict_aws) == 2


@pytest.mark.rule(8)
def test_a_lost_answer_has_an_effect(strict_aws: StrictAws) -> None:
    """
    After a 5xx and after a time-out the VPC is there.
    """
    ec2 = strict_aws.session.client("ec2", config=ONCE)
    strict_aws.ambiguous("ec2", "CreateVpc")
    assert code_of(ec2.create_vpc, **VPC) == "ServiceUnavailable"
    strict_aws.ambiguous("ec2", "CreateVpc", "timeout")
    with pytest.raises(ReadTimeoutError):
        ec2.create_vpc(**VPC)
    assert vpcs(strict_aws) == 2


@pytest.mark.rule(8)
def test_a_blind_retry_doubles(strict_aws: StrictAws) -> None:
    """
    A client with botocore's usual retries repeats a create whose answer was lost.
    """
    strict_aws.ambiguous("ec2", "CreateVpc")
    strict_aws.session.client("ec2").create_vpc(**VPC)
    assert vpcs(strict_aws) == 2


@pytest.mark.rule(7)
def test_throttling_is_retried_on_simulated_time(strict_aws: StrictAws) -> None:
    """
    The client's own attempts are used up, and simulated time passes between them.
    """
    patient = Config(retries={"max_attempts": 8, "mode": "standard"})
    strict_aws.throttle(times=8)
    strict_aws.session.client("iam", config=patient).list_roles()
    assert [c.error for c in strict_aws.calls] == ["Throttling"] * 8 + [""]
    strict_aws.throttle("batch", times=9)
    hasty = strict_aws.session.client("batch", config=ONCE)
    assert code_of(hasty.describe_job_queues) == "TooManyRequestsException"
    assert strict_aws.clock.monotonic() > 10


@pytest.mark.parametrize(
    ("service", "call", "action", "code"),
    [
        ("ec2", "describe_vpcs", "ec2:DescribeVpcs", "UnauthorizedOperation"),
        ("iam", "list_roles", "iam:ListRoles", "AccessDenied"),
        ("batch", "describe_job_queues", "batch:DescribeJobQueues", "AccessDeniedException"),
        (
            "stepfunctions",
            "list_state_machines",
            "states:ListStateMachines",
            "AccessDeniedException",
        ),
    ],
)
def test_a_permission_may_be_missing(
    strict_aws: StrictAws, service: str, call: str, action: str, code: str
) -> None:
    """
    The service says so in its own code, naming the action; given back, the call works.
    """
    make: Any = strict_aws.session.client
    ask = getattr(make(service), call)
    strict_aws.deny(action)
    refused, message = refusal(ask)
    assert refused == code and action in message
    strict_aws.allow(action)
    ask()


def test_permissions_to_tag_and_to_pass_count(strict_aws: StrictAws) -> None:
    """
    A create with tags needs the permission to tag, one with a role that to pass it.
    """
    ec2, states = (strict_aws.session.client(each) for each in ("ec2", "stepfunctions"))
    strict_aws.deny("ec2:CreateTags")
    strict_aws.deny("iam:PassRole")
    role = old_role(strict_aws, "own", "states.amazonaws.com")
    assert code_of(ec2.create_vpc, **VPC) == "UnauthorizedOperation"
    ec2.create_vpc(CidrBlock="10.2.0.0/16")
    made = code_of(states.create_state_machine, name="x", definition="{}", roleArn=role)
    assert made == "AccessDeniedException"


def test_a_process_dies_after_a_change(strict_aws: StrictAws) -> None:
    """
    The second change takes effect, is not answered, and nothing of that session works any more.
    """
    ec2 = strict_aws.session.client("ec2")
    strict_aws.crash_after(2)
    ec2.create_vpc(**VPC)
    ec2.describe_vpcs()
    with pytest.raises(Crash):
        ec2.create_vpc(**VPC)
    with pytest.raises(Crash):
        strict_aws.session.client("iam").list_roles()
    assert vpcs(strict_aws) == 2
    again = strict_aws.another()
    again.session.client("ec2").describe_vpcs()
    assert [call.operation for call in again.calls] == ["DescribeVpcs"]
