"""
The ways out of a VPC: internet gateway, elastic IP and NAT gateway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Operation, Parallel, Steps
from batchkit._model.checks import checked, one_of
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.tags import SETTLED, as_list, parse, tag_fields
from batchkit._model.users import Use
from batchkit._model.values import Ref
from batchkit.resources import foreign as _foreign
from batchkit.resources.ec2 import (
    ID,
    NEW_ID,
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
    # CreateInternetGateway takes no client token, so a blind second call makes a second gateway.
    CREATE: ClassVar = Operation("ec2", "CreateInternetGateway", TAGGING, repeatable=False)
    ATTACH: ClassVar = Operation(
        "ec2",
        "AttachInternetGateway",
        # A VPC has at most one internet gateway: of two callers, the second is refused
        # (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
        exists=(
            "Resource.AlreadyAssociated",
            "InvalidParameterValue: already has an internet gateway",
            "InvalidInternetGatewayID.NotFound",  # another caller has pruned it meanwhile
        ),
        not_yet=NEW_ID,
    )
    # EC2 refuses for as long as it maps a public address in the VPC, up to minutes after the NAT
    # gateway is deleted
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html).
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
    INTERFACE_FILTER: ClassVar = ("vpc-id", "vpc")
    NATURAL_KEY: ClassVar = False

    vpc: str | Ref = checked(VPC, to="Vpc")
    id: str = read_only("InternetGateway.InternetGatewayId")

    @property
    def in_use(self) -> bool:
        return bool(self.vpc)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> InternetGateway:
        attached = [one["VpcId"] for one in answer.get("Attachments", ())]
        return cls(
            **tag_fields(answer.get("Tags")),
            vpc=attached[0] if attached else "",
            id=answer["InternetGatewayId"],
            state="available",
        )

    def serves(self) -> Iterator[Use]:
        yield "Vpc", str(self.vpc)

    def create(self) -> Steps:
        yield self.CREATE(TagSpecifications=self.tagging())
        yield Parallel((WAIT_STABLE, self.ATTACH(InternetGatewayId=self.id, VpcId=self.vpc)))

    def update(self, actual: InternetGateway, drift: Collection[str]) -> Steps:
        if "vpc" in drift:
            if actual.vpc:
                yield self.DETACH(InternetGatewayId=actual.id, VpcId=actual.vpc)
            yield self.ATTACH(InternetGatewayId=actual.id, VpcId=self.vpc)
        yield from self.tag(actual, drift)

    def foreign_users(self, reader: Reader) -> list[str]:
        return _foreign.interfaces(reader, "vpc-id", self.vpc, self.stack, public=True)

    def delete(self) -> Steps:
        # An attached gateway can't be deleted.
        if self.vpc:
            yield self.DETACH(InternetGatewayId=self.id, VpcId=self.vpc)
        yield self.DELETE(InternetGatewayId=self.id)


@frozen(kw_only=True)
class ElasticIp(Ec2Resource):
    """
    A public address.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeAddresses", wide=True)
    # AllocateAddress takes no client token: a blind second call takes another of the five
    # addresses of a new account
    # (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
    CREATE: ClassVar = Operation("ec2", "AllocateAddress", TAGGING, repeatable=False)
    DELETE: ClassVar = Operation(
        "ec2",
        "ReleaseAddress",
        absent=("InvalidAllocationID.NotFound",),
        # For some seconds after its NAT gateway is deleted, EC2 answers AuthFailure, as if the
        # address were another account's
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html).
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
    LOCKED_BY: ClassVar = "allocation-id"

    settled: bool = checked(one_of(True), default=True)
    id: str = read_only("AllocationId")
    address: str = read_only("PublicIp")

    @property
    def in_use(self) -> bool:
        return self.settled

    @classmethod
    def described(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        """
        Addresses with their tags, which some emulators list only in a call of their own.
        """
        listed = super().described(stack, reader)
        bare = sorted(one["AllocationId"] for one in listed if "Tags" not in one)
        if not bare:
            return listed
        tags = reader(cls.TAGS(Filters=[{"Name": "resource-id", "Values": bare}]))["Tags"]
        return [
            {"Tags": [tag for tag in tags if tag["ResourceId"] == one["AllocationId"]], **one}
            for one in listed
        ]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> ElasticIp:
        return cls(
            **tag_fields(answer.get("Tags")),
            id=answer["AllocationId"],
            address=answer["PublicIp"],
            settled=SETTLED in parse(answer.get("Tags")) or "AssociationId" in answer,
            state="available",
        )

    def create(self) -> Steps:
        yield self.CREATE(Domain="vpc", TagSpecifications=self.tagging())
        yield Parallel((WAIT_STABLE, tuple(self._settle(self.id))))

    def update(self, actual: ElasticIp, drift: Collection[str]) -> Steps:
        if "settled" in drift:
            yield from self._settle(actual.id)
        yield from self.tag(actual, drift)

    def _settle(self, identity: str) -> Steps:
        yield self.lock(identity)
        # An address has no attribute that its maker could change, so a tag says that it has the
        # lock.  All tags are sent: an emulator may have dropped those that it was made with.
        tags = {**self.all_tags, SETTLED: "yes"}
        yield self.TAG(Resources=[identity], Tags=as_list(tags))

    def delete(self) -> Steps:
        yield self.DELETE(AllocationId=self.id)


@frozen(kw_only=True)
class NatGateway(Ec2Resource):
    """
    The way out for private subnets; AWS takes one to two minutes to make it.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeNatGateways", wide=True)
    CREATE: ClassVar = Operation(
        "ec2",
        "CreateNatGateway",
        TAGGING,
        exists=("Resource.AlreadyAssociated",),
        not_yet=NEW_ID,
        repeatable=False,
    )
    DELETE: ClassVar = Operation("ec2", "DeleteNatGateway", absent=("NatGatewayNotFound",))
    LISTED: ClassVar = "NatGateways"
    TYPE: ClassVar = "natgateway"
    COMES_AFTER: ClassVar = ("InternetGateway",)
    READY: ClassVar = ("available",)
    FAILED: ClassVar = ("failed",)
    DELETING: ClassVar = ("deleting", "deleted")
    NATURAL_KEY: ClassVar = False
    TIMEOUT: ClassVar = 1800

    subnet: str | Ref = create_only(ID, to="Subnet")
    address: str | Ref = create_only(ID, to="ElasticIp")
    id: str = read_only("NatGateway.NatGatewayId")

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[NatGateway]:
        # A deleted one stays listed for about an hour, with its tags
        # (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html).
        return [actual for actual in super().find(stack, reader) if actual.state != "deleted"]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> NatGateway:
        addresses = answer.get("NatGatewayAddresses") or [{}]
        failure = (answer.get("FailureCode"), answer.get("FailureMessage"))
        return cls(
            **tag_fields(answer.get("Tags")),
            subnet=answer["SubnetId"],
            address=addresses[0].get("AllocationId", ""),
            id=answer["NatGatewayId"],
            state=answer["State"],
            reason=": ".join(filter(None, failure)),
        )

    def differs(self, name: str, actual: Any) -> bool:
        # An answer may lack the address; what EC2 does not return is no difference.
        unknown = name == "address" and not actual.address
        return not unknown and super().differs(name, actual)

    def create(self) -> Steps:
        yield self.CREATE(
            SubnetId=self.subnet, AllocationId=self.address, TagSpecifications=self.tagging()
        )
        # The call succeeds at once; what is wrong shows later, as the state failed with a reason
        # (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html).
        yield WAIT_STABLE

    def update(self, actual: NatGateway, drift: Collection[str]) -> Steps:
        yield from self.tag(actual, drift)

    def delete(self) -> Steps:
        # AWS deletes a failed one by itself.  Of any other, the address is free only when the
        # deletion is done.
        if self.state not in self.FAILED:
            yield self.DELETE(NatGatewayId=self.id)
            yield WAIT_DELETED
