"""
A whole network: the VPC and all that is in it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
from attrs import Factory, frozen

from batchkit._model.checks import TAGS, Checked, as_dict, checked, network, text
from batchkit._model.resource import Resource
from batchkit.resources.gateways import ElasticIp, InternetGateway, NatGateway
from batchkit.resources.routes import Route, RouteTable
from batchkit.resources.security_group import SecurityGroup
from batchkit.resources.vpc import Subnet, Vpc
from batchkit.resources.zones import ZONES, as_zones, each_zone


@frozen
class NetworkMembers:
    """
    The resources of a network; jobs run in *private* and *group*.
    """

    vpc: Vpc
    private: list[Subnet]
    group: SecurityGroup
    all: list[Resource]


@frozen(kw_only=True)
class Network(Checked):
    """
    A public subnet with a NAT gateway, and a private subnet in each of *zones* that uses it.

    There is one NAT gateway whatever the number of zones: it costs as much as a small server.  Its
    zone is that of the first private subnet.  The outputs are None until the network is ensured.
    """

    name: str = checked(text(r"(?i)(?!sg-)[\w-]{1,200}", "letters, digits, _ or -, not first sg-"))
    stack: str = attrs.field(default=Factory(lambda self: self.name, takes_self=True))
    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    zones: int | Sequence[str] = checked(ZONES, default=1, converter=as_zones)
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)
    vpc: str | None = attrs.field(default=None, eq=False)
    private_subnets: tuple[str, ...] = attrs.field(default=(), eq=False)
    security_group: str | None = attrs.field(default=None, eq=False)
    address: str | None = attrs.field(default=None, eq=False)

    @property
    def members(self) -> NetworkMembers:
        """
        The resources that it consists of, the longest path first.
        """
        name, cidrs = self.name, private_cidrs(self.cidr)
        common: dict[str, Any] = {"stack": self.stack, "tags": self.tags}
        vpc = Vpc(name=name, cidr=self.cidr, **common)
        inside = {"vpc": vpc.id, **common}
        public_cidr = public_cidrs(self.cidr)[0]
        zones = each_zone(self.zones)
        public = Subnet(name=f"{name}_public-a", cidr=public_cidr, zone=zones[0], **inside)
        private = [
            Subnet(name=f"{name}_private-{letter}", cidr=cidr, zone=zone, **inside)
            for letter, cidr, zone in zip("abc", cidrs, zones, strict=False)
        ]
        group = SecurityGroup(name=f"{name}_jobs", **inside)
        routes = self._routes(inside, public, private)
        return NetworkMembers(vpc, private, group, [vpc, public, *private, group, *routes])

    def _routes(
        self, inside: Mapping[str, Any], public: Subnet, private: list[Subnet]
    ) -> list[Resource]:
        """
        The gateways, and the routes to them.
        """
        common: dict[str, Any] = {"name": self.name, "stack": self.stack, "tags": self.tags}
        gateway = InternetGateway(name=self.name, **inside)
        address = ElasticIp(**common)
        # A NAT gateway fails in a VPC without an internet gateway, and no property refers to that
        # (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html).
        nat = NatGateway(
            subnet=public.id, address=address.id, depends_on=(gateway.exists,), **common
        )
        # A subnet has one route table: only the public one may lead to the internet gateway, and a
        # NAT gateway must be in a subnet whose table does
        # (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html).
        out = RouteTable(name=f"{self.name}_public", subnets=[public.id], **inside)
        through = RouteTable(
            name=f"{self.name}_private", subnets=[subnet.id for subnet in private], **inside
        )
        return [
            address,
            gateway,
            nat,
            out,
            through,
            Route(name=out.name, table=out.id, internet_gateway=gateway.id, stack=self.stack),
            Route(name=through.name, table=through.id, nat_gateway=nat.id, stack=self.stack),
        ]


KEPT_BY_AWS: Final = 5
"""
Addresses of each subnet that AWS keeps for itself
(https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
"""


def public_cidrs(cidr: str) -> list[str]:
    """
    The networks for public subnets, by zone: in the first quarter, of at most 256 addresses.
    """
    first = _quarters(cidr)[0]
    parts = [*first.subnets(new_prefix=max(24, first.prefixlen + 2))]
    return [str(part) for part in parts[1:4]]


def private_cidrs(cidr: str) -> list[str]:
    """
    The networks for private subnets, by zone: the other quarters, as each job takes an address.
    """
    return [str(part) for part in _quarters(cidr)[1:]]


def _quarters(cidr: str) -> list[ipaddress.IPv4Network]:
    return [*ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=2)]


def addresses_in(cidr: str) -> int:
    """
    How many addresses a subnet has for network interfaces.
    """
    return ipaddress.IPv4Network(cidr).num_addresses - KEPT_BY_AWS
