"""
Comparing: what has to be done to a resource, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from batchkit._engine.aws import Aws
from batchkit._model.resource import Key, Resource, outputs, wishes
from batchkit._model.values import Arn, Here, Ref, references, resolve
from batchkit.errors import NotOwnedError, ReplacementNeeded
from batchkit.events import Action


@frozen
class Change:
    """
    A field that differs: what AWS holds, and what is wanted.
    """

    field: str
    held: object
    wanted: object


def changes(wish: Resource, held: Resource) -> tuple[Change, ...]:
    """
    The fields in which *held* differs from *wish*.
    """
    return tuple(
        Change(a.name, getattr(held, a.name), getattr(wish, a.name))
        for a in wishes(type(wish))
        if wish.differs(a.name, held)
    )


@frozen
class Decision:
    """
    What is to be done to *wish*, given what is *held*.
    """

    wish: Resource
    held: Resource | None
    action: Action
    changes: tuple[Change, ...] = ()

    @property
    def why(self) -> str:
        """
        The fields that differ, in one line.
        """
        return ", ".join(change.field for change in self.changes)


class Known:
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

    def learn_from(self, key: Key, held: Resource) -> None:
        """
        Adds all outputs of what AWS holds.
        """
        self.learn(key, {a.name: getattr(held, a.name) for a in outputs(type(held))})

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

    def fill(self, value: Any) -> Any:
        """
        *value* with every output that is known, and every ARN, in its place.
        """
        return resolve(value, self._replace)

    def fill_wish(self, wish: Resource) -> Resource:
        """
        *wish* with the compared fields filled in.
        """
        filled = {a.name: self.fill(getattr(wish, a.name)) for a in wishes(type(wish))}
        same = {k: v for k, v in filled.items() if v == getattr(wish, k)}
        return attrs.evolve(wish, **{k: v for k, v in filled.items() if k not in same})

    def _replace(self, placeholder: Any) -> Any:
        if isinstance(placeholder, Ref):
            return self.of(placeholder.key).get(placeholder.attribute, placeholder)
        if isinstance(placeholder, (Arn, Here)):
            return self._aws.fill(placeholder)
        return placeholder


def decide(wish: Resource, candidates: Sequence[Resource], *, adopt: bool = False) -> Decision:
    """
    What is to be done so that AWS holds *wish*.

    Raises:
        NotOwnedError: Something of that name is there, not the stack's, and may not be adopted.
        ReplacementNeeded: A field differs that AWS can't change.
    """
    standing = [held for held in candidates if not _is_lost(held)]
    if not standing:
        going = next((held for held in candidates if held.state in held.GOING), None)
        return Decision(wish, going, Action.CREATE)
    held = standing[0]
    if wish.NATURAL_KEY:
        held = min(standing, key=lambda one: len(changes(wish, one)))
    if not wish.TAGGED or held.owned:
        return _compare(wish, held, Action.UPDATE, changes(wish, held))
    if not adopt:
        raise NotOwnedError(_not_owned(wish, held))
    owner = Change("tags", held.tags, wish.all_tags)
    others = (change for change in changes(wish, held) if change.field != "tags")
    return _compare(wish, held, Action.ADOPT, (owner, *others))


def _is_lost(held: Resource) -> bool:
    """
    Whether it is going, or has failed and another of its name can be made beside it.
    """
    return held.state in held.GOING or (held.state in held.BROKEN and not held.NATURAL_KEY)


def _compare(
    wish: Resource, held: Resource, action: Action, differing: tuple[Change, ...]
) -> Decision:
    immovable = {a.name for a in wishes(type(wish)) if a.metadata.get("fixed")}
    for change in differing:
        if change.field in immovable and not any(references(change.wanted)):
            raise ReplacementNeeded(_immovable(wish, change))
    if held.state in wish.BROKEN:
        differing = (*differing, Change("state", held.state, "a working one"))
    return Decision(wish, held, action if differing else Action.KEEP, differing)


def _not_owned(wish: Resource, held: Resource) -> str:
    whose = f"it belongs to the stack {held.owner!r}" if held.owner else "it carries no such tag"
    return (
        f"{wish} exists ({held.identity}) and is not of the stack {wish.stack!r}: {whose}. "
        "It was not touched. Choose another name, or pass adopt=True to take it over."
    )


def _immovable(wish: Resource, change: Change) -> str:
    return (
        f"{wish}: AWS can't change {change.field} from {change.held!r} to {change.wanted!r}. "
        f"Keep {change.held!r}, or make a stack of another name and destroy this one."
    )
