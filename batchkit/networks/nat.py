"""
A network of one's own, out of which jobs get through a NAT gateway.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from batchkit._model.checks import checked, network, whole
from batchkit._parts import Demand, Ground, Site
from batchkit.networks.base import NetworkMode
from batchkit.resources.network import Network


@frozen(kw_only=True)
class Nat(NetworkMode):
    """
    Private subnets in so many zones, and one NAT gateway through which jobs reach everything.

    The gateway and its address cost by the hour, also while no job runs.

    Args:
        cidr: The VPC's network.
        zones: How many availability zones have a private subnet.
    """

    KIND: ClassVar = "nat"

    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    zones: int = checked(whole(1, 3), default=1)

    def site(self, ground: Ground, demand: Demand) -> Site:
        members = Network(
            name=ground.stack, cidr=self.cidr, zones=self.zones, **ground.common
        ).members
        subnets = [subnet.id for subnet in members.private]
        return Site(subnets, [members.group.id], public=False, resources=members.all)
