"""
Running the steps that a resource describes: calls, waits until AWS is done, waits until it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import jmespath

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.compare import changes
from batchkit._engine.held import ForeignWatch
from batchkit._engine.lookout import Lookout, look_around
from batchkit._engine.outputs import Outputs
from batchkit._engine.polls import Polls
from batchkit._engine.recovery import RECOVERY, REMAKE, FreshRoles, advise_zones, broken, may_remake
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
    operations,
)
from batchkit._model.properties import read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.signals import AlreadyThere, Overtaken
from batchkit._model.values import references
from batchkit.errors import AwsError, BatchkitError, StillWaiting
from batchkit.events import Action, Listener

LATEST: Final = 15.0
"""After how many seconds an answer is no longer that from before an update."""
OUTDATED: Final = 5.0
"""For how many seconds after a deletion an answer may be that from before it."""
IN_USE: Final = {"DependencyViolation", "InvalidGroup.InUse"}
"""What EC2 says of something that another resource still uses."""
OUTLASTED: Final = 30.0
"""After how many seconds what is there, and isn't being deleted, has been made again."""


class Runner:
    """
    Runs steps for resources, and remembers the outputs that their answers give.
    """

    def __init__(
        self, aws: Aws, emit: Listener, outputs: Outputs, look: Callable[[Resource], object]
    ) -> None:
        self._aws = aws
        self._emit = emit
        self._outputs = outputs
        self._fresh_roles = FreshRoles(aws, emit)
        self._remade: set[Key] = set()
        self._look = look
        self._polls = Polls(aws, emit, outputs, self._lookout)

    def run(self, resource: Resource, steps: Steps, action: Action) -> None:
        """
        All *steps* of *resource* are done; what their answers give is known afterwards.

        Raises:
            AlreadyThere: The create was refused because the resource exists.
            Overtaken: Another caller works against this one.
        """
        try:
            for step in steps:
                self._run_step(resource, step, action)
            self._fresh_roles.note(resource, self._outputs)
        except (AwsError, StillWaiting) as error:
            if action is Action.DELETE:
                if self._is_gone(resource, error):
                    return
                self._add_blockers(resource, error)
            elif isinstance(error, AwsError) and self._exists(resource, error, action):
                raise AlreadyThere(error) from error
            look_around(lambda: self._look(resource))
            raise

    def _run_step(self, resource: Resource, step: Step, action: Action) -> None:
        if step is WAIT_STABLE:
            self.wait_stable(resource, action)
        elif step is WAIT_DELETED:
            self.wait_deleted(resource, action)
        elif step is WAIT_VISIBLE:
            self.wait_visible(resource, action)
        elif isinstance(step, Parallel):
            self._run_parallel(resource, step, action)
        elif action is Action.DELETE:
            with suppress(AlreadyThere):  # what a deletion makes for itself may be there already
                self._perform(resource, step, action)
        else:
            self._perform(resource, step, action)

    def _run_parallel(self, resource: Resource, parallel: Parallel, action: Action) -> None:
        def run_part(part: tuple[Step, ...]) -> None:
            for step in part:
                self._run_step(resource, step, action)

        with ThreadPoolExecutor(len(parallel.parts)) as pool:
            parts = [pool.submit(run_part, part) for part in parallel.parts]
        for part in parts:
            part.result()

    def _is_gone(self, resource: Resource, error: AwsError | StillWaiting) -> bool:
        """
        Whether a delete was refused because *resource* is gone already.
        """
        # Every service has its own codes for that, and Batch has only ClientException with a
        # text that changes; a read says it for all of them.
        if isinstance(error, StillWaiting) or error.code in IN_USE:
            return False
        with suppress(BatchkitError):
            return self._polls.once(resource, Action.DELETE) is None
        return False

    def _exists(self, resource: Resource, error: AwsError, action: Action) -> bool:
        """
        Whether the create was refused because *resource* exists already.
        """
        create = str(operations(type(resource)).get("CREATE"))
        if action is not Action.CREATE or not resource.NATURAL_KEY or error.operation != create:
            return False
        with suppress(BatchkitError):
            return self._polls.once(resource, action) is not None
        return False

    def _add_blockers(self, resource: Resource, error: AwsError | StillWaiting) -> None:
        """
        Adds to *error* what keeps AWS from deleting *resource*, if that can be read.
        """
        # A DependencyViolation says that something uses the resource, and not what.
        if isinstance(error, AwsError) and error.code not in IN_USE:
            return
        with suppress(BatchkitError):
            if blockers := _reads.blockers(self._aws, resource):
                error.add_sentence(f"It is held by {'; '.join(blockers)}.")

    def _perform(self, resource: Resource, step: Step, action: Action) -> None:
        step = self._outputs.resolve(step)
        assert not isinstance(step, (Wait, Parallel))
        for unresolved in references(step):
            msg = f"{resource} needs {unresolved!r}, which nothing has given"
            raise BatchkitError(msg)
        if isinstance(step, ForEach):
            for call in self._aws.each(step, str(resource)):
                self._aws.call(call, str(resource))
        elif isinstance(step, Call):
            self._fresh_roles.wait(resource, step, action)
            try:
                answer = self._aws.call(step, str(resource), self._meanwhile(resource, action))
            except AwsError as error:
                advise_zones(self._aws, step, error)
                raise
            self._learn(resource, step, answer)
        else:
            self._outputs.learn(resource.key, step.perform(self._aws, self._emit))

    def _lookout(self, resource: Resource) -> Lookout:
        return Lookout(self._aws.clock, lambda: self._look(resource))

    def _meanwhile(self, resource: Resource, action: Action) -> Callable[[], None]:
        """
        Looks, before another attempt is made, whether it makes sense.
        """
        looks: list[Callable[[], None]] = [self._lookout(resource)]
        if action is Action.DELETE:
            looks.append(ForeignWatch(self._aws, resource))

        def look() -> None:
            for one in looks:
                one()

        return look

    def _learn(self, resource: Resource, call: Call, answer: Any) -> None:
        # The id from the answer is kept at once: EC2 lists what was made only after some seconds
        # (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
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
            StillWaiting: It took longer than its resource type may take.
        """
        failed_at: float | None = None
        for actual, spent in self._polls.until_deadline(resource, action):
            if actual is None and action is Action.DELETE:
                return resource  # another caller was faster
            if actual is None:
                continue
            failed = actual.state in actual.FAILED
            if failed and action is not Action.DELETE:
                failed_at = spent if failed_at is None else failed_at
                self._retry(resource, actual, resource.recover(actual), action, spent - failed_at)
            elif failed or actual.ready:
                # Batch deletes a compute environment or queue that is INVALID, too.
                self._outputs.learn_from(resource.key, actual)
                return actual
        raise AssertionError("unreachable")

    def wait_visible(self, resource: Resource, action: Action) -> None:
        """
        Waits until reads give what an update has set, or has had long enough for that.
        """
        # For some seconds after UpdateStateMachine, reads and new executions have the old values:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html.
        desired = self._outputs.resolve_fields(resource)
        for actual, spent in self._polls.until_deadline(resource, action):
            if spent >= LATEST or (actual is not None and not changes(desired, actual)):
                return

    def wait_deleted(self, resource: Resource, action: Action) -> None:
        """
        Waits until *resource*, as it was read, doesn't exist any more.

        Raises:
            BrokenResource: AWS reports that the deletion failed.
            StillWaiting: It took longer than its resource type may take.
        """
        failed_at: float | None = None
        asked_at = 0.0
        for actual, spent in self._polls.until_deadline(resource, action):
            if actual is None or actual.identity != resource.identity:
                return
            if spent >= OUTLASTED and actual.state not in (*actual.DELETING, *actual.FAILED):
                raise Overtaken(f"{resource} was made again")
            if actual.state in actual.FAILED and spent - asked_at >= OUTDATED:
                failed_at = spent if failed_at is None else failed_at
                again = resource.retry_delete(actual)
                self._retry(resource, actual, again, action, spent - failed_at)
                asked_at = spent

    def _retry(
        self,
        resource: Resource,
        actual: Resource,
        steps: Steps | None,
        action: Action,
        spent: float,
    ) -> None:
        """
        Runs *steps*, which may bring back what has failed *spent* seconds ago, unless it is over.
        """
        if steps is None or spent > RECOVERY:
            look_around(lambda: self._look(resource))
            raise broken(self._aws, resource, actual)
        late = spent > REMAKE and resource.key not in self._remade
        if late and may_remake(self._aws, actual, action):
            self._remade.add(resource.key)
            self.run(actual, actual.deletion(), Action.DELETE)
            steps = resource.create()
        self.run(resource, steps, action)
