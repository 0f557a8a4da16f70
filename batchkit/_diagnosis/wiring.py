"""
The network around a job: where its subnets lead, and what its security groups let out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from batchkit._model.calls import Call, Operation
from batchkit.resources.gateways import NatGateway
from batchkit.resources.routes import RouteTable
from batchkit.resources.vpc import SecurityGroup, Subnet

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
    The network of some compute environments; *ask* gives None for what may not be asked.
    """

    def __init__(
        self, reader: Callable[[Call], Any], environments: Sequence[Mapping[str, Any]]
    ) -> None:
        self._ask = reader
        self._subnets = sorted({id for one in environments for id in one.get("subnets", ())})
        self._groups = sorted({i for one in environments for i in one.get("securityGroupIds", ())})

    def _many(self, operation: Operation, name: str, values: Sequence[str], key: str) -> Any:
        filters = [{"Name": name, "Values": list(values)}]
        answer = self._ask(operation(Filters=filters)) if values else None
        return (answer or {}).get(key, ())

    @cached_property
    def subnets(self) -> Sequence[Mapping[str, Any]]:
        """
        The subnets that are there.
        """
        return list(self._many(Subnet.DESCRIBE, "subnet-id", self._subnets, "Subnets"))

    @cached_property
    def groups(self) -> Sequence[Mapping[str, Any]]:
        """
        The security groups.
        """
        return list(self._many(SecurityGroup.DESCRIBE, "group-id", self._groups, "SecurityGroups"))

    @cached_property
    def _vpcs(self) -> list[str]:
        return sorted({subnet["VpcId"] for subnet in self.subnets})

    @cached_property
    def tables(self) -> Sequence[Mapping[str, Any]]:
        """
        The route tables of the VPCs.
        """
        return list(self._many(RouteTable.DESCRIBE, "vpc-id", self._vpcs, "RouteTables"))

    @cached_property
    def gateways(self) -> dict[str, str]:
        """
        The NAT gateways of the VPCs, with their states.
        """
        filters = [{"Name": "vpc-id", "Values": self._vpcs}]
        answer = self._ask(NatGateway.DESCRIBE(Filter=filters)) if self._vpcs else None
        return {one["NatGatewayId"]: one["State"] for one in (answer or {}).get("NatGateways", ())}

    def way_out(self, subnet: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """
        The default route of a subnet: of its own table, or else of the VPC's main one.
        """
        own, main = [], []
        for table in self.tables:
            associations = table.get("Associations", ())
            if any(one.get("SubnetId") == subnet["SubnetId"] for one in associations):
                own.append(table)
            if any(one.get("Main") for one in associations) and table["VpcId"] == subnet["VpcId"]:
                main.append(table)
        for table in (own or main)[:1]:
            for route in table.get("Routes", ()):
                if route.get("DestinationCidrBlock") == ANYWHERE:
                    return dict(route)
        return None
