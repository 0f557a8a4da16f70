"""
Route tables, the subnets that use them, and their routes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_STABLE, ForEach, Operation, Steps
from batchkit._model.checks import as_set, checked, each, instance, network, optional
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import tag_fields
from batchkit._model.users import Use
from batchkit._model.values import ITEM, Ref
from batchkit.resources.ec2 import (
    ID,
    NEW_ID,
    NO_TABLE,
    TAGGING,
    VPC,
    Ec2Resource,
    busy,
    fresh,
)


@frozen(kw_only=True)
class RouteTable(Ec2Resource):
    """
    A route table and the subnets that use it; its default route is a `Route`.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeRouteTables", wide=True)
    CREATE: ClassVar = Operation(
        "ec2", "CreateRouteTable", TAGGING, not_yet=NEW_ID, repeatable=False
    )
    ASSOCIATE: ClassVar = Operation(
        "ec2",
        "AssociateRouteTable",
        # A subnet has at most one explicit association: of two callers, the second is refused
        # (https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html).  A table that is
        # gone was pruned by another caller before it was associated.
        exists=("Resource.AlreadyAssociated", *NO_TABLE),
        not_yet=NEW_ID,
    )
    REPLACE_ASSOCIATION: ClassVar = Operation(
        "ec2",
        "ReplaceRouteTableAssociation",
        # Each replacement gives the association a new id, so the old one is gone if another
        # caller was faster.
        exists=("InvalidAssociationID.NotFound",),
        not_yet=fresh(*NO_TABLE),
    )
    DISASSOCIATE: ClassVar = Operation(
        "ec2", "DisassociateRouteTable", absent=("InvalidAssociationID.NotFound",)
    )
    DELETE: ClassVar = Operation(
        "ec2",
        "DeleteRouteTable",
        absent=NO_TABLE,
        not_yet=busy(120),
    )
    LISTED: ClassVar = "RouteTables"
    TYPE: ClassVar = "route-table"
    NATURAL_KEY: ClassVar = False

    vpc: str | Ref = create_only(VPC, to="Vpc")
    subnets: Sequence[str | Ref] = checked(each(ID), to="Subnet", default=(), converter=as_set)
    id: str = read_only("RouteTable.RouteTableId")
    associations: Mapping[str, str] = read_only()
    nat_gateways: tuple[str, ...] = read_only()

    @property
    def in_use(self) -> bool:
        return bool(self.subnets)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> RouteTable:
        associations = {
            one["SubnetId"]: one["RouteTableAssociationId"]
            for one in answer.get("Associations", ())
            if one.get("SubnetId")  # that of a VPC's main table has none
        }
        return cls(
            **tag_fields(answer.get("Tags")),
            vpc=answer["VpcId"],
            subnets=tuple(associations),
            id=answer["RouteTableId"],
            associations=associations,
            nat_gateways=tuple(
                route["NatGatewayId"]
                for route in answer.get("Routes", ())
                if route.get("NatGatewayId")
            ),
            state="available",
        )

    def refers_to(self) -> Iterator[Use]:
        yield "Vpc", str(self.vpc)
        for gateway in self.nat_gateways:
            yield "NatGateway", gateway

    def serves(self) -> Iterator[Use]:
        for subnet in self.subnets:
            yield "Subnet", str(subnet)

    def widened(self, actual: RouteTable, at_work: Collection[Use]) -> RouteTable:
        kept = [subnet for subnet in actual.subnets if ("Subnet", str(subnet)) in at_work]
        return evolve(self, subnets=[*self.subnets, *kept])

    def create(self) -> Steps:
        yield self.CREATE(VpcId=self.vpc, TagSpecifications=self.tagging())
        yield WAIT_STABLE
        for subnet in self.subnets:
            yield self.ASSOCIATE(RouteTableId=self.id, SubnetId=subnet)

    def update(self, actual: RouteTable, drift: Collection[str]) -> Steps:
        if "subnets" in drift:
            for subnet in self.subnets:
                if subnet not in actual.subnets:
                    yield from self._associate(subnet, actual.id)
            for subnet, association in actual.associations.items():
                if subnet not in self.subnets:
                    yield self.DISASSOCIATE(AssociationId=association)
        yield from self.tag(actual, drift)

    def _associate(self, subnet: str | Ref, table: str) -> Steps:
        """
        Moves a subnet from the table that it has to this one, without a gap; else associates it.
        """
        if isinstance(subnet, str):
            of_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
            path = f"RouteTables[].Associations[?SubnetId=='{subnet}'][].RouteTableAssociationId"
            move = self.REPLACE_ASSOCIATION(AssociationId=ITEM, RouteTableId=table)
            yield ForEach(self.DESCRIBE(Filters=of_subnet), path, move)
        yield self.ASSOCIATE(RouteTableId=table, SubnetId=subnet)

    def delete(self) -> Steps:
        # EC2 deletes no table that a subnet uses
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html).
        for association in self.associations.values():
            yield self.DISASSOCIATE(AssociationId=association)
        yield self.DELETE(RouteTableId=self.id)


@frozen(kw_only=True)
class Route(Resource):
    """
    The route of a table to *destination*: through an internet gateway or a NAT gateway.

    It has the name of its table, is found with it, and is deleted with it.
    """

    DESCRIBE: ClassVar = RouteTable.DESCRIBE
    CREATE: ClassVar = Operation(
        "ec2",
        "CreateRoute",
        exists=("RouteAlreadyExists",),
        not_yet=(
            *fresh("InvalidNatGatewayID.NotFound", "InvalidGatewayID.NotFound", seconds=300),
            *NEW_ID,
        ),
    )
    REPLACE: ClassVar = Operation("ec2", "ReplaceRoute", not_yet=CREATE.not_yet)
    DELETE: ClassVar = Operation("ec2", "DeleteRoute", absent=("InvalidRoute.NotFound",))
    # EC2 has no tags for routes: the owner is that of the table.
    TAGGED: ClassVar = False

    table: str | Ref = create_only(ID, to="RouteTable")
    destination: str = create_only(network(0, 32), default="0.0.0.0/0")
    internet_gateway: str | Ref | None = checked(
        optional(instance(str, Ref)), to="InternetGateway", default=None
    )
    nat_gateway: str | Ref | None = checked(
        optional(instance(str, Ref)), to="NatGateway", default=None
    )

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Route]:
        return ()

    def read(self, reader: Reader) -> Route | None:
        listed = RouteTable.listed(self.stack, reader)
        named = [table for table in listed if tag_fields(table["Tags"])["name"] == self.name]
        own = [table for table in named if table["RouteTableId"] == self.table]
        for table in own or sorted(named, key=_duplicate_order):
            for route in table.get("Routes", ()):
                if route.get("DestinationCidrBlock") == self.destination:
                    return self._parse(table["RouteTableId"], route)
        return None

    def _parse(self, table: str, route: Mapping[str, Any]) -> Route:
        # EC2 keeps a route whose target was deleted, as a black hole
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html).  It is read as a
        # route without a target, so it differs from the desired one and is replaced.
        lost = route.get("State") == "blackhole"
        return Route(
            name=self.name,
            stack=self.stack,
            owner=self.stack,
            table=table,
            destination=self.destination,
            internet_gateway=None if lost else route.get("GatewayId"),
            nat_gateway=None if lost else route.get("NatGatewayId"),
            state=route.get("State", "active"),
        )

    def _params(self) -> dict[str, Any]:
        # EC2 takes exactly one target.
        target = {"GatewayId": self.internet_gateway, "NatGatewayId": self.nat_gateway}
        return {
            "RouteTableId": self.table,
            "DestinationCidrBlock": self.destination,
            **{name: value for name, value in target.items() if value is not None},
        }

    def create(self) -> Steps:
        yield self.CREATE(**self._params())

    def update(self, actual: Route, drift: Collection[str]) -> Steps:
        yield self.REPLACE(**self._params())

    def delete(self) -> Steps:
        yield self.DELETE(RouteTableId=self.table, DestinationCidrBlock=self.destination)


def _duplicate_order(table: Mapping[str, Any]) -> tuple[bool, str]:
    """
    The order of duplicates: one that a subnet uses stays.
    """
    used = any(one.get("SubnetId") for one in table.get("Associations", ()))
    return not used, str(table["RouteTableId"])
