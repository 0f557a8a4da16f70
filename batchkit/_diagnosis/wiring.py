"""
The network around a job: its subnets, route tables, NAT gateways and security groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from batchkit._model.calls import Call, Operation
from batchkit.resources.gateways import NatGateway
from batchkit.resources.routes import RouteTable
from batchkit.resources.security_group import SecurityGroup
from batchkit.resources.vpc import Subnet

ENDPOINTS: Final = Operation("ec2", "DescribeVpcEndpoints", wide=True)
OPERATIONS: Final = (
    Subnet.DESCRIBE,
    RouteTable.DESCRIBE,
    NatGateway.DESCRIBE,
    SecurityGroup.DESCRIBE,
    ENDPOINTS,
)
ANYWHERE: Final = "0.0.0.0/0"


class Wiring:
    """
    The network of some compute environments; *read* gives None for what may not be read.
    """

    def __init__(
        self, read: Callable[[Call], Any], environments: Sequence[Mapping[str, Any]]
    ) -> None:
        self._read = read
        self._subnets = _ids(environments, "subnets")
        self._groups = _ids(environments, "securityGroupIds")

    def _filtered(
        self, operation: Operation, name: str, values: Sequence[str], key: str
    ) -> list[Mapping[str, Any]]:
        """
        What *operation* lists for a filter.
        """
        # An id that is gone, given as an id, fails the whole call; a filter passes it over.  A
        # filter without values is refused.
        if not values:
            return []
        answer = self._read(operation(Filters=[{"Name": name, "Values": list(values)}]))
        return list((answer or {}).get(key, ()))

    @cached_property
    def subnets(self) -> Sequence[Mapping[str, Any]]:
        """
        The subnets that are there.
        """
        return self._filtered(Subnet.DESCRIBE, "subnet-id", self._subnets, "Subnets")

    @cached_property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """
        The security groups that are there.
        """
        describe = SecurityGroup.DESCRIBE
        return self._filtered(describe, "group-id", self._groups, "SecurityGroups")

    @cached_property
    def _vpcs(self) -> list[str]:
        return sorted({subnet["VpcId"] for subnet in self.subnets})

    @cached_property
    def tables(self) -> Sequence[Mapping[str, Any]]:
        """
        The route tables of the VPCs.
        """
        return self._filtered(RouteTable.DESCRIBE, "vpc-id", self._vpcs, "RouteTables")

    @cached_property
    def gateways(self) -> dict[str, str]:
        """
        The NAT gateways of the VPCs, with their states.
        """
        if not self._vpcs:
            return {}
        # This operation's parameter is `Filter`, the others' is `Filters`.
        filters = [{"Name": "vpc-id", "Values": self._vpcs}]
        answer = self._read(NatGateway.DESCRIBE(Filter=filters)) or {}
        return {one["NatGatewayId"]: one["State"] for one in answer.get("NatGateways", ())}

    def route_table(self, subnet: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """
        The route table of a subnet: the one associated with it, or else the VPC's main one.
        """
        # https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
        main = None
        for table in self.tables:
            for association in table.get("Associations", ()):
                if association.get("SubnetId") == subnet["SubnetId"]:
                    return table
                if association.get("Main") and table["VpcId"] == subnet["VpcId"]:
                    main = main or table
        return main

    def default_route(self, subnet: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """
        The route of a subnet to all addresses that no other route leads to; None without one.
        """
        table = self.route_table(subnet) or {}
        for route in table.get("Routes", ()):
            if route.get("DestinationCidrBlock") == ANYWHERE:
                return dict(route)
        return None


def _ids(environments: Sequence[Mapping[str, Any]], field: str) -> list[str]:
    """
    The ids that some compute environments have in a field, each once.
    """
    ids = {id for environment in environments for id in environment.get(field, ())}
    return sorted(ids)
