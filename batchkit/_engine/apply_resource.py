"""
Applying one decision: compare again, run the steps, and settle what a call has left open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Change, Decision, decide, in_wrong_parent
from batchkit._engine.lookout import check_there
from batchkit._engine.order import needs
from batchkit._engine.outputs import Outputs
from batchkit._engine.reads import Observation
from batchkit._engine.steps import Runner
from batchkit._model.properties import read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.signals import AlreadyThere, Ambiguous, Cancelled
from batchkit.errors import BatchkitError, NotOwnedError
from batchkit.events import Action, Event, Listener, Phase

FRESH: Final = 5.0
"""For how many seconds an observation is recent enough to act upon."""
CONSISTENT: Final = 5.0
"""After how many seconds AWS lists a resource whose creation was not answered."""
LISTING_LAG: Final = 45.0
"""For how many seconds something that exists, as AWS says, may be missing from its lists."""
ATTEMPTS: Final = 30


class ResourceApplier:
    """
    Brings one resource after the other to what is desired; *made* are those that are.
    """

    def __init__(self, aws: Aws, emit: Listener, *, adopt: bool) -> None:
        self._aws = aws
        self._emit = emit
        self._adopt = adopt
        self._outputs = Outputs(aws)
        self._runner = Runner(aws, emit, self._outputs, self._check_there)
        self._needs: dict[Key, set[Key]] = {}
        self.made: dict[Key, Resource] = {}

    def decide(self, desired: Resource, candidates: Sequence[Resource]) -> Decision:
        """
        What has to be done so that AWS holds *desired*; the outputs of what stays are known then.
        """
        resolved = self._outputs.resolve_fields(desired)
        decision = self._decide_when_tagged(desired, resolved, candidates)
        self._outputs.forget(desired.key)
        if decision.actual is not None and decision.action is not Action.CREATE:
            self._outputs.learn(desired.key, _lasting(decision.actual, decision.changes))
        return decision

    def _decide_when_tagged(
        self, desired: Resource, resolved: Resource, candidates: Sequence[Resource]
    ) -> Decision:
        # Tags are read in a call of their own, and may be seen later than what another caller has
        # just made with them
        # (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html).
        began = self._aws.clock.monotonic()
        while True:
            ours = [one for one in candidates if not in_wrong_parent(desired, resolved, one)]
            try:
                return decide(resolved, ours, adopt=self._adopt)
            except NotOwnedError:
                late = self._aws.clock.monotonic() - began >= CONSISTENT
                if late or any(one.owner or one.tags for one in ours):
                    raise
            self._aws.pause(1.0)
            candidates = _reads.read(self._aws, resolved)

    def keep(self, decision: Decision) -> None:
        """
        The resource is as it is desired; that is reported.
        """
        self.made[decision.desired.key] = self._result(decision.desired)
        self._report(decision, Phase.DONE, self._aws.clock.monotonic(), "")

    def apply(self, decision: Decision, observation: Observation) -> None:
        """
        The resource of *decision* is as it is desired, whatever has happened since *observation*.
        """
        began = self._aws.clock.monotonic()
        self._needs.update(needs([decision.desired]))
        try:
            self._apply_until_settled(decision.desired, observation)
        except Exception as error:
            phase = Phase.WAITING if isinstance(error, Cancelled) else Phase.FAILED
            self._report(decision, phase, began, str(error))
            raise

    def _apply_until_settled(self, desired: Resource, observation: Observation) -> None:
        """
        Compares and acts, again where AWS has left open what a call has done.
        """
        refused_since = float("inf")
        for attempt in range(ATTEMPTS):
            # To be asked for before the comparison, which forgets what isn't listed.
            made = self._outputs.of(desired.key).get("id") if attempt else None
            decision = self._compare_again(desired, observation if attempt == 0 else None)
            self._delete_duplicate(decision, made)
            try:
                return self._carry_out(decision)
            except AlreadyThere as error:
                now = self._aws.clock.monotonic()
                refused_since = min(refused_since, now)
                if now - refused_since > LISTING_LAG:
                    raise error.refusal from error
                self._wait_until_listed(desired, attempt)
            except Ambiguous:
                # The call may have taken effect.  A second create now could make a duplicate: EC2
                # has no client token for a VPC, a subnet or an address, and what was made is listed
                # only after some seconds
                # (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
                self._aws.pause(CONSISTENT)
        raise BatchkitError(f"{desired} could not be made in {ATTEMPTS} attempts")

    def _wait_until_listed(self, desired: Resource, attempt: int) -> None:
        # A name can be read as soon as AWS refuses it.  Without one, only EC2's eventually
        # consistent list says whose it is that is there, so the list gets its full time.
        self._aws.pause(min(attempt, 3.0) if desired.NATURAL_KEY else CONSISTENT)

    def _compare_again(self, desired: Resource, observation: Observation | None) -> Decision:
        """
        The decision by what AWS holds now: *observation*, if it is recent, or a new read.
        """
        if observation and self._aws.clock.monotonic() - observation.at < FRESH:
            candidates = observation.candidates[desired.key]
        else:
            candidates = _reads.read(self._aws, self._outputs.resolve_fields(desired))
        decision = self.decide(desired, candidates)
        actual = decision.actual
        if actual is None or actual.ready or actual.state in actual.FAILED:
            return decision
        # AWS refuses to change what it is at work on, and a name until its deletion is over, such
        # as Batch ("resource is being modified") and Step Functions (StateMachineDeleting).
        if actual.state in actual.DELETING:
            self._runner.wait_deleted(actual, Action.DELETE)
            return attrs.evolve(decision, actual=None)
        return self.decide(desired, [self._runner.wait_stable(actual, decision.action)])

    def _delete_duplicate(self, decision: Decision, made: str | None) -> None:
        """
        Deletes what an earlier attempt has *made*, if another of its name is used now.
        """
        if made is None or decision.actual is None or decision.actual.identity == made:
            return
        for duplicate in _reads.read(self._aws, decision.desired):
            if duplicate.identity == made:
                self._runner.run(duplicate, duplicate.deletion(), Action.DELETE)

    def _carry_out(self, decision: Decision) -> None:
        if decision.action is Action.KEEP:
            self.keep(decision)
            return
        began = self._aws.clock.monotonic()
        self._report(decision, Phase.STARTED, began, decision.reason)
        desired = decision.desired
        self._runner.run(desired, decision.steps(), decision.action)
        self.made[desired.key] = self._result(desired)
        self._report(decision, Phase.DONE, began, decision.reason)

    def _check_there(self, resource: Resource) -> None:
        """
        What *resource* needs is there, and itself if it has been made.

        Raises:
            Overtaken: Another caller has deleted it.
        """
        needed = [self.made[key] for key in self._needs.get(resource.key, ()) if key in self.made]
        known = self._outputs.of(resource.key)
        check_there(self._aws, needed, attrs.evolve(resource, **known) if known else None)

    def _result(self, desired: Resource) -> Resource:
        return attrs.evolve(desired, **{"owner": desired.stack, **self._outputs.of(desired.key)})

    def _report(self, decision: Decision, phase: Phase, began: float, detail: str) -> None:
        resource_type, name = decision.desired.key
        spent = self._aws.clock.monotonic() - began
        self._emit(Event(resource_type, name, decision.action, phase, detail, spent))


def _lasting(actual: Resource, changes: Sequence[Change]) -> dict[str, Any]:
    """
    The outputs of *actual* that an update of *changes* leaves as they are.
    """
    # Tags are written to the revision of a job definition that is there; for anything else another
    # is registered, with another ARN
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html).
    regenerates = any(change.field != "tags" for change in changes)
    return {
        a.name: getattr(actual, a.name)
        for a in read_only_fields(type(actual))
        if not (regenerates and a.metadata["regenerated"])
    }
