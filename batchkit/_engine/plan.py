"""
Plans: what would be done, resource by resource, with the reason and the calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from batchkit._engine.apply import steps
from batchkit._engine.compare import Change, Decision
from batchkit._model.calls import Call, Steps, Task, each_step
from batchkit._model.display import Displayed
from batchkit._model.resource import Resource, named_fields
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
    What would be done to one resource.
    """

    action: Action
    resource_type: str
    name: str
    changes: tuple[Change, ...] = ()
    calls: tuple[Call, ...] = ()

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.action]} {self.resource_type} {self.name}"]
        lines += [f"    {c.field}: {c.actual!r} -> {c.wanted!r}" for c in self.changes]
        return "\n".join(lines)


@frozen
class Plan(Displayed):
    """
    What `ensure_stack` would do, in the order in which it would.
    """

    stack: str
    items: tuple[Item, ...]

    @property
    def changes(self) -> tuple[Item, ...]:
        """
        The items that would change something.
        """
        return tuple(item for item in self.items if item.action is not Action.KEEP)

    @property
    def empty(self) -> bool:
        """
        Whether nothing would change.
        """
        return not self.changes

    @property
    def told(self) -> str:
        """
        How many resources have what done to them, in words.
        """
        count = {action: sum(i.action is action for i in self.items) for action in Action}
        told = ", ".join(f"{number} to {action}" for action, number in count.items() if number)
        return told or "nothing"

    def __str__(self) -> str:
        return "\n".join([f"{self.stack}: {self.told}", *map(str, self.changes)])


def make(stack: str, decisions: Sequence[Decision], orphans: Sequence[Resource]) -> Plan:
    """
    The plan that *decisions* and the deletion of *extras* amount to.
    """
    items = [_item(decision, orphans) for decision in decisions]
    items += [
        Item(Action.DELETE, *actual.key, calls=_calls(actual.deletion())) for actual in orphans
    ]
    return Plan(stack, tuple(items))


def _item(decision: Decision, orphans: Sequence[Resource]) -> Item:
    if decision.action is Action.KEEP:
        return Item(Action.KEEP, *decision.desired.key)
    action, changes = decision.action, decision.changes
    replaced = [
        actual
        for actual in orphans
        if actual.type_name() == decision.desired.type_name() and [*named_fields(type(actual))]
    ]
    if action is Action.CREATE and replaced:
        action, changes = Action.REPLACE, (Change("name", replaced[0].name, decision.desired.name),)
    return Item(action, *decision.desired.key, changes, _calls(steps(decision)))


def _calls(described: Steps) -> tuple[Call, ...]:
    calls: list[Call] = []
    for step in each_step(described):
        if isinstance(step, Call):
            calls.append(step)
        elif isinstance(step, Task):
            calls.extend(step.calls)
    return tuple(calls)
