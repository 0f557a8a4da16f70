"""
What isn't the stack's and stands in its network: AWS deletes nothing in which it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

from batchkit._model.calls import Operation
from batchkit._model.reader import Reader
from batchkit._model.tags import owner, parse

INTERFACES: Final = Operation("ec2", "DescribeNetworkInterfaces", wide=True)
INSTANCES: Final = Operation("ec2", "DescribeInstances", wide=True)
# The interface of a Fargate task is described by its attachment in ECS; those of NAT gateways and
# endpoints go with these, which are named themselves
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html).
_OF_A_TASK: Final = re.compile(r"arn:[\w-]+:ecs:")
_WITH_ITS_OWNER: Final = {"nat_gateway", "vpc_endpoint", "gateway_load_balancer_endpoint"}
_OF_BATCH: Final = "AWSBatchServiceTag"
"""The tag that Batch gives to its instances."""
_ENDING: Final = {"shutting-down", "terminated"}


@frozen
class Part:
    """
    A type of things in a VPC, as *operation* describes them: *listed* in its answer, with an *id*.
    """

    operation: Operation
    listed: str
    id: str
    word: str
    by: str = "vpc-id"
    parameter: str = "Filters"
    counts: Callable[[Mapping[str, Any]], bool] = lambda one: True


# A VPC is made with a security group and a route table that go with it.
PARTS: Final = (
    Part(Operation("ec2", "DescribeSubnets", wide=True), "Subnets", "SubnetId", "subnet"),
    Part(
        Operation("ec2", "DescribeSecurityGroups", wide=True),
        *("SecurityGroups", "GroupId", "security group"),
        counts=lambda one: bool(one["GroupName"] != "default"),
    ),
    Part(
        Operation("ec2", "DescribeRouteTables", wide=True),
        *("RouteTables", "RouteTableId", "route table"),
        counts=lambda one: not any(each.get("Main") for each in one.get("Associations", ())),
    ),
    Part(
        Operation("ec2", "DescribeNatGateways", wide=True),
        *("NatGateways", "NatGatewayId", "NAT gateway"),
        parameter="Filter",
        counts=lambda one: one["State"] in ("pending", "available"),
    ),
    Part(
        Operation("ec2", "DescribeInternetGateways", wide=True),
        *("InternetGateways", "InternetGatewayId", "internet gateway"),
        by="attachment.vpc-id",
    ),
    Part(
        Operation("ec2", "DescribeVpcEndpoints", wide=True),
        *("VpcEndpoints", "VpcEndpointId", "endpoint"),
        counts=lambda one: str(one["State"]).lower() not in ("deleting", "deleted"),
    ),
)
"""All that may be in a VPC, but for network interfaces."""


def _by(name: str, value: object) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]


def parts(reader: Reader, vpc: str, stack: str) -> list[str]:
    """
    What is in *vpc* and isn't the stack's, in words.
    """
    calls = [one.operation(**{one.parameter: _by(one.by, vpc)}) for one in PARTS]
    return [
        f"the {part.word} {one[part.id]}"
        for part, answer in zip(PARTS, reader.all(*calls), strict=True)
        for one in answer[part.listed]
        if part.counts(one) and owner(parse(one.get("Tags"))) != stack
    ]


def interfaces(
    reader: Reader, name: str, value: object, stack: str, *, public: bool = False
) -> list[str]:
    """
    The network interfaces that don't go by themselves, in words; or only those that are *public*.
    """
    listed = reader(INTERFACES(Filters=_by(name, value)))["NetworkInterfaces"]
    counted = (one for one in listed if not public or "Association" in one)
    staying = [one for one in counted if not _goes(one) and not _is_of(one, stack)]
    attached = {(one.get("Attachment") or {}).get("InstanceId") for one in staying} - {None}
    ending = _ending(reader, attached) if attached else set()
    return [
        _named(one)
        for one in staying
        if (one.get("Attachment") or {}).get("InstanceId") not in ending
    ]


def _is_of(interface: Mapping[str, Any], stack: str) -> bool:
    return owner(parse(interface.get("TagSet"))) == stack


def _goes(interface: Mapping[str, Any]) -> bool:
    described = _OF_A_TASK.match(interface.get("Description", ""))
    return bool(described) or interface.get("InterfaceType") in _WITH_ITS_OWNER


def _ending(reader: Reader, ids: set[Any]) -> set[str]:
    """
    Those of the instances *ids* that are Batch's, which ends them, or on their way out.
    """
    answer = reader(INSTANCES(Filters=[{"Name": "instance-id", "Values": sorted(ids)}]))
    instances = [one for group in answer["Reservations"] for one in group["Instances"]]
    return {
        one["InstanceId"]
        for one in instances
        if _OF_BATCH in parse(one.get("Tags")) or one["State"]["Name"] in _ENDING
    }


def _named(interface: Mapping[str, Any]) -> str:
    instance = (interface.get("Attachment") or {}).get("InstanceId")
    about = f"of the instance {instance}" if instance else interface.get("Description", "")
    name = f"the network interface {interface['NetworkInterfaceId']}"
    return f"{name} ({about})" if about else name
