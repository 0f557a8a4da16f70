"""
What AWS authorises for the calls of EC2: what is made, what it is made in, and what is changed.

Each resource has condition keys of its own: a tag that is asked for belongs to what is made, a tag
that is there to what has it
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from .evaluation import AccessRequest, Context

MADE = {
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "CreateSecurityGroup": "security-group",
    "CreateInternetGateway": "internet-gateway",
    "AllocateAddress": "elastic-ip",
    "CreateNatGateway": "natgateway",
    "CreateRouteTable": "route-table",
    "CreateLaunchTemplate": "launch-template",
}
CHANGED = {
    "CreateSubnet": ("VpcId",),
    "CreateSecurityGroup": ("VpcId",),
    "CreateNatGateway": ("SubnetId", "AllocationId"),
    "CreateRouteTable": ("VpcId",),
    "ModifyVpcAttribute": ("VpcId",),
    "DescribeVpcAttribute": ("VpcId",),
    "AttachInternetGateway": ("InternetGatewayId", "VpcId"),
    "DetachInternetGateway": ("InternetGatewayId", "VpcId"),
    "AssociateRouteTable": ("RouteTableId", "SubnetId"),
    "CreateRoute": ("RouteTableId",),
    "ReplaceRoute": ("RouteTableId",),
    "DeleteRoute": ("RouteTableId",),
    "AuthorizeSecurityGroupEgress": ("GroupId",),
    "RevokeSecurityGroupEgress": ("GroupId",),
    "DeleteVpc": ("VpcId",),
    "DeleteSubnet": ("SubnetId",),
    "DeleteSecurityGroup": ("GroupId",),
    "DeleteInternetGateway": ("InternetGatewayId",),
    "DeleteNatGateway": ("NatGatewayId",),
    "DeleteRouteTable": ("RouteTableId",),
    "ReleaseAddress": ("AllocationId",),
    "DeleteLaunchTemplate": ("LaunchTemplateId",),
}
ASSOCIATED = {"DisassociateRouteTable", "ReplaceRouteTableAssociation"}
TYPES = {
    "vpc": "vpc",
    "subnet": "subnet",
    "sg": "security-group",
    "igw": "internet-gateway",
    "eipalloc": "elastic-ip",
    "nat": "natgateway",
    "rtb": "route-table",
    "lt": "launch-template",
}


def ec2_requests(call: ApiCall) -> Iterator[AccessRequest]:
    """
    What AWS authorises for a call of EC2.
    """
    action = f"ec2:{call.operation}"
    if call.operation in MADE:
        yield from _made(call, action, MADE[call.operation])
    ids = [call.params[key] for key in CHANGED.get(call.operation, ())]
    if call.operation == "DeleteTags":
        ids += call.params["Resources"]
    if call.operation in ASSOCIATED:
        ids += _associated(call)
    if call.operation == "CreateTags":
        asked = _asked(call.params["Tags"])
        for id in call.params["Resources"]:
            yield AccessRequest(action, _arn(call, id), (*asked, *_there(call.account, id)))
        return
    for id in ids:
        yield AccessRequest(action, _arn(call, id), _there(call.account, id))
    if call.operation not in {*MADE, *ASSOCIATED} and not ids:
        assert call.operation.startswith("Describe"), f"not known: {action}"
        yield AccessRequest(action, "*")


def _made(call: ApiCall, action: str, type: str) -> Iterator[AccessRequest]:
    arn = f"arn:{call.account.partition}:ec2:{call.region}:{call.account.id}:{type}/*"
    specifications: list[Mapping[str, Any]] = call.params.get("TagSpecifications", [])
    tags = [tag for one in specifications for tag in one["Tags"]]
    yield AccessRequest(action, arn, _asked(tags))
    if tags:
        by = ("ec2:CreateAction", call.operation)
        yield AccessRequest("ec2:CreateTags", arn, (*_asked(tags), by))


def _associated(call: ApiCall) -> list[str]:
    """
    The ids of a subnet and its route table, and of the table that takes that one's place.

    Of an association that isn't there, nothing is known that a request could be authorised on.
    """
    found = call.account.raw("ec2").describe_route_tables()["RouteTables"]
    ids = [
        id
        for table in found
        for one in table.get("Associations", ())
        if one["RouteTableAssociationId"] == call.params["AssociationId"]
        for id in (table["RouteTableId"], one.get("SubnetId"))
        if id
    ]
    new = call.params.get("RouteTableId")
    return [*ids, new] if new else ids


def _arn(call: ApiCall, id: str) -> str:
    type = TYPES[id.partition("-")[0]]
    return f"arn:{call.account.partition}:ec2:{call.region}:{call.account.id}:{type}/{id}"


def _asked(tags: list[Mapping[str, str]]) -> Context:
    return tuple((f"aws:RequestTag/{tag['Key']}", tag["Value"]) for tag in tags)


def _there(account: Account, id: str) -> Context:
    wanted = [{"Name": "resource-id", "Values": [id]}]
    tags = account.raw("ec2").describe_tags(Filters=wanted)["Tags"]
    return tuple((f"aws:ResourceTag/{tag['Key']}", tag["Value"]) for tag in tags)
