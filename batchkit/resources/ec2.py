"""
What the resource types of EC2 share.

EC2 has no natural key for most of them.  They are made with their tags in the same call and found
by these.  If two callers make the same resource at once, one of the duplicates stays: the one that
has the lock (`locks.py`), or that is attached or associated, since AWS allows only one of each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from attrs import frozen

from batchkit._model.calls import NotYet, Operation, Steps
from batchkit._model.checks import text
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import as_list, of_stack, owner, parse
from batchkit._model.users import User
from batchkit._model.values import Arn
from batchkit.resources import foreign as _foreign
from batchkit.resources.locks import (
    RELEASE_LOCK,
    TAKE_LOCK,
    ReleaseLock,
    TakeLock,
    lock_group,
    lock_holder,
)

Ec2 = TypeVar("Ec2", bound="Ec2Resource")

# EC2 checks ec2:CreateTags for the tags in a create call too
# (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html).
TAGGING: Final = ("ec2:CreateTags",)
ID = text(r"[a-z]+-[0-9a-zA-Z]+", "an EC2 id")
VPC = text(r"vpc-\w+", "a VPC's id")


def fresh(*codes: str, seconds: float = 120) -> tuple[NotYet, ...]:
    """
    The errors that EC2 gives for an id that it made a moment ago.
    """
    return tuple(NotYet(code, seconds) for code in codes)


# EC2 is eventually consistent: a new id may be unknown to the next call, also after one call has
# found it (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).  One id has
# several codes: `InvalidAllocationID.NotFound` in one call is `InvalidElasticIpID.NotFound` in
# another (https://github.com/hashicorp/terraform-provider-aws/issues/11060), and some end in Id.
# InvalidRoute.NotFound and InvalidPermission.NotFound are about no id, and never pass.
NEW_ID: Final = fresh(
    "Invalid*ID.NotFound",
    "Invalid*Id.NotFound",
    "InvalidGroup.NotFound",
    "NatGatewayNotFound",
    "InvalidID",
)
NO_TABLE: Final = ("InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound")


def busy(seconds: float) -> tuple[NotYet, ...]:
    """
    The errors that pass once nothing uses the resource any more.
    """
    # AWS removes the network interface of a Fargate task some time after the task has stopped:
    # mostly within seconds, sometimes after minutes.
    return fresh("DependencyViolation", "InvalidGroup.InUse", seconds=seconds)


@frozen(kw_only=True)
class Ec2Resource(Resource):
    """
    A resource that is found by its tags, and tagged in the call that makes it.
    """

    DESCRIBE: ClassVar[Operation]
    TAG: ClassVar = Operation("ec2", "CreateTags", not_yet=NEW_ID)
    UNTAG: ClassVar = Operation("ec2", "DeleteTags", not_yet=NEW_ID)
    TAKE_LOCK: ClassVar = TAKE_LOCK
    RELEASE_LOCK: ClassVar = RELEASE_LOCK
    INTERFACES: ClassVar = _foreign.INTERFACES
    INSTANCES: ClassVar = _foreign.INSTANCES
    LISTED: ClassVar[str]
    TYPE: ClassVar[str]
    LOCKED_BY: ClassVar[str] = ""
    INTERFACE_FILTER: ClassVar[tuple[str, str] | None] = None
    """EC2's filter for the network interfaces in it, and the field with the filter's value."""

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        # EC2 gives ids; which of them are the stack's, their tags tell.
        return (Arn("ec2", "*/*"),)

    @classmethod
    def find(cls: type[Ec2], stack: str, reader: Reader) -> Iterable[Ec2]:
        listed = cls.listed(stack, reader)
        return [actual for one in listed if (actual := cls.parse(one, reader)) is not None]

    @classmethod
    def listed(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        """
        The items of the answer to DESCRIBE that carry the stack's tag.
        """
        # The tags are compared here as well: not every emulator applies the filter.
        items = cls.described(stack, reader)
        return [one for one in items if owner(parse(one.get("Tags"))) == stack]

    @classmethod
    def described(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        """
        The items of the answer to DESCRIBE, filtered by the stack's tag.
        """
        items: list[Mapping[str, Any]] = reader(cls.DESCRIBE(Filters=of_stack(stack)))[cls.LISTED]
        return items

    @classmethod
    def parse(cls: type[Ec2], answer: Mapping[str, Any], reader: Reader) -> Ec2 | None:
        """
        The resource that one item of the answer to DESCRIBE describes.
        """
        raise NotImplementedError

    def candidates(self: Ec2, reader: Reader) -> list[Ec2]:
        named = [actual for actual in self.find(self.stack, reader) if actual.name == self.name]
        holder = lock_holder(self, reader) if self.LOCKED_BY and len(named) > 1 else ""
        return sorted(named, key=lambda one: (one.identity != holder, *duplicate_order(one)))

    def read(self: Ec2, reader: Reader) -> Ec2 | None:
        return next(iter(self.candidates(reader)), None)

    def tagging(self) -> list[dict[str, Any]]:
        """
        The parameter that tags the resource in the call that makes it.
        """
        # If the tags came in a second call, a crash between the two would leave a resource that
        # nobody finds.
        return [{"ResourceType": self.TYPE, "Tags": as_list(self.all_tags)}]

    def lock(self, identity: str) -> TakeLock:
        """
        The step that makes *identity* the one of several duplicates that stays.
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
        The step that releases the lock, if this resource holds it.
        """
        if self.LOCKED_BY:
            yield ReleaseLock(self.RELEASE_LOCK, lock_group(self), str(self.identity))

    def blockers(self, reader: Reader) -> list[str]:
        return _words(self._interfaces(reader))

    def active_users(self, reader: Reader) -> list[User]:
        others = [
            one for one in self._interfaces(reader) if one.get("InterfaceType") not in _OF_NETWORK
        ]
        needs = frozenset({(self.type_name(), str(self.identity))})
        return [User(f"network interface {words}", needs) for words in _words(others)]

    def _interfaces(self, reader: Reader) -> list[Mapping[str, Any]]:
        if not self.INTERFACE_FILTER:
            return []
        # Without one of these filters, EC2 fails for an account with many interfaces
        # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html).
        name, attribute = self.INTERFACE_FILTER
        inside = [{"Name": name, "Values": [getattr(self, attribute)]}]
        found: list[Mapping[str, Any]] = reader(self.INTERFACES(Filters=inside))[
            "NetworkInterfaces"
        ]
        return found

    def foreign_users(self, reader: Reader) -> list[str]:
        if not self.INTERFACE_FILTER:
            return []
        name, attribute = self.INTERFACE_FILTER
        return _foreign.interfaces(reader, name, getattr(self, attribute), self.stack)

    def tag(self, actual: Resource, drift: Collection[str]) -> Steps:
        """
        The calls that bring the tags to what is desired, if they differ; others' are left alone.
        """
        if "tags" in drift:
            keys = [{"Key": key} for key in self.left_out(actual)]
            tag = self.TAG(Resources=[self.identity], Tags=as_list(self.all_tags))
            yield from self.retag(actual, tag, self.UNTAG(Resources=[self.identity], Tags=keys))


_OF_NETWORK: Final = ("nat_gateway", "vpc_endpoint", "efs")
"""The interfaces of what belongs to a network; they go with it, and nothing works in them."""


def _words(interfaces: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    Network *interfaces*, each in words: AWS deletes nothing that contains one.

    Those of Fargate and of NAT gateways are managed by the service, and only it can delete them
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html).
    """
    descriptions = []
    for one in interfaces:
        about = (
            one.get("InterfaceType"),
            one.get("Description"),
            one.get("Status"),
            f"of {one.get('RequesterId') or one.get('OwnerId')}",
        )
        descriptions.append(f"{one['NetworkInterfaceId']} ({', '.join(filter(None, about))})")
    return descriptions


def duplicate_order(actual: Resource) -> tuple[bool, bool, str]:
    """
    The order of duplicates of which none has the lock, the same for every caller.
    """
    return actual.state in actual.FAILED, not actual.in_use, str(actual.identity)
