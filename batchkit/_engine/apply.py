"""
The engine: brings an account to a list of desired resources, in four parts.

1. `Engine.observe` reads every desired resource and finds all that the stack owns, everything at
   once (`reads.py`).
2. It compares: each resource gets a decision, in the order of the references (`compare.py`).
3. `Engine.apply` carries the decisions out, each as soon as those are done that it refers to
   (`graph.py`).  One resource is one call of `ResourceApplier.apply` (`apply_resource.py`), which
   runs the steps that the resource describes (`steps.py`).  Last, what has no natural key is
   listed once more, as a caller that crashed may have left a duplicate.
4. `Engine.orphans` gives what the stack owns and doesn't need any more; whoever called deletes it
   (`teardown.py`).

If every resource is to be kept, no call changes anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import attrs

from batchkit._engine.apply_resource import ResourceApplier
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Decision
from batchkit._engine.graph import Outcome, met, walk
from batchkit._engine.order import in_order, needs
from batchkit._engine.reads import Observation, observe
from batchkit._engine.work import Everything, Held, Workload, at_work
from batchkit._model.properties import compared_fields, read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.signals import Cancelled
from batchkit._model.users import Use
from batchkit.errors import ApplyError
from batchkit.events import Action, Listener

DUPLICATES: Final = ("Check", "for duplicates")
"""The last node of the graph where something without a natural key is made."""


class Engine:
    """
    Brings an account to a list of desired resources.
    """

    def __init__(self, aws: Aws, emit: Listener, *, adopt: bool = False, workers: int = 16) -> None:
        self._aws = aws
        self._workers = workers
        self._applier = ResourceApplier(aws, emit, adopt=adopt)
        self._observation = Observation(float("-inf"))
        self._desired: dict[Key, Resource] = {}

    def observe(
        self,
        resources: Sequence[Resource],
        resource_types: Collection[type[Resource]] = (),
        stack: str = "",
    ) -> list[Decision]:
        """
        Reads everything at once; says what has to be done to each of *resources*.

        Raises:
            NotOwnedError: One of a desired name exists, and is not the stack's.
            ReplacementNeeded: Something differs in a way that AWS can't change.
        """
        self._observation = observe(self._aws, resources, resource_types, stack)
        self._desired = {resource.key: resource for resource in resources}
        return [
            self._applier.decide(resource, self._observation.candidates[resource.key])
            for resource in in_order(resources)
        ]

    def apply(self, decisions: Sequence[Decision]) -> list[Resource]:
        """
        Carries out *decisions*; returns the resources with their outputs.

        Raises:
            ApplyError: Some could not be made.  Running it again goes on from there.
        """
        if all(decision.action is Action.KEEP for decision in decisions):
            for decision in decisions:
                self._applier.keep(decision)
        else:
            self._apply_in_order(decisions)
        return [self._applier.made[decision.desired.key] for decision in decisions]

    def _apply_in_order(self, decisions: Sequence[Decision]) -> None:
        # The desired resources as they were given, with their references: what those have been
        # resolved to by the observation may be replaced before it is used.
        by_key = {
            decision.desired.key: attrs.evolve(
                decision, desired=self._desired[decision.desired.key]
            )
            for decision in decisions
        }
        graph = needs([decision.desired for decision in by_key.values()])
        created = [one.desired for one in decisions if one.action is Action.CREATE]
        may_be_twice = {resource.key for resource in created if not resource.NATURAL_KEY}
        if may_be_twice:
            graph[DUPLICATES] = may_be_twice

        def work(key: Key) -> None:
            if key == DUPLICATES:
                self._list_again(may_be_twice)
            else:
                self._applier.apply(by_key[key], self._observation)

        outcome = walk(graph, work, workers=self._workers, stop=self._aws.stopped.set)
        if outcome.failed:
            raise failure(outcome)

    def _list_again(self, keys: Collection[Key]) -> None:
        """
        The observation has the duplicates, if any, of the resources of *keys* that were just made.
        """
        # EC2's lists are eventually consistent: what another caller made shortly before may have
        # been missing from the first observation
        # (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
        made = [self._applier.made[key] for key in keys]
        resource_types = {type(resource) for resource in made}
        others = [one for one in self._observation.found if type(one) not in resource_types]
        again = observe(self._aws, made, resource_types, made[0].stack)
        self._observation = attrs.evolve(self._observation, found=[*others, *again.found])

    def work(self, decisions: Sequence[Decision]) -> Workload:
        """
        What is at work, if *decisions* would take something away; else nobody is asked.
        """
        narrowing = any(_held(decision, Everything()) for decision in decisions)
        if narrowing or self.orphans(decisions):
            return self.work_now()
        return Workload()

    def work_now(self) -> Workload:
        """
        What is at work now.
        """
        return at_work(self._aws, self._observation.found)

    def hold(
        self, decisions: Sequence[Decision], work: Workload
    ) -> tuple[list[Decision], list[Held]]:
        """
        The decisions that take nothing away from what is at work, and what is held for it.
        """
        kept, held = [], []
        for decision in decisions:
            users = work.of(decision.actual)
            if fields := _held(decision, work.at_work) if users else {}:
                key = decision.desired.key
                self._desired[key] = attrs.evolve(self._desired[key], **fields)
                candidates = self._observation.candidates[key]
                decision = self._applier.decide(self._desired[key], candidates)
                held.append(Held(*key, Action.UPDATE, tuple(fields), users))
            kept.append(decision)
        return kept, held

    def orphans(self, decisions: Sequence[Decision]) -> list[Resource]:
        """
        What the stack owns and nothing needs any more; data stores are never among it.
        """
        used = {d.desired.key: d.actual.identity if d.actual else None for d in decisions}
        used.update({key: made.identity for key, made in self._applier.made.items()})
        renewed = {decision.desired.key for decision in decisions if decision.renews}
        orphans = [
            actual
            for actual in self._observation.found
            if not (actual.RETAIN or _is_used(actual, used) or actual.spared(renewed))
        ]
        # What is being deleted already is waited for only if something else must go after it.
        if all(actual.state in actual.DELETING for actual in orphans):
            return []
        return orphans


def _held(decision: Decision, at_work: Collection[Use]) -> dict[str, Any]:
    """
    The fields that *decision* would narrow under what works, each as wide as it is held.
    """
    desired, actual = decision.desired, decision.actual
    if actual is None or decision.action is Action.CREATE or not decision.changes:
        return {}
    wider = desired.widened(actual, at_work)
    return {
        a.name: getattr(wider, a.name)
        for a in compared_fields(type(desired))
        if getattr(wider, a.name) != getattr(desired, a.name)
    }


def _is_used(actual: Resource, used: dict[Key, object]) -> bool:
    """
    Whether *actual* is the resource of its name that is used, and no duplicate of it.
    """
    if actual.key not in used:
        return False
    # An update may have given it another identity: each revision of a job definition has an ARN.
    regenerated = any(a.metadata["regenerated"] for a in read_only_fields(type(actual)))
    return regenerated or used[actual.key] in (None, actual.identity)


def failure(outcome: Outcome[Key]) -> ApplyError:
    """
    The error that says how an apply ended.
    """
    done = [_title(key) for key in outcome.done if key != DUPLICATES]
    not_started = [_title(key) for key in outcome.not_started if key != DUPLICATES]
    failed: list[tuple[str, Exception]] = []
    cancelled: list[str] = []
    for key, error in outcome.failed.items():
        if isinstance(error, Cancelled):
            cancelled.append(_title(key))
        else:
            failed.append((_title(key), error))
    left = [*cancelled, *not_started]
    lines = [f"{len(done)} resources are in place, {len(failed)} failed:"]
    lines += [f"  {title}: {error}" for title, error in failed]
    if left:
        lines.append(f"Not finished: {', '.join(left)}")
    lines.append("Nothing is lost: run it again and it goes on from here.")
    if overtaken := met(outcome):
        lines = [
            f"Another caller destroys the stack at the same time ({overtaken}): "
            "run ensure_stack again once that has ended."
        ]
    error = ApplyError("\n".join(lines), done=done, failed=failed, not_started=left)
    error.__cause__ = failed[0][1] if failed else None
    return error


def _title(key: Key) -> str:
    return " ".join(key)
