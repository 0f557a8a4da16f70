"""
The ways out of a VPC: internet gateway, elastic IP and NAT gateway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.calls import GONE, SETTLE, Operation, Steps, Together
from batchkit._model.checks import checked, one_of
from batchkit._model.resource import Ask, fixed, output
from batchkit._model.tags import SETTLED, as_list, held_tags, parse
from batchkit._model.values import Ref
from batchkit.resources.ec2 import (
    ID,
    NEW_ANY,
    NEW_SUBNET,
    NEW_VPC,
    TAGGING,
    VPC,
    Ec2Resource,
    busy,
    fresh,
)


@frozen(kw_only=True)
class InternetGateway(Ec2Resource):
    """
    The way between a VPC and the internet.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeInternetGateways", wide=True)
    CREATE: ClassVar = Operation("ec2", "CreateInternetGateway", TAGGING, repeatable=False)
    ATTACH: ClassVar = Operation(
        "ec2",
        "AttachInternetGateway",
        exists=(
            "Resource.AlreadyAssociated",
            "InvalidParameterValue: already has an internet gateway",
            "InvalidInternetGatewayID.NotFound",  # another caller's pruning was faster
        ),
        not_yet=(*NEW_VPC, *NEW_ANY),
    )
    DETACH: ClassVar = Operation(
        "ec2",
        "DetachInternetGateway",
        absent=("Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"),
        not_yet=busy(1200),
    )
    DELETE: ClassVar = Operation(
        "ec2",
        "DeleteInternetGateway",
        absent=("InvalidInternetGatewayID.NotFound",),
        not_yet=busy(300),
    )
    LISTED: ClassVar = "InternetGateways"
    TYPE: ClassVar = "internet-gateway"
    HOLDS: ClassVar = ("vpc-id", "vpc")
    NATURAL_KEY: ClassVar = False

    vpc: str | Ref = checked(VPC)
    id: str = output("InternetGateway.InternetGatewayId")

    @property
    def committed(self) -> bool:
        return bool(self.vpc)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], ask: Ask) -> InternetGateway:
        attached = [one["VpcId"] for one in answer.get("Attachments", ())]
        return cls(
            **held_tags(answer.get("Tags")),
            vpc=attached[0] if attached else "",
            id=answer["InternetGatewayId"],
            state="available",
        )

    def create(self) -> Steps:
        yield self.CREATE(TagSpecifications=self.tagging())
        yield Together((SETTLE, self.ATTACH(InternetGatewayId=self.id, VpcId=self.vpc)))

    def update(self, held: InternetGateway, drift: Collection[str]) -> Steps:
        if "vpc" in drift:
            if held.vpc:
                yield self.DETACH(InternetGatewayId=held.id, VpcId=held.vpc)
            yield self.ATTACH(InternetGatewayId=held.id, VpcId=self.vpc)
        yield from self.tag(drift)

    def delete(self) -> Steps:
        if self.vpc:
            yield self.DETACH(InternetGatewayId=self.id, VpcId=self.vpc)
        yield self.DELETE(InternetGatewayId=self.id)


@frozen(kw_only=True)
class ElasticIp(Ec2Resource):
    """
    A public address.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeAddresses", wide=True)
    CREATE: ClassVar = Operation("ec2", "AllocateAddress", TAGGING, repeatable=False)
    DELETE: ClassVar = Operation(
        "ec2",
        "ReleaseAddress",
        absent=("InvalidAllocationID.NotFound",),
        # For a while after its NAT gateway is gone, AWS says that the address isn't the caller's.
        not_yet=fresh(
            "AuthFailure",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidIPAddress.InUse",
            seconds=300,
        ),
    )
    TAGS: ClassVar = Operation("ec2", "DescribeTags", wide=True)
    LISTED: ClassVar = "Addresses"
    TYPE: ClassVar = "elastic-ip"
    NATURAL_KEY: ClassVar = False
    CLAIMED_BY: ClassVar = "allocation-id"

    settled: bool = checked(one_of(True), default=True)
    id: str = output("AllocationId")
    address: str = output("PublicIp")

    @property
    def committed(self) -> bool:
        return self.settled

    @classmethod
    def told(cls, stack: str, ask: Ask) -> list[Mapping[str, Any]]:
        """
        Addresses with their tags, which not every emulator lists with them.
        """
        listed = super().told(stack, ask)
        bare = sorted(one["AllocationId"] for one in listed if "Tags" not in one)
        if not bare:
            return listed
        tags = ask(cls.TAGS(Filters=[{"Name": "resource-id", "Values": bare}]))["Tags"]
        return [
            {"Tags": [tag for tag in tags if tag["ResourceId"] == one["AllocationId"]], **one}
            for one in listed
        ]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], ask: Ask) -> ElasticIp:
        return cls(
            **held_tags(answer.get("Tags")),
            id=answer["AllocationId"],
            address=answer["PublicIp"],
            settled=SETTLED in parse(answer.get("Tags")) or "AssociationId" in answer,
            state="available",
        )

    def create(self) -> Steps:
        yield self.CREATE(Domain="vpc", TagSpecifications=self.tagging())
        yield Together((SETTLE, tuple(self._settle(self.id))))

    def update(self, held: ElasticIp, drift: Collection[str]) -> Steps:
        if "settled" in drift:
            yield from self._settle(held.id)
        yield from self.tag(drift)

    def _settle(self, identity: str) -> Steps:
        yield self.claim(identity)
        # With all its tags: an emulator may have dropped those that it was made with.
        tags = {**self.all_tags, SETTLED: "yes"}
        yield self.TAG(Resources=[identity], Tags=as_list(tags))

    def delete(self) -> Steps:
        yield self.DELETE(AllocationId=self.id)


@frozen(kw_only=True)
class NatGateway(Ec2Resource):
    """
    The way out for private subnets; takes AWS one to two minutes to make.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeNatGateways", wide=True)
    CREATE: ClassVar = Operation(
        "ec2",
        "CreateNatGateway",
        TAGGING,
        exists=("Resource.AlreadyAssociated",),
        not_yet=(
            *NEW_SUBNET,
            *fresh("InvalidElasticIpID.NotFound", "InvalidAllocationID.NotFound"),
        ),
        repeatable=False,
    )
    DELETE: ClassVar = Operation("ec2", "DeleteNatGateway", absent=("NatGatewayNotFound",))
    LISTED: ClassVar = "NatGateways"
    TYPE: ClassVar = "natgateway"
    READY: ClassVar = ("available",)
    BROKEN: ClassVar = ("failed",)
    GOING: ClassVar = ("deleting", "deleted")
    NATURAL_KEY: ClassVar = False
    SECONDS: ClassVar = 1800

    subnet: str | Ref = fixed(ID)
    address: str | Ref = fixed(ID)
    id: str = output("NatGateway.NatGatewayId")

    @classmethod
    def find(cls, stack: str, ask: Ask) -> Iterable[NatGateway]:
        # Deleted ones stay listed for an hour, with their tags.
        return [held for held in super().find(stack, ask) if held.state != "deleted"]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], ask: Ask) -> NatGateway:
        addresses = answer.get("NatGatewayAddresses") or [{}]
        failure = (answer.get("FailureCode"), answer.get("FailureMessage"))
        return cls(
            **held_tags(answer.get("Tags")),
            subnet=answer["SubnetId"],
            address=addresses[0].get("AllocationId", ""),
            id=answer["NatGatewayId"],
            state=answer["State"],
            reason=": ".join(filter(None, failure)),
        )

    def differs(self, name: str, held: Any) -> bool:
        unknown = name == "address" and not held.address
        return not unknown and super().differs(name, held)

    def create(self) -> Steps:
        yield self.CREATE(
            SubnetId=self.subnet, AllocationId=self.address, TagSpecifications=self.tagging()
        )
        yield SETTLE

    def update(self, held: NatGateway, drift: Collection[str]) -> Steps:
        yield from self.tag(drift)

    def delete(self) -> Steps:
        if self.state not in self.BROKEN:
            yield self.DELETE(NatGatewayId=self.id)
            yield GONE
