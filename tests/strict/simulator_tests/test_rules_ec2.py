"""
The network, and what holds for every service and concerns EC2.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of, old_address, old_gateway, old_network, tagged
from ..simulator import StrictAws

BLOCK = {"CidrBlock": "10.1.0.0/16", "TagSpecifications": tagged("vpc")}


def client(aws: StrictAws) -> Any:
    """
    A client under the rules.
    """
    return aws.session.client("ec2")


def settled(aws: StrictAws) -> None:
    """
    Let every window for fresh things pass.
    """
    aws.clock.sleep(10)


@pytest.mark.rule(3)
def test_a_tag_in_a_second_call_fails_the_test(strict_aws: StrictAws) -> None:
    """
    Tagging one's own fresh resource in a second call raises AssertionError.
    """
    ec2 = client(strict_aws)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    settled(strict_aws)
    with pytest.raises(AssertionError, match="orphans"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])


def test_tags_may_be_added_to_what_was_tagged_or_is_old(strict_aws: StrictAws) -> None:
    """
    Tagging what was there before, or was tagged at its creation, is fine.
    """
    ec2 = client(strict_aws)
    vpc = ec2.create_vpc(**BLOCK)["Vpc"]["VpcId"]
    settled(strict_aws)
    ec2.create_tags(Resources=[vpc, old_address(strict_aws)], Tags=[{"Key": "a", "Value": "b"}])


@pytest.mark.rule(4)
def test_pages_hold_two(strict_aws: StrictAws) -> None:
    """
    With MaxResults EC2 answers two at a time, and the paginator finds all.
    """
    ec2 = client(strict_aws)
    page = ec2.describe_subnets(MaxResults=100)
    pages = ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 50})
    assert len(page["Subnets"]) == 2 and page["NextToken"]
    assert len(pages.build_full_result()["Subnets"]) == len(ec2.describe_subnets()["Subnets"]) > 2


@pytest.mark.rule(5)
def test_a_fresh_id_is_not_found_at_first() -> None:
    """
    For some seed the first call that names a new VPC is refused; after three seconds none is.
    """
    codes = set()
    for seed in range(4):
        with StrictAws(seed=seed) as aws:
            ec2 = client(aws)
            vpc = ec2.create_vpc(**BLOCK)["Vpc"]["VpcId"]
            try:
                ec2.describe_vpcs(VpcIds=[vpc])
            except ec2.exceptions.ClientError as error:
                codes.add(error.response["Error"]["Code"])
                assert aws.hits[5] == 1
            aws.clock.sleep(3)
            assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert codes == {"InvalidVpcID.NotFound"}


@pytest.mark.rule(131)
def test_tagging_a_fresh_address_says_elastic_ip() -> None:
    """
    For some seed CreateTags calls a new address an elastic IP that isn't found.
    """
    codes = set()
    for seed in range(6):
        with StrictAws(seed=seed) as aws:
            ec2 = client(aws)
            specs = tagged("elastic-ip")
            address = ec2.allocate_address(Domain="vpc", TagSpecifications=specs)["AllocationId"]
            try:
                ec2.create_tags(Resources=[address], Tags=[{"Key": "a", "Value": "b"}])
            except ec2.exceptions.ClientError as error:
                codes.add(error.response["Error"]["Code"])
                assert aws.hits[131] == 1
    assert codes == {"InvalidElasticIpID.NotFound"}


@pytest.mark.rule(6)
def test_a_tag_filter_does_not_see_what_is_fresh() -> None:
    """
    For some seed a new VPC is not found by its tag, after three seconds it always is.
    """
    blue = [{"Name": "tag:team", "Values": ["blue"]}]
    early = []
    for seed in range(6):
        with StrictAws(seed=seed) as aws:
            ec2 = client(aws)
            ec2.create_vpc(**BLOCK)
            early.append(len(ec2.describe_vpcs(Filters=blue)["Vpcs"]))
            assert aws.hits[6] == 1 - early[-1]
            aws.clock.sleep(3)
            assert len(ec2.describe_vpcs(Filters=blue)["Vpcs"]) == 1
    assert 0 in early


@pytest.mark.rule(9)
def test_a_token_gives_the_same_gateway_or_is_refused(strict_aws: StrictAws) -> None:
    """
    The same token with the same parameters makes one route table, with others it is refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    plain = {"VpcId": net.vpc, "ClientToken": "t1"}
    asked = {**plain, "TagSpecifications": tagged("route-table")}
    first = ec2.create_route_table(**asked)["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(**asked)["RouteTable"]["RouteTableId"] == first
    assert code_of(ec2.create_route_table, **plain) == "IdempotentParameterMismatch"


@pytest.mark.rule(11)
def test_a_vpc_is_pending_for_two_seconds(strict_aws: StrictAws) -> None:
    """
    A VPC says pending at its creation and available two seconds later.
    """
    ec2 = client(strict_aws)
    made = ec2.create_vpc(**BLOCK)["Vpc"]
    strict_aws.clock.sleep(3)
    assert made["State"] == "pending"
    assert ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"][0]["State"] == "available"


@pytest.mark.rule(12)
def test_the_sixth_vpc_is_refused(strict_aws: StrictAws) -> None:
    """
    Five VPCs are in a region, the default one among them, and no more.
    """
    ec2 = client(strict_aws)
    for number in range(4):
        ec2.create_vpc(**{**BLOCK, "CidrBlock": f"10.{number}.0.0/16"})
    assert code_of(ec2.create_vpc, **BLOCK) == "VpcLimitExceeded"


@pytest.mark.rule(13)
def test_a_cidr_is_canonicalised_and_bounded(strict_aws: StrictAws) -> None:
    """
    10.1.0.7/16 is read back as 10.1.0.0/16, and /8 is refused.
    """
    ec2 = client(strict_aws)
    made = ec2.create_vpc(**{**BLOCK, "CidrBlock": "10.1.0.7/16"})["Vpc"]
    assert made["CidrBlock"] == "10.1.0.0/16"
    assert code_of(ec2.create_vpc, **{**BLOCK, "CidrBlock": "10.0.0.0/8"}) == "InvalidVpc.Range"


@pytest.mark.rule(14)
def test_a_subnet_must_fit(strict_aws: StrictAws) -> None:
    """
    A subnet that overlaps, lies outside, or names no zone is refused; one that fits is made.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)

    def refused(cidr: str, **more: str) -> str:
        return code_of(ec2.create_subnet, VpcId=net.vpc, CidrBlock=cidr, **more)

    assert refused("10.0.0.128/25") == "InvalidSubnet.Conflict"
    assert refused("10.9.0.0/24") == "InvalidSubnet.Range"
    assert refused("10.0.1.0/24", AvailabilityZone="mars-1a") == "InvalidParameterValue"
    assert ec2.create_subnet(VpcId=net.vpc, CidrBlock="10.0.1.0/24")["Subnet"]


@pytest.mark.rule(175)
def test_local_zones_are_listed_unless_they_are_left_out(strict_aws: StrictAws) -> None:
    """
    A region's list has local and Wavelength zones, too; the filter by type leaves them out.
    """
    ec2 = client(strict_aws)
    only = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    every, zones = (
        {one["ZoneType"] for one in ec2.describe_availability_zones(**how)["AvailabilityZones"]}
        for how in ({}, {"Filters": only})
    )
    assert every - zones == {"local-zone", "wavelength-zone"}


@pytest.mark.rule(15)
def test_attributes_are_modified_one_by_one(strict_aws: StrictAws) -> None:
    """
    Two attributes in one call are refused, one is taken.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    on = {"Value": True}
    modify = ec2.modify_vpc_attribute
    both = code_of(modify, VpcId=net.vpc, EnableDnsSupport=on, EnableDnsHostnames=on)
    assert both == "InvalidParameterCombination"
    modify(VpcId=net.vpc, EnableDnsHostnames=on)


@pytest.mark.rule(16)
def test_attributes_are_read_back_stale(strict_aws: StrictAws) -> None:
    """
    A VPC's new attribute is read three seconds later; host names without support are refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)

    def read() -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=net.vpc, Attribute="enableDnsHostnames")
        return bool(answer["EnableDnsHostnames"]["Value"])

    ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsHostnames={"Value": True})
    assert read() is False
    strict_aws.clock.sleep(3)
    assert read() is True
    ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsSupport={"Value": False})
    again = {"VpcId": net.vpc, "EnableDnsHostnames": {"Value": True}}
    assert code_of(ec2.modify_vpc_attribute, **again) == "InvalidParameterValue"


@pytest.mark.rule(17)
def test_a_vpc_takes_one_gateway(strict_aws: StrictAws) -> None:
    """
    A second gateway, and the same one again, are refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    spare = strict_aws.raw.client("ec2").create_internet_gateway()["InternetGateway"]
    ec2.attach_internet_gateway(InternetGatewayId=spare["InternetGatewayId"], VpcId=net.vpc)
    other = strict_aws.raw.client("ec2").create_internet_gateway()["InternetGateway"]
    attach = ec2.attach_internet_gateway
    again = code_of(attach, InternetGatewayId=spare["InternetGatewayId"], VpcId=net.vpc)
    second = code_of(attach, InternetGatewayId=other["InternetGatewayId"], VpcId=net.vpc)
    assert (again, second) == ("Resource.AlreadyAssociated", "InvalidParameterValue")


@pytest.mark.rule(19)
def test_gateways_are_detached_then_deleted(strict_aws: StrictAws) -> None:
    """
    An attached gateway isn't deleted, a detached one not detached again.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    both = {"InternetGatewayId": old_gateway(strict_aws, net.vpc), "VpcId": net.vpc}
    one = {"InternetGatewayId": both["InternetGatewayId"]}
    assert code_of(ec2.delete_internet_gateway, **one) == "DependencyViolation"
    ec2.detach_internet_gateway(**both)
    assert code_of(ec2.detach_internet_gateway, **both) == "Gateway.NotAttached"
    ec2.delete_internet_gateway(**one)
    assert code_of(ec2.delete_internet_gateway, **one) == "InvalidInternetGatewayID.NotFound"
