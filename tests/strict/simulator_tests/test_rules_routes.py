"""
Route tables, security groups, and network interfaces.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of, old_gateway, old_network, refusal
from ..simulator import StrictAws


def client(aws: StrictAws) -> Any:
    """
    A client under the rules.
    """
    return aws.session.client("ec2")


@pytest.mark.rule(32)
def test_a_destination_is_routed_once(strict_aws: StrictAws) -> None:
    """
    A second default route is refused; a destination is canonicalised; a missing one not replaced.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    gateway = old_gateway(strict_aws, net.vpc)
    table = strict_aws.raw.client("ec2").create_route_table(VpcId=net.vpc)["RouteTable"]
    route = {"RouteTableId": table["RouteTableId"], "GatewayId": gateway}
    ec2.create_route(**route, DestinationCidrBlock="0.0.0.0/0")
    twice = code_of(ec2.create_route, **route, DestinationCidrBlock="0.0.0.0/0")
    missing = code_of(ec2.replace_route, **route, DestinationCidrBlock="10.8.0.0/16")
    ec2.create_route(**route, DestinationCidrBlock="10.9.0.7/16")
    held = ec2.describe_route_tables(RouteTableIds=[table["RouteTableId"]])["RouteTables"][0]
    assert (twice, missing) == ("RouteAlreadyExists", "InvalidParameterValue")
    assert "10.9.0.0/16" in {route["DestinationCidrBlock"] for route in held["Routes"]}


@pytest.mark.rule(33)
def test_a_route_to_a_detached_gateway_is_a_blackhole(strict_aws: StrictAws) -> None:
    """
    A route is active while its gateway is attached, and a blackhole afterwards.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    gateway = old_gateway(strict_aws, net.vpc)
    table = strict_aws.raw.client("ec2").create_route_table(VpcId=net.vpc)["RouteTable"]
    id = table["RouteTableId"]
    ec2.create_route(RouteTableId=id, GatewayId=gateway, DestinationCidrBlock="0.0.0.0/0")

    def states() -> set[str]:
        held = ec2.describe_route_tables(RouteTableIds=[id])["RouteTables"][0]["Routes"]
        return {route["State"] for route in held}

    assert states() == {"active"}
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=net.vpc)
    assert states() == {"active", "blackhole"}


@pytest.mark.rule(34, 35)
def test_a_subnet_has_one_table_that_stays_while_it_has(strict_aws: StrictAws) -> None:
    """
    A second table for a subnet is refused, the same is not; a table with a subnet isn't deleted.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    raw = strict_aws.raw.client("ec2")
    one, two = (raw.create_route_table(VpcId=net.vpc)["RouteTable"] for _ in range(2))
    asked = {"RouteTableId": one["RouteTableId"], "SubnetId": net.subnet}
    association = ec2.associate_route_table(**asked)["AssociationId"]
    assert ec2.associate_route_table(**asked)["AssociationId"] == association
    other = {"RouteTableId": two["RouteTableId"], "SubnetId": net.subnet}
    assert code_of(ec2.associate_route_table, **other) == "Resource.AlreadyAssociated"
    delete = {"RouteTableId": one["RouteTableId"]}
    assert code_of(ec2.delete_route_table, **delete) == "DependencyViolation"
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(**delete)


@pytest.mark.rule(36)
@pytest.mark.parametrize(
    ("name", "description", "code"),
    [
        ("Tasks", "the same but for case", "InvalidGroup.Duplicate"),
        ("sg-tasks", "reserved", "InvalidParameterValue"),
        ("other", "an arrow \u2192", "InvalidParameterValue"),
    ],
)
def test_group_names_are_checked(
    strict_aws: StrictAws, name: str, description: str, code: str
) -> None:
    """
    A name that is taken or reserved, and a description with other characters, are refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    asked = {"GroupName": name, "Description": description, "VpcId": net.vpc}
    assert code_of(ec2.create_security_group, **asked) == code
    good = {"GroupName": "good", "Description": "fine", "VpcId": net.vpc}
    assert ec2.create_security_group(**good)["GroupId"]


@pytest.mark.rule(37, 38)
def test_rules_are_added_and_revoked_once(strict_aws: StrictAws) -> None:
    """
    The default egress rule can't be added again; once revoked it can't be revoked again.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    asked = {"GroupId": net.group, "IpPermissions": everywhere}
    code, message = refusal(ec2.authorize_security_group_egress, **asked)
    assert (code, "already exists" in message) == ("InvalidPermission.Duplicate", True)
    ec2.revoke_security_group_egress(**asked)
    again = code_of(ec2.revoke_security_group_egress, **asked)
    assert again == "InvalidPermission.NotFound"
    ec2.authorize_security_group_egress(**asked)


@pytest.mark.rule(39, 40, 41, 46)
def test_a_foreign_interface_blocks_until_it_is_gone(strict_aws: StrictAws) -> None:
    """
    Group, subnet and VPC stay while another service's interface is there, and it can't be deleted.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    id = strict_aws.foreign_interface(net.subnet, [net.group], seconds=600)
    shown = ec2.describe_network_interfaces(NetworkInterfaceIds=[id])["NetworkInterfaces"][0]
    assert (shown["InterfaceType"], shown["RequesterManaged"]) == ("lambda", True)
    deletes = [
        (ec2.delete_security_group, {"GroupId": net.group}),
        (ec2.delete_subnet, {"SubnetId": net.subnet}),
        (ec2.delete_vpc, {"VpcId": net.vpc}),
    ]
    assert {code_of(call, **params) for call, params in deletes} == {"DependencyViolation"}
    gone = code_of(ec2.delete_network_interface, NetworkInterfaceId=id)
    assert gone == "OperationNotPermitted"
    strict_aws.clock.sleep(601)
    for call, params in deletes:
        call(**params)


def test_the_default_group_is_never_deleted(strict_aws: StrictAws) -> None:
    """
    Deleting a VPC's default security group is refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    every = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [net.vpc]}])
    default = [g["GroupId"] for g in every["SecurityGroups"] if g["GroupName"] == "default"]
    assert code_of(ec2.delete_security_group, GroupId=default[0]) == "CannotDelete"
