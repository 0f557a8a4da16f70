"""
The engine: observe everything at once, compare, act by dependency.

Each resource is compared again just before it is acted upon if the first look is old; what a call
leaves open (a name taken meanwhile, an answer lost) is settled by looking again, never by a blind
second create.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from graphlib import TopologicalSorter
from typing import Final

import attrs

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Decision, Outputs, decide
from batchkit._engine.graph import Outcome, walk
from batchkit._engine.reads import Observation, observe
from batchkit._engine.steps import Runner
from batchkit._model.calls import Steps
from batchkit._model.resource import Key, Resource, compared_fields, read_only_fields
from batchkit._model.signals import AlreadyThere, Ambiguous, Cancelled
from batchkit._model.values import references
from batchkit.errors import ApplyError, BatchkitError
from batchkit.events import Action, Event, Listener, Phase

FRESH: Final = 5.0
"""For how many seconds a look at AWS is good enough to act upon."""
CONSISTENT: Final = 5.0
"""After how many seconds AWS lists a resource whose creation was not answered."""
LISTED: Final = 45.0
"""For how many seconds something that is there, as AWS says, may be missing from its lists."""
ATTEMPTS: Final = 30
DUPLICATES: Final = ("Look", "for twins")
"""The last thing to do where something without a natural key was made."""


class Engine:
    """
    Brings an account to a list of wishes.
    """

    def __init__(self, aws: Aws, emit: Listener, *, adopt: bool = False, workers: int = 16) -> None:
        self._aws = aws
        self._emit = emit
        self._adopt = adopt
        self._workers = workers
        self._outputs = Outputs(aws)
        self._runner = Runner(aws, emit, self._outputs)
        self._seen = Observation(float("-inf"))
        self._desired: dict[Key, Resource] = {}
        self._made: dict[Key, Resource] = {}

    def observe(
        self,
        wanted: Sequence[Resource],
        resource_types: Collection[type[Resource]] = (),
        stack: str = "",
    ) -> list[Decision]:
        """
        Looks at everything at once; says what is to be done to each of *wanted*.

        Raises:
            NotOwnedError: Something that is wanted is there, and not the stack's.
            ReplacementNeeded: Something differs in a way that AWS can't change.
        """
        self._seen = observe(self._aws, wanted, resource_types, stack)
        self._desired = {desired.key: desired for desired in wanted}
        return [
            self._decide(desired, self._seen.candidates[desired.key])
            for desired in in_order(wanted)
        ]

    def _decide(self, desired: Resource, candidates: Sequence[Resource]) -> Decision:
        resolved = self._outputs.resolve_fields(desired)
        own = [actual for actual in candidates if not in_wrong_parent(desired, resolved, actual)]
        decision = decide(resolved, own, adopt=self._adopt)
        actual = decision.actual
        self._outputs.forget(desired.key)
        if actual is not None and decision.action is not Action.CREATE:
            # Tags are put back as they are on; any other update makes what is renewed anew.
            stale = any(change.field != "tags" for change in decision.changes)
            values = {
                a.name: getattr(actual, a.name)
                for a in read_only_fields(type(actual))
                if not (stale and a.metadata["regenerated"])
            }
            self._outputs.learn(desired.key, values)
        return decision

    def apply(self, decisions: Sequence[Decision]) -> list[Resource]:
        """
        Acts on *decisions* in the order of their dependencies; returns the resources as they are.

        Raises:
            ApplyError: Some could not be made.  Running it again goes on from there.
        """
        if all(decision.action is Action.KEEP for decision in decisions):
            for decision in decisions:
                self._keep(decision)
        else:
            self._act_on(decisions)
        return [self._made[decision.desired.key] for decision in decisions]

    def orphans(self, decisions: Sequence[Decision]) -> list[Resource]:
        """
        What the stack owns and nothing wants any more; data stores are never among it.
        """
        used = {d.desired.key: d.actual.identity if d.actual else None for d in decisions}
        used.update({key: made.identity for key, made in self._made.items()})
        orphan = [
            actual
            for actual in self._seen.found
            if not (actual.RETAIN or actual.key in used and _is_same(actual, used[actual.key]))
        ]
        # What is going already is waited for only if something else must go after it.
        return orphan if any(actual.state not in actual.DELETING for actual in orphan) else []

    def _act_on(self, decisions: Sequence[Decision]) -> None:
        # The wishes as they were: what the first look filled in may be made anew meanwhile.
        given = {d.desired.key: self._desired[d.desired.key] for d in decisions}
        by_key = {d.desired.key: attrs.evolve(d, desired=given[d.desired.key]) for d in decisions}
        graph = needs(list(given.values()))
        created = [d.desired for d in decisions if d.action is Action.CREATE]
        if twofold := {desired.key for desired in created if not desired.NATURAL_KEY}:
            graph[DUPLICATES] = twofold
        outcome = walk(
            graph,
            lambda key: (
                self._look_for_duplicates(twofold) if key == DUPLICATES else self._act(by_key[key])
            ),
            workers=self._workers,
            stop=self._aws.stopped.set,
        )
        if outcome.failed:
            done, not_started = (
                [key for key in keys if key != DUPLICATES]
                for keys in (outcome.done, outcome.not_started)
            )
            raise failure(Outcome(done, outcome.failed, not_started))

    def _look_for_duplicates(self, keys: Collection[Key]) -> None:
        """
        Finds what a caller that crashed left beside what was made here: AWS lists it late.
        """
        made = [self._made[key] for key in keys]
        resource_types = {type(resource) for resource in made}
        others = [actual for actual in self._seen.found if type(actual) not in resource_types]
        again = observe(self._aws, made, resource_types, made[0].stack)
        self._seen = attrs.evolve(self._seen, found=[*others, *again.found])

    def _act(self, decision: Decision) -> None:
        began = self._aws.clock.monotonic()
        try:
            self._try(decision)
        except Exception as error:
            phase = Phase.WAITING if isinstance(error, Cancelled) else Phase.FAILED
            self._tell(decision, phase, began, str(error))
            raise

    def _try(self, decision: Decision) -> None:
        since = float("inf")
        for attempt in range(ATTEMPTS):
            made = self._outputs.of(decision.desired.key).get("id") if attempt else None
            current = self._current(decision.desired, attempt)
            self._drop_duplicate(current, made)
            try:
                return self._carry_out(current)
            except AlreadyThere as error:
                since = min(since, self._aws.clock.monotonic())
                if self._aws.clock.monotonic() - since > LISTED:
                    raise error.refusal from error
                # Without a natural key, only the list of all tells whose it is.
                self._aws.pause(min(attempt, 3.0) if decision.desired.NATURAL_KEY else CONSISTENT)
            except Ambiguous:
                self._aws.pause(CONSISTENT)
        raise BatchkitError(f"{decision.desired} could not be made in {ATTEMPTS} attempts")

    def _drop_duplicate(self, decision: Decision, made: str | None) -> None:
        """
        Deletes what was *made* in an earlier attempt, if another of its name is used now.
        """
        if made is not None and decision.actual is not None and decision.actual.identity != made:
            for duplicate in _reads.read(self._aws, decision.desired):
                if duplicate.identity == made:
                    self._runner.run(duplicate, duplicate.deletion(), Action.DELETE)

    def _current(self, desired: Resource, attempt: int) -> Decision:
        fresh = self._aws.clock.monotonic() - self._seen.at < FRESH
        if attempt == 0 and fresh:
            candidates = self._seen.candidates[desired.key]
        else:
            candidates = _reads.read(self._aws, self._outputs.resolve_fields(desired))
        decision = self._decide(desired, candidates)
        actual = decision.actual
        if actual is None or actual.ready or actual.state in actual.FAILED:
            return decision
        if actual.state in actual.DELETING:
            self._runner.wait_deleted(actual, Action.DELETE)
            return attrs.evolve(decision, actual=None)
        return self._decide(desired, [self._runner.wait_stable(actual, decision.action)])

    def _carry_out(self, decision: Decision) -> None:
        if decision.action is Action.KEEP:
            self._keep(decision)
            return
        began = self._aws.clock.monotonic()
        self._tell(decision, Phase.STARTED, began, decision.reason)
        desired = decision.desired
        self._runner.run(desired, steps(decision), decision.action)
        self._made[desired.key] = self._result(desired)
        self._tell(decision, Phase.DONE, began, decision.reason)

    def _keep(self, decision: Decision) -> None:
        self._made[decision.desired.key] = self._result(decision.desired)
        self._tell(decision, Phase.DONE, self._aws.clock.monotonic(), "")

    def _result(self, desired: Resource) -> Resource:
        return attrs.evolve(desired, **{"owner": desired.stack, **self._outputs.of(desired.key)})

    def _tell(self, decision: Decision, phase: Phase, began: float, detail: str) -> None:
        resource_type, name = decision.desired.key
        spent = self._aws.clock.monotonic() - began
        self._emit(Event(resource_type, name, decision.action, phase, detail, spent))


def steps(decision: Decision) -> Steps:
    """
    The steps that carry out *decision*.
    """
    desired, actual = decision.desired, decision.actual
    if decision.action is Action.CREATE or actual is None:
        return desired.create()
    return desired.update(actual, tuple(change.field for change in decision.changes))


def _is_same(actual: Resource, identity: object) -> bool:
    """
    Whether *held* is the one of its name with *identity*, and no twin of it; or was, before an
    update gave it another.
    """
    regenerated = any(a.metadata["regenerated"] for a in read_only_fields(type(actual)))
    return regenerated or identity in (None, actual.identity)


def in_wrong_parent(desired: Resource, resolved: Resource, actual: Resource) -> bool:
    """
    Whether *held* stands in another network than that which stays: a race has left two.

    It is made anew where it belongs, and pruned where it is.
    """
    joined = (a.name for a in compared_fields(type(desired)) if a.metadata.get("create_only"))
    moved = (name for name in joined if any(references(getattr(desired, name))))
    return any(
        resolved.differs(name, actual) and not any(references(getattr(resolved, name)))
        for name in moved
    )


def needs(wanted: Sequence[Resource]) -> dict[Key, set[Key]]:
    """
    For each resource, those that it refers to.
    """
    return {
        desired.key: {ref.key for ref in references(desired)} - {desired.key} for desired in wanted
    }


def in_order(wanted: Sequence[Resource]) -> list[Resource]:
    """
    The resources, each behind those that it refers to.
    """
    by_key = {desired.key: desired for desired in wanted}
    order = TopologicalSorter(needs(wanted)).static_order()
    return [by_key[key] for key in order if key in by_key]


def failure(outcome: Outcome[Key]) -> ApplyError:
    """
    The error that tells how an apply ended.
    """
    causes = {k: e for k, e in outcome.failed.items() if not isinstance(e, Cancelled)}
    waiting = [k for k, e in outcome.failed.items() if isinstance(e, Cancelled)]
    lines = [f"{len(outcome.done)} resources are in place, {len(causes)} failed:"]
    lines += [
        f"  {resource_type} {name}: {error}" for (resource_type, name), error in causes.items()
    ]
    left = [*waiting, *outcome.not_started]
    if left:
        lines.append(
            "Not finished: " + ", ".join(f"{resource_type} {name}" for resource_type, name in left)
        )
    lines.append("Nothing is lost: run it again and it goes on from here.")
    error = ApplyError(
        "\n".join(lines),
        done=[f"{resource_type} {name}" for resource_type, name in outcome.done],
        failed=[
            (f"{resource_type} {name}", cause) for (resource_type, name), cause in causes.items()
        ],
        not_started=[f"{resource_type} {name}" for resource_type, name in left],
    )
    error.__cause__ = next(iter(causes.values()), None)
    return error
