"""
Plans: what would be done, resource by resource, with the reason and the calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from batchkit._engine.compare import Change, Decision
from batchkit._engine.work import Held
from batchkit._model.calls import Call, Steps, Task, each_step
from batchkit._model.confidential import revealed
from batchkit._model.display import Displayed
from batchkit._model.properties import named_fields
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._printable import printable
from batchkit.events import Action

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.ADOPT: "@",
    Action.KEEP: "=",
    Action.DELETE: "-",
}


@frozen
class Item:
    """
    What would be done to one resource; *waits* is what isn't done yet, for those who work with it.
    """

    action: Action
    resource_type: str
    name: str
    changes: tuple[Change, ...] = ()
    calls: tuple[Call, ...] = ()
    waits: tuple[Held, ...] = ()

    def with_values(self) -> Item:
        """
        The same with the values of environment variables.
        """
        changes = (Change(c.field, revealed(c.actual), revealed(c.desired)) for c in self.changes)
        calls = (Call(call.operation, revealed(call.params)) for call in self.calls)
        return evolve(self, changes=tuple(changes), calls=tuple(calls))

    def __str__(self) -> str:
        lines = [printable(f"{SIGNS[self.action]} {self.resource_type} {self.name}")]
        lines += [printable(f"    {held}") for held in self.waits]
        lines += [f"    {c.field}: {c.actual!r} -> {c.desired!r}" for c in self.changes]
        return "\n".join(lines)


@frozen
class Plan(Displayed):
    """
    What `ensure_stack` would do, in the order in which it would.
    """

    stack: str
    items: tuple[Item, ...]

    def with_values(self) -> Plan:
        """
        The same with the values of environment variables, which it doesn't show otherwise.
        """
        return Plan(self.stack, tuple(item.with_values() for item in self.items))

    @property
    def changes(self) -> tuple[Item, ...]:
        """
        The items that would change something.
        """
        return tuple(item for item in self.items if item.action is not Action.KEEP)

    @property
    def waiting(self) -> tuple[Item, ...]:
        """
        The items of which something stays until a later call, as jobs or executions need it.
        """
        return tuple(item for item in self.items if item.waits)

    @property
    def narrower(self) -> tuple[Held, ...]:
        """
        What is left wider than the spec asks for.
        """
        return tuple(held for item in self.items for held in item.waits if held.fields)

    @property
    def empty(self) -> bool:
        """
        Whether nothing would change.
        """
        return not self.changes

    @property
    def summary(self) -> str:
        """
        What would be done to how many resources, in words.
        """
        counts = Counter(item.action for item in self.items)
        parts = [f"{counts[action]} to {action}" for action in Action if counts[action]]
        return ", ".join(parts) or "nothing"

    def __str__(self) -> str:
        waiting = [item for item in self.waiting if item not in self.changes]
        return "\n".join([f"{self.stack}: {self.summary}", *map(str, [*self.changes, *waiting])])


def make(
    stack: str,
    decisions: Sequence[Decision],
    orphans: Sequence[Resource],
    held: Sequence[Held] = (),
) -> Plan:
    """
    The plan that *decisions* and the deletion of *orphans* amount to, and what is *held* meanwhile.
    """
    narrowed = {(one.resource_type, one.name): one for one in held if one.fields}
    items = [
        evolve(_item(decision, orphans), waits=_waits(narrowed, decision.desired))
        for decision in decisions
    ]
    items += [
        Item(Action.KEEP, one.resource_type, one.name, waits=(one,))
        for one in held
        if not one.fields
    ]
    items += [
        Item(Action.DELETE, *actual.key, calls=_calls(actual.deletion())) for actual in orphans
    ]
    return Plan(stack, tuple(items))


def _waits(narrowed: Mapping[Key, Held], desired: Resource) -> tuple[Held, ...]:
    return (narrowed[desired.key],) if desired.key in narrowed else ()


def _item(decision: Decision, orphans: Sequence[Resource]) -> Item:
    if decision.action is Action.KEEP:
        return Item(Action.KEEP, *decision.desired.key)
    action, changes = decision.action, decision.changes
    # What AWS can't change in place, such as the capacity of a Fargate environment, is part of the
    # name; so another value is one resource to create and one to delete: together, a replacement.
    # AWS refuses two of one name at a time, and a queue must have an environment all the while.
    same_type = [one for one in orphans if one.type_name() == decision.desired.type_name()]
    replaced = [one for one in same_type if any(named_fields(type(one)))]
    if action is Action.CREATE and replaced:
        action, changes = Action.REPLACE, (Change("name", replaced[0].name, decision.desired.name),)
    return Item(action, *decision.desired.key, changes, _calls(decision.steps()))


def _calls(steps: Steps) -> tuple[Call, ...]:
    # Waits and pushes are left out, and a `ForEach`: what it stands for is known only once it runs.
    calls: list[Call] = []
    for step in each_step(steps):
        if isinstance(step, Call):
            calls.append(step)
        elif isinstance(step, Task):
            calls.extend(step.calls)
    return tuple(calls)
