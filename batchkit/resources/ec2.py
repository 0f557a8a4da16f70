"""
What the kinds of EC2 share.

EC2 has no natural key for most of them.  They are made with their tags in the same call and found
by them.  Where two callers make the same at once, one of the twins stays: that which has been
claimed (`_claims.py`), attached or associated, since AWS lets only one be that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from attrs import frozen

from batchkit._model.calls import NotYet, Operation, Steps
from batchkit._model.checks import text
from batchkit._model.resource import Reader, Resource
from batchkit._model.tags import as_list, of_stack, owner, parse
from batchkit.resources.locks import (
    RELEASE_LOCK,
    TAKE_LOCK,
    ReleaseLock,
    TakeLock,
    lock_group,
    lock_holder,
)

Ec2 = TypeVar("Ec2", bound="Ec2Resource")

TAGGING: Final = ("ec2:CreateTags",)
ID = text(r"[a-z]+-[0-9a-zA-Z]+", "an EC2 id")
VPC = text(r"vpc-\w+", "a VPC's id")


def fresh(*codes: str, seconds: float = 120) -> tuple[NotYet, ...]:
    """
    The errors that EC2 gives for an id that it made a moment ago.
    """
    return tuple(NotYet(code, seconds) for code in codes)


def codes(rules: Iterable[NotYet]) -> tuple[str, ...]:
    """
    The codes of *rules*.
    """
    return tuple(rule.code for rule in rules)


NEW_VPC = fresh("InvalidVpcID.NotFound")
NEW_TABLE = fresh("InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound")
NEW_SUBNET = fresh("InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound")
NEW_ANY = fresh(
    "InvalidID",
    "InvalidInternetGatewayID.NotFound",
    "InvalidAllocationID.NotFound",
    "InvalidGroup.NotFound",
    "NatGatewayNotFound",
)


def busy(seconds: float) -> tuple[NotYet, ...]:
    """
    The errors that pass once what uses the resource has let go of it.
    """
    return fresh("DependencyViolation", "InvalidGroup.InUse", seconds=seconds)


@frozen(kw_only=True)
class Ec2Resource(Resource):
    """
    What is found by its tags, and tagged in the call that makes it.
    """

    DESCRIBE: ClassVar[Operation]
    TAG: ClassVar = Operation(
        "ec2", "CreateTags", not_yet=(*NEW_VPC, *NEW_TABLE, *NEW_SUBNET, *NEW_ANY)
    )
    TAKE_LOCK: ClassVar = TAKE_LOCK
    RELEASE_LOCK: ClassVar = RELEASE_LOCK
    INTERFACES: ClassVar = Operation("ec2", "DescribeNetworkInterfaces", wide=True)
    LISTED: ClassVar[str]
    TYPE: ClassVar[str]
    LOCKED_BY: ClassVar[str] = ""
    INTERFACE_FILTER: ClassVar[tuple[str, str] | None] = None
    """By which of its attributes EC2 lists the network interfaces in it, if it can have any."""

    @classmethod
    def find(cls: type[Ec2], stack: str, reader: Reader) -> Iterable[Ec2]:
        listed = cls.listed(stack, reader)
        return [actual for one in listed if (actual := cls.parse(one, reader)) is not None]

    @classmethod
    def listed(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        """
        What the answer to DESCRIBE has that carries the stack's tag.
        """
        # Looked at here as well: not every emulator knows the filter.
        told = cls.told(stack, reader)
        return [one for one in told if owner(parse(one.get("Tags"))) == stack]

    @classmethod
    def told(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        """
        The answer to DESCRIBE, filtered as far as who answers can.
        """
        told: list[Mapping[str, Any]] = reader(cls.DESCRIBE(Filters=of_stack(stack)))[cls.LISTED]
        return told

    @classmethod
    def parse(cls: type[Ec2], answer: Mapping[str, Any], reader: Reader) -> Ec2 | None:
        """
        What one item of the answer to DESCRIBE says.
        """
        raise NotImplementedError

    def candidates(self: Ec2, reader: Reader) -> list[Ec2]:
        mine = [actual for actual in self.find(self.stack, reader) if actual.name == self.name]
        holder = lock_holder(self, reader) if self.LOCKED_BY and len(mine) > 1 else ""
        return sorted(mine, key=lambda actual: (actual.identity != holder, *rank(actual)))

    def read(self: Ec2, reader: Reader) -> Ec2 | None:
        return next(iter(self.candidates(reader)), None)

    def tagging(self) -> list[dict[str, Any]]:
        """
        The parameter that tags the resource in the call that makes it.
        """
        return [{"ResourceType": self.TYPE, "Tags": as_list(self.all_tags)}]

    def lock(self, identity: str) -> TakeLock:
        """
        The step that makes *identity* the one of several twins that stays.
        """
        return TakeLock(
            self.TAKE_LOCK,
            lock_group(self),
            self.stack,
            identity,
            self.DESCRIBE,
            self.LOCKED_BY,
            self.LISTED,
        )

    def before_delete(self) -> Steps:
        """
        The step that gives the name back, if this is the twin that has it.
        """
        if self.LOCKED_BY:
            yield ReleaseLock(self.RELEASE_LOCK, lock_group(self), str(self.identity))

    def blockers(self, reader: Reader) -> list[str]:
        if not self.INTERFACE_FILTER:
            return []
        name, attribute = self.INTERFACE_FILTER
        inside = [{"Name": name, "Values": [getattr(self, attribute)]}]
        return interfaces(reader(self.INTERFACES(Filters=inside)))

    def tag(self, drift: Collection[str]) -> Steps:
        """
        The call that puts the tags back, if they differ.
        """
        if "tags" in drift:
            yield self.TAG(Resources=[self.identity], Tags=as_list(self.all_tags))


def interfaces(answer: Mapping[str, Any]) -> list[str]:
    """
    The network interfaces of an *answer*, each in words: they keep what they are in from going.
    """
    told = []
    for one in answer["NetworkInterfaces"]:
        about = (
            one.get("InterfaceType"),
            one.get("Description"),
            one.get("Status"),
            f"of {one.get('RequesterId') or one.get('OwnerId')}",
        )
        told.append(f"{one['NetworkInterfaceId']} ({', '.join(filter(None, about))})")
    return told


def rank(actual: Resource) -> tuple[bool, bool, str]:
    """
    The order of twins that nobody has claimed, the same for every caller.
    """
    return actual.state in actual.FAILED, not actual.in_use, str(actual.identity)
