"""
Comparing: what has to be done to a resource, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from batchkit._engine.aws import Aws
from batchkit._model.properties import compared_fields, read_only_fields
from batchkit._model.resource import Key, Resource
from batchkit._model.values import Arn, Here, Ref, references, resolve
from batchkit.errors import NotOwnedError, ReplacementNeeded
from batchkit.events import Action


@frozen
class Change:
    """
    A field that differs: what AWS holds, and what is wanted.
    """

    field: str
    actual: object
    wanted: object


def changes(desired: Resource, actual: Resource) -> tuple[Change, ...]:
    """
    The fields in which *held* differs from *wish*.
    """
    return tuple(
        Change(a.name, getattr(actual, a.name), getattr(desired, a.name))
        for a in compared_fields(type(desired))
        if desired.differs(a.name, actual)
    )


@frozen
class Decision:
    """
    What is to be done to *wish*, given what is *held*.
    """

    desired: Resource
    actual: Resource | None
    action: Action
    changes: tuple[Change, ...] = ()

    @property
    def reason(self) -> str:
        """
        The fields that differ, in one line.
        """
        return ", ".join(change.field for change in self.changes)


class Outputs:
    """
    The outputs known so far, by resource; fills them in.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._outputs: dict[Key, dict[str, Any]] = {}

    def learn(self, key: Key, values: Mapping[str, Any]) -> None:
        """
        Adds outputs of a resource.
        """
        fresh = {name: value for name, value in values.items() if not isinstance(value, Ref)}
        self._outputs.setdefault(key, {}).update(fresh)

    def learn_from(self, key: Key, actual: Resource) -> None:
        """
        Adds all outputs of what AWS holds.
        """
        self.learn(key, {a.name: getattr(actual, a.name) for a in read_only_fields(type(actual))})

    def forget(self, key: Key) -> None:
        """
        Drops the outputs of a resource.
        """
        self._outputs.pop(key, None)

    def of(self, key: Key) -> dict[str, Any]:
        """
        The outputs of a resource that are known.
        """
        return self._outputs.get(key, {})

    def resolve(self, value: Any) -> Any:
        """
        *value* with every output that is known, and every ARN, in its place.
        """
        return resolve(value, self._replace)

    def resolve_fields(self, desired: Resource) -> Resource:
        """
        *wish* with the compared fields filled in.
        """
        resolved = {
            a.name: self.resolve(getattr(desired, a.name)) for a in compared_fields(type(desired))
        }
        same = {k: v for k, v in resolved.items() if v == getattr(desired, k)}
        return attrs.evolve(desired, **{k: v for k, v in resolved.items() if k not in same})

    def _replace(self, placeholder: Any) -> Any:
        if isinstance(placeholder, Ref):
            return self.of(placeholder.key).get(placeholder.attribute, placeholder)
        if isinstance(placeholder, (Arn, Here)):
            return self._aws.resolve(placeholder)
        return placeholder


def decide(desired: Resource, candidates: Sequence[Resource], *, adopt: bool = False) -> Decision:
    """
    What is to be done so that AWS holds *wish*.

    Raises:
        NotOwnedError: Something of that name is there, not the stack's, and may not be adopted.
        ReplacementNeeded: A field differs that AWS can't change.
    """
    standing = [actual for actual in candidates if not _is_lost(actual)]
    if not standing:
        deleting = next((actual for actual in candidates if actual.state in actual.DELETING), None)
        return Decision(desired, deleting, Action.CREATE)
    actual = standing[0]
    if desired.NATURAL_KEY:
        actual = min(standing, key=lambda one: len(changes(desired, one)))
    if not desired.TAGGED or actual.owned:
        return _compare(desired, actual, Action.UPDATE, changes(desired, actual))
    if not adopt:
        raise NotOwnedError(_not_owned(desired, actual))
    owner = Change("tags", actual.tags, desired.all_tags)
    others = (change for change in changes(desired, actual) if change.field != "tags")
    return _compare(desired, actual, Action.ADOPT, (owner, *others))


def _is_lost(actual: Resource) -> bool:
    """
    Whether it is going, or has failed and another of its name can be made beside it.
    """
    return actual.state in actual.DELETING or (
        actual.state in actual.FAILED and not actual.NATURAL_KEY
    )


def _compare(
    desired: Resource, actual: Resource, action: Action, differing: tuple[Change, ...]
) -> Decision:
    immovable = {a.name for a in compared_fields(type(desired)) if a.metadata.get("create_only")}
    for change in differing:
        if change.field in immovable and not any(references(change.wanted)):
            raise ReplacementNeeded(_immovable(desired, change))
    if actual.state in desired.FAILED:
        differing = (*differing, Change("state", actual.state, "a working one"))
    return Decision(desired, actual, action if differing else Action.KEEP, differing)


def _not_owned(desired: Resource, actual: Resource) -> str:
    whose = (
        f"it belongs to the stack {actual.owner!r}" if actual.owner else "it carries no such tag"
    )
    return (
        f"{desired} exists ({actual.identity}) and is not of the stack {desired.stack!r}: {whose}. "
        "It was not touched. Choose another name, or pass adopt=True to take it over."
    )


def _immovable(desired: Resource, change: Change) -> str:
    return (
        f"{desired}: AWS can't change {change.field} from {change.actual!r} to {change.wanted!r}. "
        f"Keep {change.actual!r}, or make a stack of another name and destroy this one."
    )
