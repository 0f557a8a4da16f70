"""
What is at work in a stack, and which resources that works with: those are left as they are.

Each user (a job, an execution, a network interface) names what it needs; what those resources stand
on is needed as well, and so is what serves them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._model.resource import Resource
from batchkit._model.users import Use
from batchkit.events import Action, Event, Listener, Phase

Identity = tuple[str, str, str]
_NAMED = 3
"""How many users a message names."""


def identity(actual: Resource) -> Identity:
    """
    What distinguishes *actual* from all others.
    """
    return (*actual.key, str(actual.identity))


class Everything(frozenset[Use]):
    """
    Stands for all resources, as though each of them were worked with.
    """

    def __contains__(self, _: object) -> bool:
        return True


@frozen
class Held:
    """
    Something that is left as it is for now: what would be taken away, and who works with it.

    Args:
        action: What would be done otherwise: DELETE of *actual*, or UPDATE of *fields*.
    """

    resource_type: str
    name: str
    action: Action
    fields: tuple[str, ...]
    users: tuple[str, ...]
    actual: Resource | None = field(default=None, repr=False, eq=False)

    def __str__(self) -> str:
        shown = ", ".join(self.users[:_NAMED])
        more = len(self.users) - _NAMED
        who = f"{shown} and {more} others" if more > 0 else shown
        what = f"{', '.join(self.fields)}: all that is there stays" if self.fields else "stays"
        return f"{what} until a later call, as {who} may need it"

    def event(self) -> Event:
        """
        The event that says so.
        """
        return Event(self.resource_type, self.name, self.action, Phase.WAITING, str(self))


@frozen
class Workload:
    """
    The *users* of each resource that is worked with, and these resources as others refer to them.
    """

    users: Mapping[Identity, tuple[str, ...]] = field(factory=dict)
    at_work: frozenset[Use] = frozenset()

    def of(self, actual: Resource | None) -> tuple[str, ...]:
        """
        The users of *actual*, in words.
        """
        return () if actual is None else self.users.get(identity(actual), ())

    def joined(self, later: Workload) -> Workload:
        """
        What was or is at work: this, and what is at work *later*.
        """
        users = {
            one: tuple(dict.fromkeys([*self.users.get(one, ()), *later.users.get(one, ())]))
            for one in {**self.users, **later.users}
        }
        return Workload(users, self.at_work | later.at_work)

    def part(self, orphans: Iterable[Resource]) -> tuple[list[Resource], list[Held]]:
        """
        Those of *orphans* that nothing works with, and the others.
        """
        orphans = list(orphans)
        users = {identity(actual): self.of(actual) for actual in orphans if self.of(actual)}
        names, ahead = _names(orphans), [one for one in orphans if identity(one) in users]
        while ahead:  # what stays keeps what it refers to
            actual = ahead.pop()
            below = {one for use in actual.refers_to() for one in names.get(use, ())}
            for one in below - users.keys():
                users[one] = users[identity(actual)]
                ahead += [orphan for orphan in orphans if identity(orphan) == one]
        idle = [actual for actual in orphans if identity(actual) not in users]
        kept = [actual for actual in orphans if identity(actual) in users]
        return idle, [Held(*one.key, Action.DELETE, (), users[identity(one)], one) for one in kept]


def at_work(aws: Aws, found: Sequence[Resource]) -> Workload:
    """
    What works now with something of *found*, which is all that a stack has.
    """
    needed_by: dict[frozenset[Use], list[str]] = defaultdict(list)
    for user in _reads.active_users(aws, found):
        needed_by[user.needs].append(user.words)
    names, beneath = _names(found), _beneath(found)
    users: dict[Identity, dict[str, None]] = defaultdict(dict)
    for needs, words in needed_by.items():
        for one in _reached(needs, names, beneath):
            users[one].update(dict.fromkeys(words))
    uses = {use for actual in found if identity(actual) in users for use in _uses(actual)}
    return Workload({one: tuple(words) for one, words in users.items()}, frozenset(uses))


def _uses(actual: Resource) -> list[Use]:
    return [(actual.type_name(), name) for name in actual.known_as]


def _names(found: Sequence[Resource]) -> dict[Use, set[Identity]]:
    names: dict[Use, set[Identity]] = defaultdict(set)
    for actual in found:
        for use in _uses(actual):
            names[use].add(identity(actual))
    return names


def _beneath(found: Sequence[Resource]) -> dict[Identity, set[Use]]:
    """
    What each of *found* can't work without.
    """
    beneath: dict[Identity, set[Use]] = defaultdict(set)
    names = _names(found)
    for actual in found:
        beneath[identity(actual)] |= set(actual.stands_on())
        for served in actual.serves():
            for one in names.get(served, ()):
                beneath[one] |= {(actual.type_name(), str(actual.identity))}
    return beneath


def _reached(
    needs: Iterable[Use],
    names: Mapping[Use, set[Identity]],
    beneath: Mapping[Identity, set[Use]],
) -> set[Identity]:
    reached: set[Identity] = set()
    ahead = list(needs)
    while ahead:
        for one in names.get(ahead.pop(), set()) - reached:
            reached.add(one)
            ahead.extend(beneath[one])
    return reached


def tell(emit: Listener, held: Iterable[Held]) -> None:
    """
    Says of each of *held* what it waits for.
    """
    for one in held:
        emit(one.event())
