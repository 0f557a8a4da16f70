"""
Probes of EC2: NAT gateways, routes and deleted VPCs.
"""

from __future__ import annotations

from typing import Any

from local_lab import Lab, Probes

PROBES = Probes()

TAGS = [{"Key": "stack", "Value": "mine"}]


def gateway(lab: Lab) -> str:
    igw = lab.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    lab.ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=lab.vpc)
    spec = [{"ResourceType": "elastic-ip", "Tags": TAGS}]
    address = lab.ec2.allocate_address(Domain="vpc", TagSpecifications=spec)
    made = lab.ec2.create_nat_gateway(
        SubnetId=lab.subnet,
        AllocationId=address["AllocationId"],
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": TAGS}],
    )
    return str(made["NatGateway"]["NatGatewayId"])


def found(lab: Lab, name: str, *values: str) -> list[str]:
    described = lab.ec2.describe_nat_gateways(Filter=[{"Name": name, "Values": list(values)}])
    return [one["NatGatewayId"] for one in described["NatGateways"]]


@PROBES("EC2Backend.describe_nat_gateways")
def gateways_are_found_by_their_tags(lab: Lab) -> None:
    nat = gateway(lab)
    assert found(lab, "tag:stack", "mine") == [nat]
    assert found(lab, "tag-key", "stack") == [nat]
    assert found(lab, "tag:stack", "other") == []
    assert found(lab, "state", "available") == [nat]


@PROBES("EC2Backend.describe_nat_gateways")
def an_unknown_gateway_is_not_found(lab: Lab) -> None:
    describe = lab.ec2.describe_nat_gateways
    lab.refused("NatGatewayNotFound", describe, NatGatewayIds=["nat-0123456789abcdef0"])


@PROBES("EC2Backend.create_nat_gateway")
def a_gateway_is_public_and_its_interface_is_its_own(lab: Lab) -> None:
    nat = gateway(lab)
    described = lab.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]
    assert (described["ConnectivityType"], described["Tags"]) == ("public", TAGS)
    interface = lab.ec2.describe_network_interfaces()["NetworkInterfaces"][0]
    assert (interface["InterfaceType"], interface["RequesterManaged"]) == ("nat_gateway", True)


@PROBES("EC2Backend.delete_nat_gateway")
def a_deleted_gateway_stays_listed_and_releases_its_address(lab: Lab) -> None:
    nat = gateway(lab)
    assert "AssociationId" in lab.ec2.describe_addresses()["Addresses"][0]
    lab.ec2.delete_nat_gateway(NatGatewayId=nat)
    assert found(lab, "state", "deleted") == found(lab, "tag:stack", "mine") == [nat]
    assert "AssociationId" not in lab.ec2.describe_addresses()["Addresses"][0]
    assert lab.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


@PROBES("EC2Backend.delete_nat_gateway")
def an_unknown_gateway_cannot_be_deleted(lab: Lab) -> None:
    delete = lab.ec2.delete_nat_gateway
    lab.refused("NatGatewayNotFound", delete, NatGatewayId="nat-0123456789abcdef0")


def states(lab: Lab, table: str) -> dict[str, str]:
    described = lab.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route["DestinationCidrBlock"]: route["State"] for route in described}


def routed(lab: Lab, **target: Any) -> str:
    table = lab.ec2.create_route_table(VpcId=lab.vpc)["RouteTable"]["RouteTableId"]
    lab.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
    return str(table)


@PROBES("Route.state")
def a_route_to_a_deleted_gateway_is_a_blackhole(lab: Lab) -> None:
    nat = gateway(lab)
    igw = lab.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    private, public = routed(lab, NatGatewayId=nat), routed(lab, GatewayId=igw)
    assert states(lab, private) == states(lab, public)
    assert set(states(lab, public).values()) == {"active"}
    lab.ec2.delete_nat_gateway(NatGatewayId=nat)
    lab.ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=lab.vpc)
    for table in (private, public):
        assert states(lab, table) == {"10.0.0.0/16": "active", "0.0.0.0/0": "blackhole"}


@PROBES("tags.EC2_PREFIX_TO_RESOURCE")
def tags_are_of_a_natgateway_and_an_elastic_ip(lab: Lab) -> None:
    gateway(lab)
    described = lab.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["stack"]}])["Tags"]
    assert {tag["ResourceType"] for tag in described} == {"natgateway", "elastic-ip"}


@PROBES("EC2Backend.delete_vpc")
def a_deleted_vpc_leaves_no_network_acl(lab: Lab) -> None:
    before = len(lab.ec2.describe_network_acls()["NetworkAcls"])
    lab.ec2.delete_vpc(VpcId=lab.vpc)
    assert len(lab.ec2.describe_network_acls()["NetworkAcls"]) == before


@PROBES("EC2Backend.describe_launch_templates")
def a_launch_template_is_described_with_its_tags(lab: Lab) -> None:
    made = lab.ec2.create_launch_template(
        LaunchTemplateName="theirs",
        LaunchTemplateData={},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": TAGS}],
    )
    id = made["LaunchTemplate"]["LaunchTemplateId"]
    lab.ec2.delete_tags(Resources=[id], Tags=TAGS)
    assert not lab.ec2.describe_launch_templates()["LaunchTemplates"][0].get("Tags")
    lab.ec2.create_tags(Resources=[id], Tags=TAGS)
    assert lab.ec2.describe_launch_templates()["LaunchTemplates"][0]["Tags"] == TAGS


@PROBES("EC2Backend.associate_route_table")
def a_subnet_uses_one_route_table(lab: Lab) -> None:
    tables = [lab.ec2.create_route_table(VpcId=lab.vpc)["RouteTable"] for _ in range(2)]
    first, second = (table["RouteTableId"] for table in tables)
    lab.ec2.associate_route_table(RouteTableId=first, SubnetId=lab.subnet)
    refused = {"RouteTableId": second, "SubnetId": lab.subnet}
    lab.refused("Resource.AlreadyAssociated", lab.ec2.associate_route_table, **refused)


@PROBES("EC2Backend.attach_internet_gateway")
def a_vpc_has_one_internet_gateway(lab: Lab) -> None:
    made = [lab.ec2.create_internet_gateway()["InternetGateway"] for _ in range(2)]
    first, second = (one["InternetGatewayId"] for one in made)
    lab.ec2.attach_internet_gateway(InternetGatewayId=first, VpcId=lab.vpc)
    refused = {"InternetGatewayId": second, "VpcId": lab.vpc}
    lab.refused("InvalidParameterValue", lab.ec2.attach_internet_gateway, **refused)


@PROBES("EC2Backend.delete_subnet")
def a_subnet_with_an_interface_is_not_deleted(lab: Lab) -> None:
    gateway(lab)
    lab.refused("DependencyViolation", lab.ec2.delete_subnet, SubnetId=lab.subnet)
