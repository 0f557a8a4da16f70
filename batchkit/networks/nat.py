"""
A VPC of the stack's own, whose jobs reach the internet through a NAT gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from attrs import frozen

from batchkit._model.checks import checked, network, refuse
from batchkit._parts import Demand, Ground, Site
from batchkit.errors import Problem
from batchkit.networks.base import NetworkMode
from batchkit.resources.network import Network, addresses_in, private_cidrs
from batchkit.resources.zones import ZONES, as_zones, each_zone


@frozen(kw_only=True)
class Nat(NetworkMode):
    """
    Private subnets in a number of *zones*, and one NAT gateway through which jobs reach everything.

    The gateway and its address cost by the hour, also while no job runs.

    Args:
        cidr: The VPC's network.
        zones: How many availability zones have a private subnet, or which: a list of their names
            (`us-east-1a`) or ids (`use1-az1`).  The NAT gateway is in the first.  A number takes
            zones that have Fargate, in the order of their names; a stack keeps those that it has.
    """

    KIND: ClassVar = "nat"

    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    zones: int | Sequence[str] = checked(ZONES, default=1, converter=as_zones)

    def problems_with(self, demand: Demand) -> Iterator[Problem]:
        # A task whose subnet has no address left fails as its network interface is made
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html).
        subnets = private_cidrs(self.cidr)[: len(each_zone(self.zones))]
        addresses = sum(map(addresses_in, subnets))
        if demand.jobs > addresses:
            expects = (
                f"a larger network, more zones or a lower max_vcpus: {demand.jobs} jobs of these "
                f"vcpus may run at once, and {', '.join(subnets)} have {addresses} addresses"
            )
            yield Problem("network.cidr", self.cidr, expects)

    def site(self, ground: Ground, demand: Demand) -> Site:
        for zone in each_zone(self.zones):
            if _is_elsewhere(zone, ground.region):
                expects = f"zones of {ground.region}, the region that the stack is in"
                refuse("StackSpec", "network.zones", zone, expects)
        members = Network(
            name=ground.stack, cidr=self.cidr, zones=self.zones, **ground.common
        ).members
        subnets = [subnet.id for subnet in members.private]
        return Site(subnets, [members.group.id], public=False, resources=members.all)


def _is_elsewhere(zone: int | str, region: str) -> bool:
    """
    Whether a zone's name says another region; an id has an abbreviation, which AWS alone knows.
    """
    return isinstance(zone, str) and "-az" not in zone and zone[:-1] != region
