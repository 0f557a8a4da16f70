"""
The VPC and its subnets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.calls import WAIT_STABLE, Call, Operation, Parallel, Steps
from batchkit._model.checks import a_bool, checked, network
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.tags import of_stack, tag_fields
from batchkit._model.values import Ref, Zone
from batchkit.errors import ReplacementNeeded
from batchkit.resources import foreign as _foreign
from batchkit.resources.ec2 import NEW_ID, TAGGING, VPC, Ec2Resource, busy
from batchkit.resources.zones import ZONE


@frozen(kw_only=True)
class Vpc(Ec2Resource):
    """
    A network of its own, with DNS.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeVpcs", wide=True)
    # DescribeVpcs doesn't return the DNS attributes, and this call returns one of them
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html).
    ATTRIBUTE: ClassVar = Operation(
        "ec2", "DescribeVpcAttribute", absent=("InvalidVpcID.NotFound",)
    )
    # CreateVpc takes no client token, so a blind second call makes a second VPC
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html).
    CREATE: ClassVar = Operation("ec2", "CreateVpc", TAGGING, repeatable=False)
    MODIFY: ClassVar = Operation("ec2", "ModifyVpcAttribute", not_yet=NEW_ID)
    DELETE: ClassVar = Operation(
        "ec2", "DeleteVpc", absent=("InvalidVpcID.NotFound",), not_yet=busy(300)
    )
    LISTED: ClassVar = "Vpcs"
    TYPE: ClassVar = "vpc"
    READY: ClassVar = ("available",)
    NATURAL_KEY: ClassVar = False
    LOCKED_BY: ClassVar = "vpc-id"
    INTERFACE_FILTER: ClassVar = ("vpc-id", "id")

    cidr: str = create_only(network(16, 28), default="10.1.0.0/16")
    dns_support: bool = checked(a_bool(), default=True)
    dns_hostnames: bool = checked(a_bool(), default=True)
    id: str = read_only("Vpc.VpcId")

    @property
    def in_use(self) -> bool:
        # A new VPC of EC2 has no DNS host names: its maker sets them after it has taken the lock.
        return self.dns_hostnames

    def candidates(self, reader: Reader) -> list[Vpc]:
        # The id is known: the attributes are read together with the listing, and `parse` finds
        # their answers there.
        if isinstance(self.id, str):
            reader.all(self.DESCRIBE(Filters=of_stack(self.stack)), *self._attributes(self.id))
        return super().candidates(reader)

    @classmethod
    def _attributes(cls, vpc: str) -> list[Call]:
        names = ("enableDnsSupport", "enableDnsHostnames")
        return [cls.ATTRIBUTE(VpcId=vpc, Attribute=name) for name in names]

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> Vpc | None:
        vpc = answer["VpcId"]
        support, hostnames = reader.all(*cls._attributes(vpc))
        if support is None or hostnames is None:  # it was deleted after the listing
            return None
        return cls(
            **tag_fields(answer.get("Tags")),
            cidr=answer["CidrBlock"],
            dns_support=support["EnableDnsSupport"]["Value"],
            dns_hostnames=hostnames["EnableDnsHostnames"]["Value"],
            id=vpc,
            state=answer["State"],
        )

    def create(self) -> Steps:
        yield self.CREATE(CidrBlock=self.cidr, TagSpecifications=self.tagging())
        yield Parallel((WAIT_STABLE, (self.lock(self.id), *self._dns())))

    def _dns(self) -> Steps:
        """
        The call that sets the DNS attributes of a new VPC: EC2 makes it with support, without
        host names (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html).
        """
        if not self.dns_support:
            yield self.MODIFY(VpcId=self.id, EnableDnsSupport={"Value": False})
        elif self.dns_hostnames:
            yield self.MODIFY(VpcId=self.id, EnableDnsHostnames={"Value": True})

    def update(self, actual: Vpc, drift: Collection[str]) -> Steps:
        # EC2 changes one attribute in a call, and host names only where support is on
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html).
        if "dns_support" in drift:
            yield self.MODIFY(VpcId=actual.id, EnableDnsSupport={"Value": self.dns_support})
        if "dns_hostnames" in drift:
            # Its maker may have crashed before it took the lock.
            yield self.lock(actual.id)
            yield self.MODIFY(VpcId=actual.id, EnableDnsHostnames={"Value": self.dns_hostnames})
        yield from self.tag(actual, drift)

    def foreign_users(self, reader: Reader) -> list[str]:
        inside = _foreign.parts(reader, str(self.id), self.stack)
        return [*inside, *super().foreign_users(reader)]

    def delete(self) -> Steps:
        yield self.DELETE(VpcId=self.id)


@frozen(kw_only=True)
class Subnet(Ec2Resource):
    """
    A part of a VPC in an availability zone.

    Args:
        zone: The zone: by name or id; or by number, which decides only where it is made.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeSubnets", wide=True)
    # Subnets of a VPC must not overlap: the CIDR is the natural key, and a second caller conflicts
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html).
    CREATE: ClassVar = Operation(
        "ec2", "CreateSubnet", TAGGING, exists=("InvalidSubnet.Conflict",), not_yet=NEW_ID
    )
    DELETE: ClassVar = Operation(
        "ec2",
        "DeleteSubnet",
        absent=("InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound"),
        not_yet=busy(1200),
    )
    LISTED: ClassVar = "Subnets"
    TYPE: ClassVar = "subnet"
    INTERFACE_FILTER: ClassVar = ("subnet-id", "id")
    READY: ClassVar = ("available",)

    vpc: str | Ref = create_only(VPC, to="Vpc")
    cidr: str = create_only(network(16, 28))
    zone: int | str = checked(ZONE, default=0)
    id: str = read_only("Subnet.SubnetId")
    zone_id: str = read_only()

    @property
    def made_in(self) -> int | str | None:
        return self.zone

    def is_where(self, actual: Any) -> bool:
        # Its number says nothing of one that is there: AWS opens zones, and closes some.
        return isinstance(self.zone, int) or self.zone in (actual.zone, actual.zone_id)

    def differs(self, name: str, actual: Any) -> bool:
        return not self.is_where(actual) if name == "zone" else super().differs(name, actual)

    def candidates(self, reader: Reader) -> list[Subnet]:
        found = super().candidates(reader)
        for actual in found:
            if not self.is_where(actual) and (users := actual.blockers(reader)):
                raise ReplacementNeeded(
                    f"{self} ({actual.id}) is in {actual.zone}, and can't move to {self.zone}: it "
                    f"holds {'; '.join(users)}. Name the zone that it is in, or make a stack of "
                    "another name and destroy this one."
                )
        return found

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> Subnet:
        return cls(
            **tag_fields(answer.get("Tags")),
            vpc=answer["VpcId"],
            cidr=answer["CidrBlock"],
            zone=answer.get("AvailabilityZone", ""),
            zone_id=answer.get("AvailabilityZoneId", ""),
            id=answer["SubnetId"],
            state=answer["State"],
        )

    def create(self) -> Steps:
        yield self.CREATE(
            VpcId=self.vpc,
            CidrBlock=self.cidr,
            AvailabilityZone=Zone(self.zone),
            TagSpecifications=self.tagging(),
        )
        yield WAIT_STABLE

    def update(self, actual: Subnet, drift: Collection[str]) -> Steps:
        if "zone" in drift:
            # A subnet stays in its zone, and two of one CIDR can't be: an empty one goes first.
            yield self.DELETE(SubnetId=actual.id)
            yield from self.create()
        else:
            yield from self.tag(actual, drift)

    def delete(self) -> Steps:
        yield self.DELETE(SubnetId=self.id)
