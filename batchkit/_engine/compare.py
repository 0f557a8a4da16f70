"""
Comparing: what has to be done to a resource so that AWS holds what is desired, and why.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from batchkit._model.calls import Steps
from batchkit._model.properties import compared_fields, read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.values import references
from batchkit.errors import NotOwnedError, ReplacementNeeded
from batchkit.events import Action


@frozen
class Change:
    """
    A property that differs: its *actual* value in AWS, and the one that is *desired*.
    """

    field: str
    actual: object
    desired: object


def changes(desired: Resource, actual: Resource) -> tuple[Change, ...]:
    """
    The properties in which *actual* differs from *desired*.
    """
    return tuple(
        Change(a.name, getattr(actual, a.name), getattr(desired, a.name))
        for a in compared_fields(type(desired))
        if desired.differs(a.name, actual)
    )


@frozen
class Decision:
    """
    What has to be done so that *desired* takes the place of *actual*.
    """

    desired: Resource
    actual: Resource | None
    action: Action
    changes: tuple[Change, ...] = ()

    @property
    def reason(self) -> str:
        """
        The properties that differ, in one line.
        """
        return ", ".join(change.field for change in self.changes)

    @property
    def renews(self) -> bool:
        """
        Whether it leaves the actual resource as it is and makes a successor, as a revision is.
        """
        regenerates = any(a.metadata["regenerated"] for a in read_only_fields(type(self.desired)))
        return regenerates and any(change.field != "tags" for change in self.changes)

    def steps(self) -> Steps:
        """
        The steps that carry it out.
        """
        if self.action is Action.CREATE or self.actual is None:
            return self.desired.create()
        return self.desired.update(self.actual, tuple(change.field for change in self.changes))


def decide(desired: Resource, candidates: Sequence[Resource], *, adopt: bool = False) -> Decision:
    """
    What has to be done so that AWS holds *desired*, given what it holds under that name.

    Raises:
        NotOwnedError: One of that name exists, is not the stack's, and may not be adopted.
        ReplacementNeeded: A property differs that AWS can't change.
    """
    usable = [actual for actual in candidates if not _is_lost(actual)]
    if not usable:
        deleting = next((actual for actual in candidates if actual.state in actual.DELETING), None)
        return Decision(desired, deleting, Action.CREATE)
    actual = usable[0]
    if desired.NATURAL_KEY:
        actual = min(usable, key=lambda one: len(changes(desired, one)))
    if not desired.TAGGED or actual.owned:
        return _compare(desired, actual, Action.UPDATE, changes(desired, actual))
    if not adopt:
        raise NotOwnedError(_not_owned(desired, actual))
    # The owner is a tag, so an adoption writes the tags even where those of the user are right.
    owner = Change("tags", actual.tags, desired.all_tags)
    others = (change for change in changes(desired, actual) if change.field != "tags")
    return _compare(desired, actual, Action.ADOPT, (owner, *others))


def in_wrong_parent(desired: Resource, resolved: Resource, actual: Resource) -> bool:
    """
    Whether *actual* is in another parent than the one that stays, such as another VPC.

    It is made again in the right one, and deleted from the wrong one as an orphan.
    """
    # CreateVpc has no client token: two callers at the same time make two VPCs, and each fills its
    # own.  One VPC stays, and AWS can't move a subnet or a security group from one to the other
    # (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
    for attribute in compared_fields(type(desired)):
        refers = any(references(getattr(desired, attribute.name)))
        known = not any(references(getattr(resolved, attribute.name)))
        if attribute.metadata.get("create_only") and refers and known:
            if resolved.differs(attribute.name, actual):
                return True
    return False


def _is_lost(actual: Resource) -> bool:
    """
    Whether it is being deleted, or has failed and another of its name can be made beside it.
    """
    # A NAT gateway that has failed stays listed for about an hour, and can't be repaired
    # (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html).
    failed = actual.state in actual.FAILED and not actual.NATURAL_KEY
    return failed or actual.state in actual.DELETING


def _compare(
    desired: Resource, actual: Resource, action: Action, differing: tuple[Change, ...]
) -> Decision:
    create_only = {a.name for a in compared_fields(type(desired)) if a.metadata.get("create_only")}
    for change in differing:
        # A reference that isn't resolved yet has no value that could be compared.
        if change.field in create_only and not any(references(change.desired)):
            raise ReplacementNeeded(_cannot_change(desired, change))
    if actual.state in desired.FAILED:
        differing = (*differing, Change("state", actual.state, "a working one"))
    return Decision(desired, actual, action if differing else Action.KEEP, differing)


def _not_owned(desired: Resource, actual: Resource) -> str:
    whose = "it carries no such tag"
    if actual.owner:
        whose = f"it belongs to the stack {actual.owner!r}"
    return (
        f"{desired} exists ({actual.identity}) and is not of the stack {desired.stack!r}: {whose}. "
        "It was not touched. Choose another name, or pass adopt=True to take it over."
    )


def _cannot_change(desired: Resource, change: Change) -> str:
    return (
        f"{desired}: AWS can't change {change.field} from {change.actual!r} to {change.desired!r}. "
        f"Keep {change.actual!r}, or make a stack of another name and destroy this one."
    )
