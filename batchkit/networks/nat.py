"""
A VPC of the stack's own, whose jobs reach the internet through a NAT gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from batchkit._model.checks import checked, network, whole
from batchkit._parts import Demand, Ground, Site
from batchkit.errors import Problem
from batchkit.networks.base import NetworkMode
from batchkit.resources.network import Network, addresses_in, private_cidrs


@frozen(kw_only=True)
class Nat(NetworkMode):
    """
    Private subnets in a number of *zones*, and one NAT gateway through which jobs reach everything.

    The gateway and its address cost by the hour, also while no job runs.

    Args:
        cidr: The VPC's network.
        zones: How many availability zones have a private subnet.
    """

    KIND: ClassVar = "nat"

    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    zones: int = checked(whole(1, 3), default=1)

    def problems_with(self, demand: Demand) -> Iterator[Problem]:
        # A task whose subnet has no address left fails as its network interface is made
        # (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html).
        subnets = private_cidrs(self.cidr)[: self.zones]
        addresses = sum(map(addresses_in, subnets))
        if demand.jobs > addresses:
            expects = (
                f"a larger network, more zones or a lower max_vcpus: {demand.jobs} jobs of these "
                f"vcpus may run at once, and {', '.join(subnets)} have {addresses} addresses"
            )
            yield Problem("network.cidr", self.cidr, expects)

    def site(self, ground: Ground, demand: Demand) -> Site:
        members = Network(
            name=ground.stack, cidr=self.cidr, zones=self.zones, **ground.common
        ).members
        subnets = [subnet.id for subnet in members.private]
        return Site(subnets, [members.group.id], public=False, resources=members.all)
