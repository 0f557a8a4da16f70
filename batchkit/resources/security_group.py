"""
The security group that jobs run in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.calls import Operation, Steps
from batchkit._model.checks import as_set, checked, each, network, text
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.tags import tag_fields
from batchkit._model.values import Ref
from batchkit.resources.ec2 import NEW_ID, TAGGING, VPC, Ec2Resource, busy


@frozen(kw_only=True)
class SecurityGroup(Ec2Resource):
    """
    A firewall that lets everything out to *egress* and nothing in.

    Rules that others have added are left alone.
    """

    DESCRIBE: ClassVar = Operation("ec2", "DescribeSecurityGroups", wide=True)
    # A group's name is unique in its VPC, whatever its case
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html).
    CREATE: ClassVar = Operation(
        "ec2", "CreateSecurityGroup", TAGGING, exists=("InvalidGroup.Duplicate",), not_yet=NEW_ID
    )
    ALLOW: ClassVar = Operation(
        "ec2",
        "AuthorizeSecurityGroupEgress",
        exists=("InvalidPermission.Duplicate",),
        not_yet=NEW_ID,
    )
    REVOKE: ClassVar = Operation(
        "ec2", "RevokeSecurityGroupEgress", absent=("InvalidPermission.NotFound",), not_yet=NEW_ID
    )
    DELETE: ClassVar = Operation(
        "ec2", "DeleteSecurityGroup", absent=("InvalidGroup.NotFound",), not_yet=busy(900)
    )
    LISTED: ClassVar = "SecurityGroups"
    TYPE: ClassVar = "security-group"
    INTERFACE_FILTER: ClassVar = ("group-id", "id")
    EVERYWHERE: ClassVar = "0.0.0.0/0"

    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
    name: str = checked(
        text(
            r"(?i)(?!sg-)[\w ._:/()#,@\[\]+=&;{}!$*-]{1,255}",
            "1-255 of the characters that EC2 takes, not first sg-",
        )
    )
    vpc: str | Ref = create_only(VPC, to="Vpc")
    description: str = create_only(
        text(r"[\w ._:/()#,@\[\]+=&;{}!$*-]{1,255}", "1-255 of the characters that EC2 takes"),
        default="Made by batchkit: everything out, nothing in",
    )
    egress: Sequence[str] = checked(
        each(network(0, 32), least=1), default=(EVERYWHERE,), converter=as_set
    )
    id: str = read_only("GroupId")

    @classmethod
    def parse(cls, answer: Mapping[str, Any], reader: Reader) -> SecurityGroup:
        return cls(
            **tag_fields(answer.get("Tags"), name=answer["GroupName"]),
            vpc=answer["VpcId"],
            description=answer["Description"],
            egress=[
                scope["CidrIp"]
                for rule in answer.get("IpPermissionsEgress", ())
                if rule["IpProtocol"] == "-1"
                for scope in rule.get("IpRanges", ())
            ],
            id=answer["GroupId"],
            state="available",
        )

    def differs(self, name: str, actual: Any) -> bool:
        if name == "egress":
            return not set(self.egress) <= set(actual.egress)
        return super().differs(name, actual)

    def create(self) -> Steps:
        yield self.CREATE(
            GroupName=self.name,
            Description=self.description,
            VpcId=self.vpc,
            TagSpecifications=self.tagging(),
        )
        # EC2 makes a group with a rule that lets everything out
        # (https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html), and refuses
        # a second one of the same kind.
        if self.EVERYWHERE not in self.egress:
            yield self.REVOKE(GroupId=self.id, IpPermissions=_all_to([self.EVERYWHERE]))
        if missing := [cidr for cidr in self.egress if cidr != self.EVERYWHERE]:
            yield self.ALLOW(GroupId=self.id, IpPermissions=_all_to(missing))

    def update(self, actual: SecurityGroup, drift: Collection[str]) -> Steps:
        if "egress" in drift:
            # EC2 applies all rules of a call or none: one that exists would refuse the others.
            missing = [cidr for cidr in self.egress if cidr not in actual.egress]
            yield self.ALLOW(GroupId=actual.id, IpPermissions=_all_to(missing))
        yield from self.tag(actual, drift)

    def delete(self) -> Steps:
        yield self.DELETE(GroupId=self.id)


def _all_to(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}]
