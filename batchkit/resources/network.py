"""
A whole network: the VPC and all that is in it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import Factory, frozen

from batchkit._model.checks import TAGS, Checked, as_dict, checked, network, text, whole
from batchkit._model.resource import Resource
from batchkit.resources.gateways import ElasticIp, InternetGateway, NatGateway
from batchkit.resources.routes import Route, RouteTable
from batchkit.resources.vpc import SecurityGroup, Subnet, Vpc


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

    name: str = checked(text(r"[\w-]{1,200}", "letters, digits, _ or -"))
    stack: str = attrs.field(default=Factory(lambda self: self.name, takes_self=True))
    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    zones: int = checked(whole(1, 3), default=1)
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
        name, cidrs = self.name, subnet_cidrs(self.cidr)
        common: dict[str, Any] = {"stack": self.stack, "tags": self.tags}
        vpc = Vpc(name=name, cidr=self.cidr, **common)
        inside = {"vpc": vpc.id, **common}
        public = Subnet(name=f"{name}_public-a", cidr=cidrs[1], zone=0, **inside)
        private = [
            Subnet(name=f"{name}_private-{'abc'[zone]}", cidr=cidrs[2 + zone], zone=zone, **inside)
            for zone in range(self.zones)
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


def subnet_cidrs(cidr: str) -> list[str]:
    """
    At least 16 networks in *cidr*: of 256 addresses if it is large, of 16 if it is as small as /24.
    """
    # AWS takes no subnet smaller than /28, and keeps five addresses of each for itself
    # (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
    whole_net = ipaddress.IPv4Network(cidr)
    parts = whole_net.subnets(new_prefix=max(24, whole_net.prefixlen + 4))
    return [str(part) for part in parts]
