"""
Elastic addresses and NAT gateways.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of, old_address, old_gateway, old_network, refusal, tagged
from ..simulator import StrictAws


def client(aws: StrictAws) -> Any:
    """
    A client under the rules.
    """
    return aws.session.client("ec2")


def gateway(aws: StrictAws, with_way_out: bool = True) -> tuple[str, str, Any]:
    """
    A NAT gateway just made, its address, and its network.
    """
    net, address = old_network(aws), old_address(aws)
    if with_way_out:
        old_gateway(aws, net.vpc)
    made = client(aws).create_nat_gateway(
        SubnetId=net.subnet, AllocationId=address, TagSpecifications=tagged("natgateway")
    )
    aws.clock.sleep(4)
    return made["NatGateway"]["NatGatewayId"], address, net


def shown(aws: StrictAws, id: str) -> dict[str, Any]:
    """
    What describe says about one NAT gateway.
    """
    found: dict[str, Any] = client(aws).describe_nat_gateways(NatGatewayIds=[id])
    answer: dict[str, Any] = found["NatGateways"][0]
    return answer


@pytest.mark.rule(20)
def test_the_sixth_address_is_refused(strict_aws: StrictAws) -> None:
    """
    Five elastic addresses are in a region, and no more.
    """
    for _ in range(4):
        old_address(strict_aws)
    client(strict_aws).allocate_address(Domain="vpc")
    assert code_of(client(strict_aws).allocate_address, Domain="vpc") == "AddressLimitExceeded"


@pytest.mark.rule(21)
def test_an_unknown_address_is_not_found(strict_aws: StrictAws) -> None:
    """
    A NAT gateway takes no address that does not exist.
    """
    net = old_network(strict_aws)
    asked = {"SubnetId": net.subnet, "AllocationId": "eipalloc-0123456789abcdef0"}
    code, message = refusal(client(strict_aws).create_nat_gateway, **asked)
    assert code == "InvalidElasticIpID.NotFound" and "does not exist" in message


@pytest.mark.rule(22, 31)
def test_a_gateway_is_pending_for_100_seconds(strict_aws: StrictAws) -> None:
    """
    A NAT gateway becomes available after 100 seconds, and has an interface of its own.
    """
    id, _, net = gateway(strict_aws)
    assert shown(strict_aws, id)["State"] == "pending"
    strict_aws.clock.sleep(95)
    assert shown(strict_aws, id)["State"] == "pending"
    strict_aws.clock.sleep(1.5)
    assert shown(strict_aws, id)["State"] == "available"
    mine = [{"Name": "subnet-id", "Values": [net.subnet]}]
    found = client(strict_aws).describe_network_interfaces(Filters=mine)["NetworkInterfaces"]
    assert [each["InterfaceType"] for each in found] == ["nat_gateway"]


@pytest.mark.rule(23)
def test_without_internet_gateway_it_fails_later(strict_aws: StrictAws) -> None:
    """
    The call is taken, and 95 seconds later the gateway has failed and says why.
    """
    id, address, _ = gateway(strict_aws, with_way_out=False)
    strict_aws.clock.sleep(95)
    held = shown(strict_aws, id)
    assert (held["State"], held["FailureCode"]) == ("failed", "Gateway.NotAttached")
    client(strict_aws).release_address(AllocationId=address)


@pytest.mark.rule(24)
def test_on_an_address_in_use_it_fails_later(strict_aws: StrictAws) -> None:
    """
    A second gateway on one address fails after 95 seconds, the first goes on.
    """
    id, address, net = gateway(strict_aws)
    asked = {"SubnetId": net.subnet, "AllocationId": address}
    second = client(strict_aws).create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"]
    strict_aws.clock.sleep(100)
    assert shown(strict_aws, second)["FailureCode"] == "Resource.AlreadyAssociated"
    assert shown(strict_aws, id)["State"] == "available"


@pytest.mark.rule(25)
def test_address_and_connectivity_belong_together(strict_aws: StrictAws) -> None:
    """
    A public gateway without address and a private one with address are refused.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    assert code_of(ec2.create_nat_gateway, SubnetId=net.subnet) == "MissingParameter"
    private = {"SubnetId": net.subnet, "ConnectivityType": "private"}
    both = {**private, "AllocationId": old_address(strict_aws)}
    assert code_of(ec2.create_nat_gateway, **both) == "InvalidParameter"
    assert ec2.create_nat_gateway(**private)["NatGateway"]["ConnectivityType"] == "private"


@pytest.mark.rule(26)
def test_the_sixth_gateway_in_a_zone_is_refused(strict_aws: StrictAws) -> None:
    """
    A zone has five NAT gateways, and no more.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    private = {"SubnetId": net.subnet, "ConnectivityType": "private"}
    for _ in range(5):
        ec2.create_nat_gateway(**private)
    assert code_of(ec2.create_nat_gateway, **private) == "NatGatewayLimitExceeded"


@pytest.mark.rule(174)
def test_a_zone_may_have_no_gateways(strict_aws: StrictAws) -> None:
    """
    The gateway is refused at once, and the subnet stays.
    """
    ec2, net = client(strict_aws), old_network(strict_aws)
    zone = ec2.describe_subnets(SubnetIds=[net.subnet])["Subnets"][0]["AvailabilityZone"]
    strict_aws.account.zones_without_nat.add(zone)
    private = {"SubnetId": net.subnet, "ConnectivityType": "private"}
    assert code_of(ec2.create_nat_gateway, **private) == "NotAvailableInZone"


@pytest.mark.rule(27, 28)
def test_a_deleted_gateway_stays_listed_with_its_tags(strict_aws: StrictAws) -> None:
    """
    It is deleting for 60 seconds, then deleted for an hour and found by its tag, then unknown.
    """
    id, _, _ = gateway(strict_aws)
    ec2 = client(strict_aws)
    strict_aws.clock.sleep(100)
    ec2.delete_nat_gateway(NatGatewayId=id)
    states = [shown(strict_aws, id)["State"]]
    strict_aws.clock.sleep(60)
    states.append(shown(strict_aws, id)["State"])
    assert states == ["deleting", "deleted"]
    blue = [{"Name": "tag:team", "Values": ["blue"]}]
    live = [*blue, {"Name": "state", "Values": ["pending", "available"]}]
    assert len(ec2.describe_nat_gateways(Filter=blue)["NatGateways"]) == 1
    assert ec2.describe_nat_gateways(Filter=live)["NatGateways"] == []
    strict_aws.clock.sleep(3600)
    assert code_of(ec2.describe_nat_gateways, NatGatewayIds=[id]) == "NatGatewayNotFound"
    assert code_of(ec2.delete_nat_gateway, NatGatewayId=id) == "NatGatewayNotFound"


@pytest.mark.rule(18, 29, 33)
def test_teardown_takes_its_time(strict_aws: StrictAws) -> None:
    """
    Address, internet gateway and subnet are free only some time after the NAT gateway is gone.
    """
    id, address, net = gateway(strict_aws)
    ec2, clock = client(strict_aws), strict_aws.clock
    clock.sleep(100)
    every = ec2.describe_internet_gateways(
        Filters=[{"Name": "attachment.vpc-id", "Values": [net.vpc]}]
    )
    way_out = every["InternetGateways"][0]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    clock.sleep(5)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=id)
    detach = {"InternetGatewayId": way_out, "VpcId": net.vpc}
    ec2.delete_nat_gateway(NatGatewayId=id)
    clock.sleep(61)
    assert code_of(ec2.release_address, AllocationId=address) == "AuthFailure"
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert [r["State"] for r in routes if r.get("NatGatewayId")] == ["blackhole"]
    clock.sleep(20)
    ec2.release_address(AllocationId=address)
    gone = code_of(ec2.release_address, AllocationId=address)
    assert gone == "InvalidAllocationID.NotFound"
    assert code_of(ec2.detach_internet_gateway, **detach) == "DependencyViolation"
    clock.sleep(30)
    ec2.detach_internet_gateway(**detach)
    ec2.delete_subnet(SubnetId=net.subnet)


def test_a_subnet_with_a_gateway_stays(strict_aws: StrictAws) -> None:
    """
    A subnet can't be deleted, nor the address be released, while a NAT gateway is there.
    """
    _, address, net = gateway(strict_aws)
    ec2 = client(strict_aws)
    assert code_of(ec2.delete_subnet, SubnetId=net.subnet) == "DependencyViolation"
    assert code_of(ec2.release_address, AllocationId=address) == "AuthFailure"


@pytest.mark.rule(30)
def test_an_address_in_use_is_not_released(strict_aws: StrictAws) -> None:
    """
    An address that an interface has is refused; without it, it goes.
    """
    net, address = old_network(strict_aws), old_address(strict_aws)
    raw = strict_aws.raw.client("ec2")
    made = raw.create_network_interface(SubnetId=net.subnet)["NetworkInterface"]
    id = made["NetworkInterfaceId"]
    raw.associate_address(AllocationId=address, NetworkInterfaceId=id)
    ec2 = client(strict_aws)
    assert code_of(ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    raw.disassociate_address(
        AssociationId=raw.describe_addresses()["Addresses"][0]["AssociationId"]
    )
    ec2.release_address(AllocationId=address)
