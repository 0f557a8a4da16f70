"""
Doing the steps that a resource describes: calls, waits until AWS is done, waits until it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import attrs
import jmespath

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Known, changes
from batchkit._model.calls import GONE, SETTLE, SHOWN, Call, Each, Step, Steps, Together, Wait
from batchkit._model.resource import Resource, operations, outputs
from batchkit._model.signals import AlreadyThere
from batchkit._model.values import references
from batchkit.errors import AwsError, BatchkitError, BrokenResource, StillWaiting
from batchkit.events import Action, Event, Listener, Phase

SHORTEST: Final = 1.0
LONGEST: Final = 5.0
"""Seconds between two looks at a resource: AWS throttles more than one a second."""
LATE: Final = 0.01
"""How late, as a part of the wait, a look may find that AWS is done."""
LATEST: Final = 15.0
"""After how many seconds an answer is no longer that from before an update."""
REPAIRS: Final = 180.0
"""For how many seconds a failure that may pass is answered with another attempt."""
HELD: Final = {"DependencyViolation", "InvalidGroup.InUse"}
"""What AWS says of something that another resource still uses."""
UNLISTED: Final = 60.0
"""After how many seconds what was made and isn't listed has been deleted by another caller."""


class Runner:
    """
    Does steps for resources, and remembers the outputs that their answers give.
    """

    def __init__(self, aws: Aws, emit: Listener, known: Known) -> None:
        self._aws = aws
        self._emit = emit
        self._known = known

    def run(self, resource: Resource, steps: Steps, action: Action) -> None:
        """
        Does all *steps* of *resource*; what the answers give is known afterwards.
        """
        try:
            for step in steps:
                self._take(resource, step, action)
        except (AwsError, StillWaiting) as error:
            if action is Action.DELETE:
                if self._is_away(resource, error):
                    return
                self._say_what_holds(resource, error)
            elif isinstance(error, AwsError) and self._is_there(resource, error, action):
                raise AlreadyThere(error) from error
            raise

    def _take(self, resource: Resource, step: Step, action: Action) -> None:
        if step is SETTLE:
            self.settle(resource, action)
        elif step is GONE:
            self.gone(resource, action)
        elif step is SHOWN:
            self.shown(resource, action)
        elif isinstance(step, Together):
            self._take_together(resource, step, action)
        elif action is Action.DELETE:
            with suppress(AlreadyThere):  # something that the deletion needs was there
                self._do(resource, step)
        else:
            self._do(resource, step)

    def _take_together(self, resource: Resource, together: Together, action: Action) -> None:
        def take(part: tuple[Step, ...]) -> None:
            for step in part:
                self._take(resource, step, action)

        with ThreadPoolExecutor(len(together.parts)) as pool:
            parts = [pool.submit(take, part) for part in together.parts]
        for part in parts:
            part.result()

    def _is_away(self, resource: Resource, error: AwsError | StillWaiting) -> bool:
        """
        Whether a refusal means that *resource* was gone already: for that AWS has many words.
        """
        if isinstance(error, StillWaiting) or error.code in HELD:
            return False
        with suppress(BatchkitError):
            return self._look(resource, Action.DELETE, 0) is None
        return False

    def _is_there(self, resource: Resource, error: AwsError, action: Action) -> bool:
        """
        Whether a refusal means that *resource* had been made already: that has many words, too.
        """
        create = str(operations(type(resource)).get("CREATE"))
        if action is not Action.CREATE or not resource.NATURAL_KEY or error.operation != create:
            return False
        with suppress(BatchkitError):
            return self._look(resource, action, 0) is not None
        return False

    def _say_what_holds(self, resource: Resource, error: AwsError | StillWaiting) -> None:
        """
        Adds to *error* what keeps AWS from deleting *resource*, if AWS can tell.
        """
        if isinstance(error, AwsError) and error.code not in HELD:
            return
        with suppress(BatchkitError):
            if holders := _reads.holders(self._aws, resource):
                error.args = (f"{error} It is held by {'; '.join(holders)}.",)

    def _do(self, resource: Resource, step: Step) -> None:
        step = self._known.fill(step)
        assert not isinstance(step, (Wait, Together))
        for gap in references(step):
            msg = f"{resource} needs {gap!r}, which nothing has given"
            raise BatchkitError(msg)
        if isinstance(step, Each):
            for call in self._aws.each(step, str(resource)):
                self._aws.call(call, str(resource))
        elif isinstance(step, Call):
            self._learn(resource, step, self._aws.call(step, str(resource)))
        else:
            self._known.learn(resource.key, step.perform(self._aws, self._emit))

    def _learn(self, resource: Resource, call: Call, answer: Any) -> None:
        if call.operation == operations(type(resource)).get("CREATE"):
            found = {
                a.name: jmespath.search(a.metadata["output"], answer)
                for a in outputs(type(resource))
                if a.metadata["output"]
            }
            self._known.learn(resource.key, found)

    def settle(self, resource: Resource, action: Action) -> Resource:
        """
        Waits until AWS is done with *resource*; its outputs are known afterwards.

        Raises:
            BrokenResource: AWS reports that it failed.
            StillWaiting: It took longer than its kind may take.
        """
        failing: float | None = None
        for held, spent in self._looks(resource, action):
            if held is None and action is Action.DELETE:
                return resource  # another caller was faster
            if held is None:
                continue
            broken = held.state in held.BROKEN
            if broken and action is not Action.DELETE:
                failing = spent if failing is None else failing
                self._repair(resource, held, action, spent - failing)
            elif broken or held.ready:
                self._known.learn_from(resource.key, held)
                return held
        raise AssertionError("unreachable")

    def shown(self, resource: Resource, action: Action) -> None:
        """
        Waits until AWS tells of *resource* what is wanted, or has had long enough for it.
        """
        wish = self._known.fill_wish(resource)
        for held, spent in self._looks(resource, action):
            if spent >= LATEST or (held is not None and not changes(wish, held)):
                return

    def _repair(self, resource: Resource, held: Resource, action: Action, spent: float) -> None:
        steps = resource.repair(held)
        if steps is None or spent > REPAIRS:
            raise BrokenResource(f"{resource} is {held.state}: {held.reason}")
        self.run(resource, steps, action)

    def gone(self, resource: Resource, action: Action) -> None:
        """
        Waits until *resource*, as it was read, isn't there any more.
        """
        failing: float | None = None
        for held, spent in self._looks(resource, action):
            if held is None or held.identity != resource.identity:
                return
            if held.state in held.BROKEN:
                failing = spent if failing is None else failing
                steps = resource.redo(held)
                if steps is None or spent - failing > REPAIRS:
                    raise BrokenResource(f"{resource} is {held.state}: {held.reason}")
                self.run(resource, steps, action)

    def _looks(self, resource: Resource, action: Action) -> Iterator[tuple[Resource | None, float]]:
        """
        What AWS holds, and the seconds spent, again and again until the deadline.
        """
        began = self._aws.clock.monotonic()
        last = ""
        while True:
            spent = self._aws.clock.monotonic() - began
            held = self._look(resource, action, spent)
            yield held, spent
            state = f"{held.state} {held.reason}".strip() if held is not None else "not listed yet"
            if spent >= resource.SECONDS:
                what = f"{resource} was still {state or 'there'} after {spent:.0f} s"
                raise StillWaiting(f"{what}; run it again to go on")
            if state != last:
                self._tell(resource, action, state, spent)
                last = state
            try:
                self._aws.pause(min(max(SHORTEST, LATE * spent), LONGEST))
            except StillWaiting as over:
                what = f"{resource} was still {state or 'there'} after {spent:.0f} s"
                raise StillWaiting(f"{what}: {over}") from None

    def _tell(self, resource: Resource, action: Action, state: str, spent: float) -> None:
        kind = type(resource).__name__
        self._emit(Event(kind, resource.name, action, Phase.WAITING, state, spent))

    def _look(self, resource: Resource, action: Action, spent: float) -> Resource | None:
        known = attrs.evolve(resource, **self._known.of(resource.key))
        candidates = _reads.read(self._aws, known)
        if action is Action.DELETE:
            same = (held for held in candidates if held.identity == resource.identity)
            return next(same, None)
        standing = [held for held in candidates if held.state not in held.GOING]
        if resource.NATURAL_KEY:
            made = self._known.of(resource.key).get("id")
            return next((held for held in standing if made in (None, held.identity)), None)
        return self._best(resource, standing, spent)

    def _best(self, resource: Resource, standing: list[Resource], spent: float) -> Resource | None:
        """
        The one that was made, unless it failed or went and another caller's twin stands.
        """
        identity = self._known.of(resource.key).get("id")
        mine = next((held for held in standing if held.identity == identity), None)
        if mine is not None and (mine.state not in mine.BROKEN or standing[0] is mine):
            return mine
        lost = mine is not None or spent > UNLISTED
        if not (lost and standing and standing[0].ready):
            return None
        self._known.forget(resource.key)
        return standing[0]
