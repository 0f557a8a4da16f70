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
from batchkit._engine.compare import Outputs, changes
from batchkit._model.calls import (
    WAIT_DELETED,
    WAIT_STABLE,
    WAIT_VISIBLE,
    Call,
    ForEach,
    Parallel,
    Step,
    Steps,
    Wait,
)
from batchkit._model.resource import Resource, operations, read_only_fields
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
OUTDATED: Final = 5.0
"""For how many seconds after a deletion an answer may be that from before it."""
HELD: Final = {"DependencyViolation", "InvalidGroup.InUse"}
"""What AWS says of something that another resource still uses."""
UNLISTED: Final = 60.0
"""After how many seconds what was made and isn't listed has been deleted by another caller."""


class Runner:
    """
    Does steps for resources, and remembers the outputs that their answers give.
    """

    def __init__(self, aws: Aws, emit: Listener, outputs: Outputs) -> None:
        self._aws = aws
        self._emit = emit
        self._outputs = outputs

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
        if step is WAIT_STABLE:
            self.wait_stable(resource, action)
        elif step is WAIT_DELETED:
            self.wait_deleted(resource, action)
        elif step is WAIT_VISIBLE:
            self.wait_visible(resource, action)
        elif isinstance(step, Parallel):
            self._take_together(resource, step, action)
        elif action is Action.DELETE:
            with suppress(AlreadyThere):  # something that the deletion needs was there
                self._do(resource, step)
        else:
            self._do(resource, step)

    def _take_together(self, resource: Resource, together: Parallel, action: Action) -> None:
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
            return self._poll(resource, Action.DELETE, 0) is None
        return False

    def _is_there(self, resource: Resource, error: AwsError, action: Action) -> bool:
        """
        Whether a refusal means that *resource* had been made already: that has many words, too.
        """
        create = str(operations(type(resource)).get("CREATE"))
        if action is not Action.CREATE or not resource.NATURAL_KEY or error.operation != create:
            return False
        with suppress(BatchkitError):
            return self._poll(resource, action, 0) is not None
        return False

    def _say_what_holds(self, resource: Resource, error: AwsError | StillWaiting) -> None:
        """
        Adds to *error* what keeps AWS from deleting *resource*, if AWS can tell.
        """
        if isinstance(error, AwsError) and error.code not in HELD:
            return
        with suppress(BatchkitError):
            if blockers := _reads.blockers(self._aws, resource):
                error.args = (f"{error} It is held by {'; '.join(blockers)}.",)

    def _do(self, resource: Resource, step: Step) -> None:
        step = self._outputs.resolve(step)
        assert not isinstance(step, (Wait, Parallel))
        for unresolved in references(step):
            msg = f"{resource} needs {unresolved!r}, which nothing has given"
            raise BatchkitError(msg)
        if isinstance(step, ForEach):
            for call in self._aws.each(step, str(resource)):
                self._aws.call(call, str(resource))
        elif isinstance(step, Call):
            self._learn(resource, step, self._aws.call(step, str(resource)))
        else:
            self._outputs.learn(resource.key, step.perform(self._aws, self._emit))

    def _learn(self, resource: Resource, call: Call, answer: Any) -> None:
        if call.operation == operations(type(resource)).get("CREATE"):
            found = {
                a.name: jmespath.search(a.metadata["read_only"], answer)
                for a in read_only_fields(type(resource))
                if a.metadata["read_only"]
            }
            self._outputs.learn(resource.key, found)

    def wait_stable(self, resource: Resource, action: Action) -> Resource:
        """
        Waits until AWS is done with *resource*; its outputs are known afterwards.

        Raises:
            BrokenResource: AWS reports that it failed.
            StillWaiting: It took longer than its kind may take.
        """
        failing: float | None = None
        for actual, spent in self._polls(resource, action):
            if actual is None and action is Action.DELETE:
                return resource  # another caller was faster
            if actual is None:
                continue
            broken = actual.state in actual.FAILED
            if broken and action is not Action.DELETE:
                failing = spent if failing is None else failing
                self._repair(resource, actual, action, spent - failing)
            elif broken or actual.ready:
                self._outputs.learn_from(resource.key, actual)
                return actual
        raise AssertionError("unreachable")

    def wait_visible(self, resource: Resource, action: Action) -> None:
        """
        Waits until AWS tells of *resource* what is wanted, or has had long enough for it.
        """
        desired = self._outputs.resolve_fields(resource)
        for actual, spent in self._polls(resource, action):
            if spent >= LATEST or (actual is not None and not changes(desired, actual)):
                return

    def _repair(self, resource: Resource, actual: Resource, action: Action, spent: float) -> None:
        steps = resource.recover(actual)
        if steps is None or spent > REPAIRS:
            raise BrokenResource(f"{resource} is {actual.state}: {actual.reason}")
        self.run(resource, steps, action)

    def wait_deleted(self, resource: Resource, action: Action) -> None:
        """
        Waits until *resource*, as it was read, isn't there any more.
        """
        failing: float | None = None
        asked = 0.0
        for actual, spent in self._polls(resource, action):
            if actual is None or actual.identity != resource.identity:
                return
            if actual.state in actual.FAILED and spent - asked >= OUTDATED:
                failing = spent if failing is None else failing
                steps = resource.retry_delete(actual)
                if steps is None or spent - failing > REPAIRS:
                    raise BrokenResource(f"{resource} is {actual.state}: {actual.reason}")
                self.run(resource, steps, action)
                asked = spent

    def _polls(self, resource: Resource, action: Action) -> Iterator[tuple[Resource | None, float]]:
        """
        What AWS holds, and the seconds spent, again and again until the deadline.
        """
        began = self._aws.clock.monotonic()
        last = ""
        while True:
            spent = self._aws.clock.monotonic() - began
            actual = self._poll(resource, action, spent)
            yield actual, spent
            state = (
                f"{actual.state} {actual.reason}".strip()
                if actual is not None
                else "not listed yet"
            )
            if spent >= resource.TIMEOUT:
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
        resource_type = resource.type_name()
        self._emit(Event(resource_type, resource.name, action, Phase.WAITING, state, spent))

    def _poll(self, resource: Resource, action: Action, spent: float) -> Resource | None:
        outputs = attrs.evolve(resource, **self._outputs.of(resource.key))
        candidates = _reads.read(self._aws, outputs)
        if action is Action.DELETE:
            same = (actual for actual in candidates if actual.identity == resource.identity)
            return next(same, None)
        standing = [actual for actual in candidates if actual.state not in actual.DELETING]
        if resource.NATURAL_KEY:
            made = self._outputs.of(resource.key).get("id")
            return next((actual for actual in standing if made in (None, actual.identity)), None)
        return self._best(resource, standing, spent)

    def _best(self, resource: Resource, standing: list[Resource], spent: float) -> Resource | None:
        """
        The one that was made, unless it failed or went and another caller's twin stands.
        """
        identity = self._outputs.of(resource.key).get("id")
        mine = next((actual for actual in standing if actual.identity == identity), None)
        if mine is not None and (mine.state not in mine.FAILED or standing[0] is mine):
            return mine
        lost = mine is not None or spent > UNLISTED
        if not (lost and standing and standing[0].ready):
            return None
        self._outputs.forget(resource.key)
        return standing[0]
