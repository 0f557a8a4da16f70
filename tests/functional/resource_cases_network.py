"""
The kinds of a network.
"""

from __future__ import annotations

from typing import Any

from account_fixture import STACK, TAGS, AccountFixture
from batchkit import (
    ElasticIp,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from batchkit._model.tags import SETTLED
from resource_cases import Act, ResourceCase, drift

COMMON: dict[str, Any] = {"name": STACK, "stack": STACK, "tags": TAGS}
CLOSED = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def untag(there: AccountFixture, actual: Any) -> None:
    there.ec2.delete_tags(Resources=[actual.id], Tags=[{"Key": "team"}])


def unsettle(there: AccountFixture, actual: Any) -> None:
    there.ec2.delete_tags(Resources=[actual.id], Tags=[{"Key": SETTLED}])


def move(there: AccountFixture, actual: Any) -> None:
    """
    Somebody makes the subnet again, in another zone.
    """
    there.ec2.delete_subnet(SubnetId=actual.id)
    there.ec2.create_subnet(
        VpcId=actual.vpc,
        CidrBlock=actual.cidr,
        AvailabilityZone="us-east-1c",
        TagSpecifications=actual.tagging(),
    )


TAGS_LOST = {"tags": drift(untag, "CreateTags")}


def attribute(name: str) -> Act:
    return lambda there, actual: there.ec2.modify_vpc_attribute(
        VpcId=actual.id, **{name: {"Value": False}}
    )


def close(there: AccountFixture, actual: Any) -> None:
    there.ec2.revoke_security_group_egress(GroupId=actual.id, IpPermissions=CLOSED)


def detach(there: AccountFixture, actual: Any) -> None:
    there.ec2.detach_internet_gateway(InternetGatewayId=actual.id, VpcId=actual.vpc)


def disassociate(there: AccountFixture, actual: Any) -> None:
    (association,) = actual.associations.values()
    there.ec2.disassociate_route_table(AssociationId=association)


def nat(there: AccountFixture) -> NatGateway:
    subnet = there.subnet(there.vpc())
    return NatGateway(subnet=subnet, address=there.address(), **COMMON)


def table(there: AccountFixture) -> RouteTable:
    vpc = there.vpc()
    return RouteTable(vpc=vpc, subnets=[there.subnet(vpc)], **COMMON)


def out(there: AccountFixture) -> Route:
    vpc = there.vpc()
    made: Any = there.ensure(RouteTable(vpc=vpc, **COMMON))
    gateway = there.gateway(vpc)
    return Route(name=STACK, table=made.id, internet_gateway=gateway)


def through(there: AccountFixture) -> Route:
    vpc = there.vpc()
    made: Any = there.ensure(RouteTable(vpc=vpc, **COMMON))
    return Route(name=STACK, table=made.id, nat_gateway=there.nat(vpc))


def to_gateway(there: AccountFixture, actual: Any) -> None:
    vpc = there.ec2.describe_route_tables(RouteTableIds=[actual.table])["RouteTables"][0]["VpcId"]
    gateways = there.ec2.describe_internet_gateways(
        Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}]
    )["InternetGateways"]
    gateway = gateways[0]["InternetGatewayId"] if gateways else there.gateway(vpc)
    _route(there, actual, GatewayId=gateway)


def to_nat(there: AccountFixture, actual: Any) -> None:
    vpc = there.ec2.describe_route_tables(RouteTableIds=[actual.table])["RouteTables"][0]["VpcId"]
    _route(there, actual, NatGatewayId=there.nat(vpc, "10.9.7.0/24"))


def _route(there: AccountFixture, actual: Any, **target: str) -> None:
    where = {"RouteTableId": actual.table, "DestinationCidrBlock": "0.0.0.0/0"}
    there.ec2.delete_route(**where)
    there.ec2.create_route(**where, **target)


CASES = {
    "Vpc": ResourceCase(
        lambda there: Vpc(cidr="10.1.0.0/16", **COMMON),
        ("CreateVpc", "CreateLogGroup", "ModifyVpcAttribute"),
        ("DeleteLogGroup", "DeleteVpc"),
        {
            "dns_support": drift(attribute("EnableDnsSupport"), "ModifyVpcAttribute"),
            "dns_hostnames": drift(
                attribute("EnableDnsHostnames"), "CreateLogGroup", "ModifyVpcAttribute"
            ),
            **TAGS_LOST,
        },
        {"cidr": "10.2.0.0/16"},
    ),
    "Subnet": ResourceCase(
        lambda there: Subnet(vpc=there.vpc(), cidr="10.9.2.0/24", zone="us-east-1b", **COMMON),
        ("CreateSubnet",),
        ("DeleteSubnet",),
        {"zone": drift(move, "DeleteSubnet", "CreateSubnet"), **TAGS_LOST},
        {"vpc": "vpc-0f", "cidr": "10.9.3.0/24"},
    ),
    "SecurityGroup": ResourceCase(
        lambda there: SecurityGroup(vpc=there.vpc(), **COMMON),
        ("CreateSecurityGroup",),
        ("DeleteSecurityGroup",),
        {"egress": drift(close, "AuthorizeSecurityGroupEgress"), **TAGS_LOST},
        {"vpc": "vpc-0f", "description": "another"},
    ),
    "InternetGateway": ResourceCase(
        lambda there: InternetGateway(vpc=there.vpc(), **COMMON),
        ("CreateInternetGateway", "AttachInternetGateway"),
        ("DetachInternetGateway", "DeleteInternetGateway"),
        {"vpc": drift(detach, "AttachInternetGateway"), **TAGS_LOST},
    ),
    "ElasticIp": ResourceCase(
        lambda there: ElasticIp(**COMMON),
        ("AllocateAddress", "CreateLogGroup", "CreateTags"),
        ("DeleteLogGroup", "ReleaseAddress"),
        {"settled": drift(unsettle, "CreateLogGroup", "CreateTags"), **TAGS_LOST},
    ),
    "NatGateway": ResourceCase(
        nat,
        ("CreateNatGateway",),
        ("DeleteNatGateway",),
        TAGS_LOST,
        {"subnet": "subnet-0f", "address": "eipalloc-0f"},
    ),
    "RouteTable": ResourceCase(
        table,
        ("CreateRouteTable", "AssociateRouteTable"),
        ("DisassociateRouteTable", "DeleteRouteTable"),
        {"subnets": drift(disassociate, "AssociateRouteTable"), **TAGS_LOST},
        {"vpc": "vpc-0f"},
    ),
    "Route to the internet": ResourceCase(
        out,
        ("CreateRoute",),
        ("DeleteRoute",),
        {"internet_gateway": drift(to_nat, "ReplaceRoute", besides=("nat_gateway",))},
        {"table": "rtb-0f"},
        lists=False,
    ),
    "Route through NAT": ResourceCase(
        through,
        ("CreateRoute",),
        ("DeleteRoute",),
        {"nat_gateway": drift(to_gateway, "ReplaceRoute", besides=("internet_gateway",))},
        {"table": "rtb-0f"},
        lists=False,
    ),
}
