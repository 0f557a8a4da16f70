"""
Stacks: make one, see what would change, run it, take it down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import boto3
from attrs import field, frozen

from batchkit import _plan, _policy, _preflight, _recent, _start, _tags, _teardown, explain, runs
from batchkit._aws import Aws
from batchkit._blueprint import kinds, resources
from batchkit._checks import demand
from batchkit._clock import Clock
from batchkit._engine import Engine
from batchkit._finding import Diagnosis
from batchkit._map import Mapped, fan_out
from batchkit._origins import Execution, Submission
from batchkit._plan import Plan
from batchkit._resource import Resource
from batchkit._teardown import Teardown
from batchkit.errors import StackNotFound
from batchkit.events import Listener, listeners
from batchkit.resources.batch import ComputeEnvironment, JobQueue
from batchkit.resources.data import Bucket
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.states import StateMachine
from batchkit.resources.vpc import Vpc
from batchkit.runs import Run
from batchkit.spec import STACK_NAME, StackSpec

WORKERS: Final = 16


@frozen
class Stack:
    """
    A stack as it stands: its *resources* with their outputs, and what making it has changed.
    """

    name: str
    resources: tuple[Resource, ...]
    _aws: Aws = field(repr=False, eq=False)
    plan: Plan = field(repr=False, eq=False)

    @property
    def region(self) -> str:
        """
        The region that it stands in.
        """
        return self._aws.region

    @property
    def partition(self) -> str:
        """
        The partition of that region, such as `aws`.
        """
        return self._aws.partition

    @property
    def outputs(self) -> dict[str, str]:
        """
        The ARN, id or URI of each resource, by kind and name.
        """
        return {f"{kind} {name}": str(r.identity) for r in self.resources for kind, name in [r.key]}

    def arn(self, kind: type[Resource]) -> str:
        """
        The ARN or id of the first resource of *kind*.
        """
        for resource in self.resources:
            if isinstance(resource, kind):
                return str(resource.identity)
        raise StackNotFound(f"the stack {self.name!r} has no {kind.__name__}")

    def run(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        name: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Run:
        """
        Starts the state machine.

        Args:
            environment: Overrides of the job's environment variables.
            name: The name of the run and its job; a fresh one if None.
            wait: Whether to return only when the run has succeeded.
            timeout: Seconds to wait; the run goes on after them.
        """
        arn = _start.execution(self._aws, self.arn(StateMachine), environment, name)
        run = Run(arn, self._aws, Execution(self._aws, arn, fresh=True))
        return run.wait(timeout) if wait else run

    def submit(
        self,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        array_size: int | None = None,
        depends_on: Sequence[Run | str] = (),
        vcpus: float | None = None,
        memory: int | None = None,
        timeout: int | None = None,
        attempts: int | None = None,
        key: str | None = None,
        *,
        name: str | None = None,
    ) -> Run:
        """
        Submits a job to the queue, without the state machine.

        Args:
            command: What the container runs in place of the image's own command.
            environment: Overrides of the job's environment variables.
            array_size: Makes so many children, each with its AWS_BATCH_JOB_ARRAY_INDEX.
            depends_on: Runs, or ids of jobs, that must have succeeded before.
            vcpus: vCPUs, in place of the job definition's.
            memory: MiB, likewise.
            timeout: Seconds after which an attempt is ended, likewise.
            attempts: How often it is tried, likewise.
            key: Makes it idempotent: while a job of the same key is alive, or has succeeded, that
                is the run.  Batch forgets jobs a week after their end.
            name: The name of the job; a fresh one if None.
        """
        wanted = self._submission(
            command=command,
            environment=environment or {},
            array_size=array_size,
            depends_on=[id for one in depends_on for id in _job_ids(one)],
            vcpus=vcpus,
            memory=memory,
            timeout=timeout,
            attempts=attempts,
            name=_start.name_of(self.name, name, key),
        )
        id, new = _start.submit(self._aws, wanted, once=key is not None)
        return Run(id, self._aws, Submission(self._aws, [id], fresh=new))

    def map(
        self,
        items: Iterable[Any],
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        vcpus: float | None = None,
        memory: int | None = None,
        timeout: int | None = None,
        attempts: int | None = None,
        key: str | None = None,
        name: str | None = None,
        wait: bool = True,
    ) -> Mapped:
        """
        Runs a job for each of *items*, as the children of array jobs; their results are in order.

        A child finds all items as a JSON list in its variable BATCHKIT_ITEMS, and its own at
        AWS_BATCH_JOB_ARRAY_INDEX, which a single item doesn't have.  Lists that have no room there go
        to the stack's bucket, and BATCHKIT_ITEMS_URI names the object; without a bucket there are more
        arrays.

        Args:
            items: What JSON can hold.
            wait: Whether to return only when all have ended.  It doesn't raise if some have failed.
        """
        wanted = self._submission(
            command=command,
            environment=environment or {},
            vcpus=vcpus,
            memory=memory,
            timeout=timeout,
            attempts=attempts,
            name=_start.name_of(self.name, name, key),
        )
        bucket = next((one.name for one in self.resources if isinstance(one, Bucket)), None)
        mapped = fan_out(self._aws, wanted, list(items), bucket, once=key is not None)
        return mapped.wait() if wait else mapped

    def runs(self, limit: int = 20) -> list[Run]:
        """
        The newest runs, the newest first: executions and jobs that were submitted directly.
        """
        return _recent.runs(self._aws, self.arn(StateMachine), self.arn(JobQueue), limit)

    def diagnose(self) -> Diagnosis:
        """
        What is wrong, or keeps jobs from running, as findings; empty if all is well.
        """
        return explain.diagnose(self._aws, self.name)

    def _submission(self, **wanted: Any) -> _start.Submission:
        definition = next(one for one in self.resources if isinstance(one, JobDefinition))
        return _start.Submission(
            queue=self.arn(JobQueue),
            definition=definition.arn,
            size=(definition.vcpus, definition.memory),
            **wanted,
        )

    def _repr_html_(self) -> str:
        from batchkit._html_stack import page

        return page(self)

    def __rich__(self) -> object:
        from batchkit._rich import stack

        return stack(self)


def _job_ids(given: Run | str) -> Sequence[str]:
    """
    What a job that depends on *given* waits for.
    """
    return given.parents if isinstance(given, Run) else [given]


def ensure_stack(
    spec: StackSpec,
    *,
    session: boto3.Session | None = None,
    on_event: Listener | None = None,
    adopt: bool = False,
    timeout: float | None = None,
    clock: Clock | None = None,
    workers: int = WORKERS,
) -> Stack:
    """
    Creates, updates or leaves alone everything that *spec* asks for; safe to repeat.

    What the stack owns and the spec no longer asks for is deleted, but no table and no bucket.

    Args:
        session: Where to; the default session's account and region if None.
        on_event: Called with an `Event` for all that happens, from several threads.
        adopt: Whether resources of the stack's names that aren't its own are taken over.
        timeout: Seconds after which it gives up; what exists then, the next call goes on from.
        clock: What waits, instead of the machine's time.

    Raises:
        NotOwnedError: A resource of that name is there and isn't the stack's; nothing was done.
        ReplacementNeeded: A change that AWS can't make in place; nothing was done.
        PreflightError: Something that it needs is missing, such as Docker; nothing was done.
        ApplyError: Some could not be made.  Calling it again goes on from there.
    """
    aws, emit = Aws(session, clock, timeout), listeners(on_event)
    engine = Engine(aws, emit, adopt=adopt, workers=workers)
    decisions = _observe(engine, aws, spec)
    plan = _plan.make(spec.name, decisions, engine.extras(decisions))
    _preflight.require(aws, spec, plan)
    made = engine.apply(decisions)
    extras = engine.extras(decisions)
    if extras:
        outcome = _teardown.delete(aws, emit, extras, kinds(), workers=workers)
        if outcome.failed:
            raise _teardown.failure(spec.name, outcome)
    return Stack(spec.name, tuple(made), aws.unhurried(), plan)


def plan_stack(
    spec: StackSpec,
    *,
    session: boto3.Session | None = None,
    adopt: bool = False,
    clock: Clock | None = None,
) -> Plan:
    """
    What `ensure_stack` would do; changes nothing.

    Raises:
        NotOwnedError: A resource of that name is there and isn't the stack's.
        ReplacementNeeded: A change that AWS can't make in place.
    """
    aws = Aws(session, clock)
    engine = Engine(aws, listeners(None), adopt=adopt)
    decisions = _observe(engine, aws, spec)
    return _plan.make(spec.name, decisions, engine.extras(decisions))


def _observe(engine: Engine, aws: Aws, spec: StackSpec) -> Sequence[Any]:
    lasting = [kind for kind in kinds() if not (kind.DATA or kind.HIDDEN)]
    return engine.observe(resources(spec, aws.region), lasting, spec.name)


def destroy_stack(
    spec_or_name: StackSpec | str,
    *,
    session: boto3.Session | None = None,
    delete_data: bool = False,
    on_event: Listener | None = None,
    timeout: float | None = None,
    clock: Clock | None = None,
    workers: int = WORKERS,
) -> Teardown:
    """
    Deletes everything that the stack owns, what depends before what it depends on.

    It finds the resources by their tags, so a name is enough.  Tables and buckets stay.

    Args:
        delete_data: Whether the stack's own tables and buckets go too, with all that is in them.

    Raises:
        TeardownError: Some could not be deleted; says what is left and why.  The rest is gone.
    """
    name = spec_or_name.name if isinstance(spec_or_name, StackSpec) else _name(spec_or_name)
    aws, emit = Aws(session, clock, timeout), listeners(on_event)
    graph = kinds()
    found = _teardown.find(aws, list(graph), name)
    doomed = [held for held in found if delete_data or not held.DATA]
    outcome = _teardown.delete(aws, emit, doomed, graph, workers=workers)
    if outcome.failed:
        raise _teardown.failure(name, outcome)
    return Teardown(
        deleted=tuple(f"{kind} {one}" for kind, one, _ in outcome.done),
        kept=tuple(str(held) for held in found if held not in doomed),
    )


def describe_stack(
    name: str, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> Stack:
    """
    The stack as it stands in the account.

    Raises:
        StackNotFound: Nothing carries its tag here.
    """
    aws = Aws(session, clock)
    shown = [kind for kind in kinds() if not kind.HIDDEN]
    found = _teardown.find(aws, shown, _name(name))
    if not found:
        msg = f"there is no stack {name!r} in this account in {aws.region}"
        raise StackNotFound(msg)
    return Stack(name, tuple(found), aws, Plan(name, ()))


def list_stacks(*, session: boto3.Session | None = None, clock: Clock | None = None) -> list[str]:
    """
    The names of all stacks that have a network or a compute environment in this account and region.
    """
    aws = Aws(session, clock)
    tagged = [{"Name": "tag-key", "Values": [_tags.OWNER]}]
    vpcs = aws.call(Vpc.DESCRIBE(Filters=tagged))["Vpcs"]
    environments = aws.call(ComputeEnvironment.DESCRIBE())["computeEnvironments"]
    tags = [*(vpc.get("Tags") for vpc in vpcs), *(one.get("tags") for one in environments)]
    return sorted({_tags.owner(_tags.parse(each)) for each in tags} - {""})


def stack_policy(
    spec: StackSpec, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> dict[str, Any]:
    """
    The policy that whoever ensures, plans, runs and destroys *spec* needs, as a document.
    """
    aws = Aws(session, clock)
    wanted = resources(spec, aws.region)
    return _policy.make(spec.name, wanted, (*runs.OPERATIONS, *explain.OPERATIONS), aws.fill)


def _name(name: str) -> str:
    demand("stack", "name", name, STACK_NAME)
    return name
