"""
What the tests share: refusals, policies, and what an account has had for long.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from .simulator import StrictAws

SERVICE_POLICY = "arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole"


class NetworkIds(NamedTuple):
    """
    The ids of a network that has been there for long.
    """

    vpc: str
    subnet: str
    group: str


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    """
    The code and the message that *call* is refused with.
    """
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def code_of(call: Callable[..., Any], **params: Any) -> str:
    """
    The code that *call* is refused with.
    """
    return refusal(call, **params)[0]


def tagged(kind: str) -> list[dict[str, Any]]:
    """
    The tags that EC2 takes at a creation.
    """
    return [{"ResourceType": kind, "Tags": [{"Key": "team", "Value": "blue"}]}]


def trust(service: str) -> str:
    """
    A trust policy for one service.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allowing(*actions: str) -> str:
    """
    A policy that allows *actions* on everything.
    """
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def old_role(aws: StrictAws, name: str, service: str, *actions: str) -> str:
    """
    The ARN of a role that has been there for long.
    """
    iam = aws.raw.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
    if actions:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=allowing(*actions))
    return str(role["Role"]["Arn"])


def old_network(aws: StrictAws) -> NetworkIds:
    """
    A network that has been there for long.
    """
    ec2 = aws.raw.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)
    return NetworkIds(vpc, subnet, group["GroupId"])


def old_gateway(aws: StrictAws, vpc: str) -> str:
    """
    An internet gateway that has been attached for long.
    """
    ec2 = aws.raw.client("ec2")
    id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=id, VpcId=vpc)
    return str(id)


def old_address(aws: StrictAws) -> str:
    """
    An elastic address that has been there for long.
    """
    return str(aws.raw.client("ec2").allocate_address(Domain="vpc")["AllocationId"])
