"""
The steps that the kinds of a network describe.
"""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import Any

import pytest
from attrs import evolve
from fakes import FakeAsk

from batchkit import (
    ElasticIp,
    InternetGateway,
    NatGateway,
    Network,
    Route,
    RouteTable,
    SecurityGroup,
    Subnet,
    Vpc,
)
from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Call, ForEach, Parallel
from batchkit._model.tags import written
from batchkit._model.values import Ref, Zone
from batchkit.resources.network import addresses_in, private_cidrs, public_cidrs

TAGS = [{"Key": "batchkit:stack", "Value": "movies"}, {"Key": "Name", "Value": "movies"}]
VPC = Vpc(name="movies")
SUBNET = Subnet(name="movies", vpc="vpc-1", cidr="10.1.1.0/24", zone=1)
GROUP = SecurityGroup(name="movies", vpc="vpc-1")
GATEWAY = InternetGateway(name="movies", vpc="vpc-1")
ADDRESS = ElasticIp(name="movies")
NAT = NatGateway(name="movies", subnet="subnet-1", address="eipalloc-1")
TABLE = RouteTable(name="movies", vpc="vpc-1", subnets=["subnet-1"])
ROUTE = Route(name="movies", table="rtb-1", nat_gateway="nat-1")


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAGS}]


def actual(desired: Any, **outputs: Any) -> Any:
    given = {"owner": "movies", "state": "available", "written": written(desired.tags), **outputs}
    return evolve(desired, **given)


def calls(steps: Any) -> list[Any]:
    """
    The API calls of EC2 among *steps*.
    """
    return [one for one in steps if isinstance(one, Call) and one.operation.service == "ec2"]


def everyone(*cidrs: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}]


@pytest.mark.parametrize(
    "kind", [Vpc, Subnet, SecurityGroup, InternetGateway, ElasticIp, NatGateway, RouteTable]
)
def test_what_carries_no_tag_of_the_stack_is_not_found(kind: Any) -> None:
    """
    Also where the answer has all that there is, as that of an emulator that knows no filters.
    """
    others = [
        {"AllocationId": "eipalloc-1"},
        {"Tags": []},
        {"Tags": [{"Key": "batchkit:stack", "Value": "movies-2"}]},
    ]
    ask = FakeAsk(**{kind.DESCRIBE.name: {kind.LISTED: others}, "DescribeTags": {"Tags": []}})
    assert list(kind.find("movies", ask)) == []


def test_a_vpc_is_made_with_its_tags_and_gets_dns() -> None:
    """
    Tagged in the call that makes it, then locked; host names only where DNS is on.
    """
    create = VPC.CREATE(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc"))
    lock = VPC.lock(VPC.id)
    names = VPC.MODIFY(VpcId=VPC.id, EnableDnsHostnames={"Value": True})
    assert list(VPC.create()) == [create, Parallel((WAIT_STABLE, (lock, names)))]
    none = VPC.MODIFY(VpcId=VPC.id, EnableDnsSupport={"Value": False})
    silent = evolve(VPC, dns_support=False, dns_hostnames=False)
    assert list(silent.create()) == [create, Parallel((WAIT_STABLE, (lock, none)))]
    nameless = evolve(VPC, dns_hostnames=False)
    assert list(nameless.create()) == [create, Parallel((WAIT_STABLE, (lock,)))]


def test_a_vpc_is_repaired_one_attribute_a_call() -> None:
    """
    AWS refuses both together.
    """
    there = actual(VPC, id="vpc-1")
    assert calls(VPC.update(there, ("dns_support", "dns_hostnames", "tags"))) == [
        VPC.MODIFY(VpcId="vpc-1", EnableDnsSupport={"Value": True}),
        VPC.MODIFY(VpcId="vpc-1", EnableDnsHostnames={"Value": True}),
        VPC.TAG(Resources=[VPC.identity], Tags=TAGS),
    ]
    assert calls(there.deletion()) == [VPC.DELETE(VpcId="vpc-1")]


def test_a_subnet_has_its_zone_by_number() -> None:
    """
    Which zones there are is known only where the calls go.
    """
    create = SUBNET.CREATE(
        VpcId="vpc-1",
        CidrBlock="10.1.1.0/24",
        AvailabilityZone=Zone(1),
        TagSpecifications=tagged("subnet"),
    )
    assert list(SUBNET.create()) == [create, WAIT_STABLE]
    assert list(SUBNET.update(actual(SUBNET, id="subnet-1"), ())) == []
    assert list(actual(SUBNET, id="subnet-1").deletion()) == [SUBNET.DELETE(SubnetId="subnet-1")]


def test_a_security_group_lets_out_what_it_is_told() -> None:
    """
    AWS lets a new one out to everywhere, so that is taken back where it isn't wanted.
    """
    assert [step for step in GROUP.create() if step != WAIT_STABLE] == [
        GROUP.CREATE(
            GroupName="movies",
            Description="Made by batchkit: everything out, nothing in",
            VpcId="vpc-1",
            TagSpecifications=tagged("security-group"),
        )
    ]
    narrow = evolve(GROUP, egress=["10.0.0.0/8"])
    assert [step for step in narrow.create() if step != WAIT_STABLE][1:] == [
        GROUP.REVOKE(GroupId=GROUP.id, IpPermissions=everyone("0.0.0.0/0")),
        GROUP.ALLOW(GroupId=GROUP.id, IpPermissions=everyone("10.0.0.0/8")),
    ]


def test_a_security_group_gets_what_is_missing() -> None:
    """
    What others have added stays, and is no difference.
    """
    there = actual(GROUP, id="sg-1", egress=["10.0.0.0/8"])
    assert GROUP.differs("egress", there)
    assert list(GROUP.update(there, ("egress",))) == [
        GROUP.ALLOW(GroupId="sg-1", IpPermissions=everyone("0.0.0.0/0"))
    ]
    more = actual(GROUP, egress=["0.0.0.0/0", "10.0.0.0/8"])
    assert not GROUP.differs("egress", more)
    assert list(there.deletion()) == [GROUP.DELETE(GroupId="sg-1")]


def test_an_internet_gateway_is_attached_and_moved() -> None:
    """
    Away from where it is, to where it belongs; detached before it is deleted.
    """
    create = GATEWAY.CREATE(TagSpecifications=tagged("internet-gateway"))
    attach = GATEWAY.ATTACH(InternetGatewayId=GATEWAY.id, VpcId="vpc-1")
    assert list(GATEWAY.create()) == [create, Parallel((WAIT_STABLE, attach))]
    elsewhere = actual(GATEWAY, id="igw-1", vpc="vpc-2")
    detach = GATEWAY.DETACH(InternetGatewayId="igw-1", VpcId="vpc-2")
    delete = GATEWAY.DELETE(InternetGatewayId="igw-1")
    assert calls(GATEWAY.update(elsewhere, ("vpc",)))[0] == detach
    assert calls(elsewhere.deletion()) == [detach, delete]
    nowhere = actual(GATEWAY, id="igw-1", vpc="")
    assert len(calls(GATEWAY.update(nowhere, ("vpc",)))) == 1
    assert calls(nowhere.deletion()) == [delete]


def test_an_address_is_allocated_and_released() -> None:
    """
    As the VPC is made; only the caller that has the lock marks it as settled.
    """
    allocate = ADDRESS.CREATE(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
    settled = [*TAGS, {"Key": "batchkit:settled", "Value": "yes"}]
    mark = ADDRESS.TAG(Resources=[ADDRESS.id], Tags=settled)
    together = Parallel((WAIT_STABLE, (ADDRESS.lock(ADDRESS.id), mark)))
    assert list(ADDRESS.create()) == [allocate, together]
    there = actual(ADDRESS, id="eipalloc-1")
    assert calls(there.deletion()) == [ADDRESS.DELETE(AllocationId="eipalloc-1")]


def test_an_address_that_is_listed_without_its_tags_is_found() -> None:
    """
    As some emulators list all of them; AWS, which tells the tags, isn't asked twice.
    """
    bare = [{"AllocationId": f"eipalloc-{n}", "PublicIp": f"52.0.0.{n}"} for n in (1, 2)]
    told = [{"ResourceId": "eipalloc-2", **tag} for tag in TAGS]
    ask = FakeAsk(DescribeAddresses={"Addresses": bare}, DescribeTags={"Tags": told})
    assert [(one.id, one.name) for one in ElasticIp.find("movies", ask)] == [
        ("eipalloc-2", "movies")
    ]
    ask = FakeAsk(DescribeAddresses={"Addresses": [{**bare[0], "Tags": TAGS}]})
    assert [one.id for one in ElasticIp.find("movies", ask)] == ["eipalloc-1"]


def test_a_nat_gateway_is_waited_for_both_ways() -> None:
    """
    Until it is there, and until it is gone; one that failed needs no deletion.
    """
    create, settle = next(NAT.create()), list(NAT.create())[-1]
    assert create == NAT.CREATE(
        SubnetId="subnet-1", AllocationId="eipalloc-1", TagSpecifications=tagged("natgateway")
    )
    assert settle == WAIT_STABLE
    assert list(actual(NAT, id="nat-1").deletion()) == [
        NAT.DELETE(NatGatewayId="nat-1"),
        WAIT_DELETED,
    ]
    assert list(actual(NAT, id="nat-1", state="failed").deletion()) == []


def test_a_route_table_takes_its_subnets_from_where_they_are() -> None:
    """
    Without a gap where another table has them; those that aren't wanted are let go.
    """
    there = actual(TABLE, id="rtb-1", subnets=["subnet-9"], associations={"subnet-9": "rtbassoc-9"})
    move, associate, let_go, *_ = TABLE.update(there, ("subnets",))
    assert isinstance(move, ForEach) and move.then.operation == TABLE.REPLACE_ASSOCIATION
    assert associate == TABLE.ASSOCIATE(RouteTableId="rtb-1", SubnetId="subnet-1")
    assert let_go == TABLE.DISASSOCIATE(AssociationId="rtbassoc-9")
    new = evolve(TABLE, subnets=[Ref("Subnet", "a", "id")])
    steps = calls(new.update(actual(TABLE, id="rtb-1", subnets=[], associations={}), ("subnets",)))
    assert steps == [TABLE.ASSOCIATE(RouteTableId="rtb-1", SubnetId=Ref("Subnet", "a", "id"))]
    assert list(there.deletion()) == [
        TABLE.DISASSOCIATE(AssociationId="rtbassoc-9"),
        TABLE.DELETE(RouteTableId="rtb-1"),
    ]


def test_a_route_has_one_target() -> None:
    """
    The one that is wanted; updating replaces it.
    """
    params = {
        "RouteTableId": "rtb-1",
        "DestinationCidrBlock": "0.0.0.0/0",
        "NatGatewayId": "nat-1",
    }
    assert list(ROUTE.create()) == [ROUTE.CREATE(**params)]
    assert list(ROUTE.update(actual(ROUTE), ("nat_gateway",))) == [ROUTE.REPLACE(**params)]
    del params["NatGatewayId"]
    assert list(ROUTE.deletion()) == [ROUTE.DELETE(**params)]


@pytest.mark.parametrize("cidr", ["10.1.0.0/16", "10.1.0.0/22", "10.1.0.0/24"])
def test_a_network_is_cut_into_subnets_that_fit(cidr: str) -> None:
    """
    Three quarters for jobs, the first for public subnets; all in it, and none overlaps.
    """
    whole = ipaddress.IPv4Network(cidr)
    cut = [ipaddress.IPv4Network(one) for one in (*public_cidrs(cidr), *private_cidrs(cidr))]
    assert len(cut) == 6 and all(one.subnet_of(whole) and one.prefixlen <= 28 for one in cut)
    assert not any(a.overlaps(b) for a, b in combinations(cut, 2))
    members = Network(name="movies", cidr=cidr, zones=3).members
    assert [subnet.cidr for subnet in members.private] == private_cidrs(cidr)


def test_a_network_of_the_usual_size_has_room_for_thousands_of_jobs() -> None:
    """
    Each takes an address of a private subnet.
    """
    assert addresses_in(private_cidrs("10.1.0.0/16")[0]) == 2**14 - 5
    assert addresses_in(private_cidrs("10.1.0.0/24")[0]) == 2**6 - 5
