"""
A stack as it is in AWS: its resources, its runs, and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from batchkit._diagnosis import explain
from batchkit._diagnosis.finding import Diagnosis
from batchkit._engine.aws import Aws
from batchkit._engine.plan import Plan
from batchkit._model.checks import Constraint, require
from batchkit._model.display import Displayed
from batchkit._model.options import check_options
from batchkit._model.resource import Resource
from batchkit._runs import recent as _recent, start as _start
from batchkit._runs.backends import StateMachineExecution, SubmittedJobs
from batchkit._runs.fan_out import Mapped, fan_out
from batchkit._runs.run import Run
from batchkit.errors import StackNotFound
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.queues import JobQueue
from batchkit.resources.s3 import Bucket
from batchkit.resources.states import StateMachine
from batchkit.stack.joining import Joining, joining

_RESOURCE_TYPE: Final = Constraint(
    "the class of a resource, such as JobQueue",
    lambda value: isinstance(value, type) and issubclass(value, Resource),
)
# A text is a sequence of its letters, and a mapping one of its keys: neither is meant.
_ITEMS: Final = Constraint(
    "a list, or something else to iterate over",
    lambda value: isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)),
)
_RUNS: Final = Constraint(
    "a list of runs, or of ids of jobs",
    lambda value: isinstance(value, (list, tuple))
    and all(isinstance(one, (Run, str)) for one in value),
)


@frozen
class Stack(Displayed):
    """
    A stack as it is in AWS: its *resources* with their outputs, and the *plan* that made it so.
    """

    name: str
    resources: tuple[Resource, ...]
    _aws: Aws = field(repr=False, eq=False)
    plan: Plan = field(repr=False, eq=False)

    @property
    def region(self) -> str:
        """
        The region that it is in.
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
        The ARN, id or URI of each resource, by resource type and name.
        """
        return {
            f"{resource_type} {name}": str(r.identity)
            for r in self.resources
            for resource_type, name in [r.key]
        }

    def arn(self, resource_type: type[Resource]) -> str:
        """
        The ARN or id of the first resource of *resource_type*.
        """
        require("arn", "resource_type", resource_type, _RESOURCE_TYPE)
        for resource in self.resources:
            if resource.type_name() == resource_type.type_name():
                return str(resource.identity)
        raise StackNotFound(f"the stack {self.name!r} has no {resource_type.type_name()}")

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
        check_options("run", wait=wait, timeout=timeout)
        arn = _start.execution(self._aws, self.arn(StateMachine), environment, name)
        run = Run(arn, self._aws, StateMachineExecution(self._aws, arn, fresh=True))
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
            memory: MiB, in place of the job definition's.
            timeout: Seconds after which an attempt is ended, in place of the job definition's.
            attempts: How often it is tried, in place of the job definition's; its rules for Spot
                stay.
            key: Makes it idempotent: while a job of the same key is alive, or has succeeded, that
                is the run.  Batch forgets jobs a week after their end.
            name: The name of the job; a fresh one if None.
        """
        given = _given(
            command=command,
            environment=environment,
            vcpus=vcpus,
            memory=memory,
            timeout=timeout,
            attempts=attempts,
        )
        submission = self._submission(name, key, given, array_size, _job_ids(depends_on))
        id, new = _start.submit(self._aws, submission, once=key is not None)
        return Run(id, self._aws, SubmittedJobs(self._aws, [id], fresh=new))

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
        AWS_BATCH_JOB_ARRAY_INDEX, which a single item doesn't have.  Lists that have no room there
        go to the stack's bucket, and BATCHKIT_ITEMS_URI names the object; without a bucket there
        are more arrays.

        Args:
            items: What JSON can hold.
            wait: Whether to return only when all have ended.  It doesn't raise if some have failed.
        """
        check_options("map", wait=wait)
        require("map", "items", items, _ITEMS)
        given = _given(
            command=command,
            environment=environment,
            vcpus=vcpus,
            memory=memory,
            timeout=timeout,
            attempts=attempts,
        )
        submission = self._submission(name, key, given)
        mapped = fan_out(self._aws, submission, list(items), self._bucket, once=key is not None)
        return mapped.wait() if wait else mapped

    def runs(self, limit: int = 20) -> list[Run]:
        """
        The newest runs, the newest first: executions and jobs that were submitted directly.
        """
        queues = [str(one.identity) for one in self.resources if isinstance(one, JobQueue)]
        return _recent.runs(self._aws, self.arn(StateMachine), queues, limit)

    @property
    def joining(self) -> Joining:
        """
        What an instance of one's own needs to join the stack's cluster, with `Unmanaged()`.

        Raises:
            StackNotFound: The stack runs its jobs elsewhere.
        """
        return joining(self.name, self.resources)

    def diagnose(self) -> Diagnosis:
        """
        What is wrong, or keeps jobs from running, as findings; empty if all is well.
        """
        return explain.diagnose(self._aws, self.name)

    def _submission(
        self,
        name: str | None,
        key: str | None,
        given: Mapping[str, Any],
        array_size: int | None = None,
        depends_on: Sequence[str] = (),
    ) -> _start.Submission:
        """
        A job of the stack that differs from its definition in what is *given*.
        """
        return _start.Submission(
            queue=self.arn(JobQueue),
            definition=self._definition,
            name=_start.name_of(self.name, name, key),
            given=given,
            array_size=array_size,
            depends_on=depends_on,
        )

    @property
    def _bucket(self) -> str | None:
        return next((one.name for one in self.resources if isinstance(one, Bucket)), None)

    @property
    def _definition(self) -> JobDefinition:
        return next(one for one in self.resources if isinstance(one, JobDefinition))


def _given(**settings: Any) -> dict[str, Any]:
    """
    The settings that a caller has given; None stands for the job definition's.
    """
    return {name: value for name, value in settings.items() if value is not None}


def _job_ids(depends_on: Iterable[Run | str]) -> list[str]:
    """
    The ids of the jobs that *depends_on* stands for.
    """
    require("submit", "depends_on", depends_on, _RUNS)
    ids: list[str] = []
    for one in depends_on:
        ids += one.parents if isinstance(one, Run) else [one]
    return ids
