"""
AWS Batch's job queues: where jobs wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Operation, Steps
from batchkit._model.checks import a_bool, as_tuple, checked, each, optional, text, whole
from batchkit._model.properties import read_only, write_only
from batchkit._model.reader import Reader
from batchkit._model.users import Use, User
from batchkit._model.values import Arn, Ref
from batchkit.resources.batch import (
    DUPLICATE,
    LIST_JOBS,
    MISSING,
    MODIFIED,
    NOT_VALID,
    BatchResource,
)
from batchkit.resources.live_jobs import DESCRIBE_JOBS, DESCRIBE_QUEUES, live_jobs

STUCK_REASONS: Final = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
"""
Why Batch may cancel a job that is stuck in RUNNABLE; it takes no other texts
(https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html).
"""


STUCK_ON_INSTANCES: Final = (
    *STUCK_REASONS,
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
)
"""
The same where jobs run on instances of EC2
(https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html).
"""


@frozen(kw_only=True)
class JobQueue(BatchResource):
    """
    Where jobs wait for one of the compute environments, which are tried in order.

    Args:
        runnable_limit: Seconds after which Batch cancels a job that can't be run; None for never.
        on_instances: Whether its jobs run on instances of EC2, which may be unfit for them.
    """

    DESCRIBE: ClassVar = DESCRIBE_QUEUES
    CREATE: ClassVar = Operation(
        "batch",
        "CreateJobQueue",
        ("batch:TagResource",),
        exists=(DUPLICATE,),
        not_yet=(MODIFIED, NOT_VALID),
    )
    UPDATE: ClassVar = Operation("batch", "UpdateJobQueue", not_yet=(MODIFIED, NOT_VALID))
    DISABLE: ClassVar = Operation(
        "batch", "UpdateJobQueue", for_deletion=True, absent=(MISSING,), not_yet=(MODIFIED,)
    )
    DELETE: ClassVar = Operation("batch", "DeleteJobQueue", absent=(MISSING,), not_yet=(MODIFIED,))
    JOBS: ClassVar = LIST_JOBS
    DESCRIBE_JOBS: ClassVar = DESCRIBE_JOBS
    COMES_AFTER: ClassVar = ("LogGroup",)
    LISTED: ClassVar = "jobQueues"
    NAMED: ClassVar = "jobQueueName"
    PARAMETER: ClassVar = "jobQueue"

    compute_environments: Sequence[str | Ref] = checked(
        each(text(r"\S+", "a compute environment's ARN"), least=1, most=3),
        to="ComputeEnvironment",
        converter=as_tuple,
    )
    priority: int = checked(whole(0, 1000), default=1)
    runnable_limit: int | None = checked(optional(whole(600, 86400, "seconds")), default=None)
    on_instances: bool = write_only(a_bool(), default=False)
    arn: str = read_only("jobQueueArn")
    returns_limit: bool = read_only()

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        # A job has an id, which says nothing of its queue.
        lanes = (f"job-queue/{stack}", f"job-queue/{stack}_*", "job/*")
        return tuple(Arn("batch", lane) for lane in lanes)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], stack: str = "") -> JobQueue:
        # Batch returns the ARNs of the environments, and doesn't promise to sort them.
        order = sorted(answer["computeEnvironmentOrder"], key=lambda one: one["order"])
        return cls(
            **cls.common(answer, stack),
            compute_environments=[one["computeEnvironment"] for one in order],
            priority=answer["priority"],
            runnable_limit=_limit(answer.get("jobStateTimeLimitActions", ())),
            returns_limit="jobStateTimeLimitActions" in answer,
            arn=answer["jobQueueArn"],
        )

    def differs(self, name: str, actual: Any) -> bool:
        # AWS returns an empty list where there is no limit.  Some emulators drop limits and return
        # no list; there every run would update the queue.
        if name == "runnable_limit" and actual.returns_limit is False:
            return False
        return super().differs(name, actual)

    def active_users(self, reader: Reader) -> list[User]:
        return live_jobs(self.arn, reader)

    def stands_on(self) -> Iterator[Use]:
        # Each of its jobs says itself in which of the environments it is or may be started.
        return iter(())

    def widened(self, actual: JobQueue, at_work: Collection[Use]) -> JobQueue:
        # Batch would cancel the jobs that have waited for longer than a new limit.
        limits = (self.runnable_limit, actual.runnable_limit)
        longest = None if None in limits else max(limit for limit in limits if limit is not None)
        return evolve(self, runnable_limit=longest) if actual.runnable_limit != 0 else self

    def create(self) -> Steps:
        limits = {"jobStateTimeLimitActions": self._limits()} if self.runnable_limit else {}
        yield self.CREATE(
            jobQueueName=self.name,
            state=self.switch,
            priority=self.priority,
            computeEnvironmentOrder=self._order(),
            tags=self.all_tags,
            **limits,
        )
        yield WAIT_STABLE

    def update(self, actual: JobQueue, drift: Collection[str]) -> Steps:
        desired = {
            "enabled": ("state", self.switch),
            "state": ("state", self.switch),
            "priority": ("priority", self.priority),
            "compute_environments": ("computeEnvironmentOrder", self._order()),
            "runnable_limit": ("jobStateTimeLimitActions", self._limits()),
        }
        changed = dict(desired[name] for name in drift if name in desired)
        if changed:
            yield self.UPDATE(jobQueue=self.name, **changed)
            yield WAIT_STABLE
        yield from self.tag(actual, drift)

    def delete(self) -> Steps:
        # This also terminates the jobs that are left, about 16 a second
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html).
        yield self.DELETE(jobQueue=self.name)
        yield WAIT_DELETED

    def _order(self) -> list[dict[str, Any]]:
        return [
            {"order": number, "computeEnvironment": environment}
            for number, environment in enumerate(self.compute_environments, 1)
        ]

    def _limits(self) -> list[dict[str, Any]]:
        if self.runnable_limit is None:
            return []
        limit = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": self.runnable_limit}
        reasons = STUCK_ON_INSTANCES if self.on_instances else STUCK_REASONS
        return [{**limit, "reason": reason} for reason in reasons]


def _limit(actions: Iterable[Mapping[str, Any]]) -> int | None:
    """
    The limit that holds for every reason; 0 if the reasons differ in it.
    """
    limits = {one["reason"]: one["maxTimeSeconds"] for one in actions}
    if not limits:
        return None
    every = set(limits) in (set(STUCK_REASONS), set(STUCK_ON_INSTANCES))
    same = every and len(set(limits.values())) == 1
    return next(iter(limits.values())) if same else 0
