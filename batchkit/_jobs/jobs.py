"""
Batch jobs as AWS describes them: many at once, and how each attempt went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from batchkit._engine.aws import Aws
from batchkit._model.calls import Operation
from batchkit.resources.batch import LIST_JOBS
from batchkit.resources.platforms import container_of

DESCRIBE: Final = Operation("batch", "DescribeJobs", wide=True)
TERMINATE: Final = Operation("batch", "TerminateJob")
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
ENDED: Final = (SUCCEEDED, FAILED)
LIVE: Final = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
"""The states before the end, in their order; an array is PENDING until its children end."""
AT_ONCE: Final = 100
"""
How many jobs DescribeJobs takes in one call
(https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html).
"""
OWN_GROUP: Final = "/aws/batch/job"
"""
Where Batch writes lines if a job definition names no group
(https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html).
"""


@frozen
class Attempt:
    """
    One attempt of a job: its exit code, why it ended, where its lines are, and when it was.
    """

    number: int
    exit_code: int | None
    reason: str
    log_stream: str
    started: float | None
    stopped: float | None


@frozen
class Job:
    """
    A job as it was when Batch described it; *details* is the whole description.
    """

    id: str
    name: str
    status: str
    reason: str
    exit_code: int | None
    attempts: tuple[Attempt, ...]
    index: int | None
    log_group: str
    log_stream: str
    started: float | None
    stopped: float | None
    details: Mapping[str, Any] = field(repr=False, eq=False)

    @property
    def queue(self) -> str:
        """
        The ARN of its queue.
        """
        return str(self.details["jobQueue"])

    @property
    def definition(self) -> str:
        """
        The ARN of its job definition, with the revision.
        """
        return str(self.details["jobDefinition"])

    @property
    def ended(self) -> bool:
        """
        Whether it has succeeded or failed.
        """
        return self.status in ENDED

    @property
    def streams(self) -> tuple[str, ...]:
        """
        The log streams of its attempts, the oldest first.
        """
        # Every attempt is a task of its own, and writes into a stream of its own.  A running
        # attempt isn't listed yet: its stream is the container's.
        streams = (*(attempt.log_stream for attempt in self.attempts), self.log_stream)
        return tuple(dict.fromkeys(stream for stream in streams if stream))

    @property
    def size(self) -> int:
        """
        How many children it has; 0 if it isn't an array.
        """
        return int(self.details.get("arrayProperties", {}).get("size") or 0)


def parse(details: Mapping[str, Any]) -> Job:
    """
    The job that an item of the answer to DescribeJobs describes.
    """
    # A job of several containers has an empty one
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html).
    container = container_of(details)
    options = (container.get("logConfiguration") or {}).get("options") or {}
    listed = enumerate(details.get("attempts") or (), 1)
    attempts = tuple(_attempt(number, attempt) for number, attempt in listed)
    return Job(
        id=details["jobId"],
        name=details["jobName"],
        status=details["status"],
        reason=_reason(details, container),
        exit_code=container.get("exitCode"),
        attempts=attempts,
        index=(details.get("arrayProperties") or {}).get("index"),
        log_group=options.get("awslogs-group", OWN_GROUP),
        log_stream=container.get("logStreamName") or "",
        started=_time(details.get("startedAt")),
        stopped=_time(details.get("stoppedAt")),
        details=details,
    )


def _attempt(number: int, described: Mapping[str, Any]) -> Attempt:
    container = container_of(described)
    return Attempt(
        number=number,
        exit_code=container.get("exitCode"),
        reason=_reason(described, container),
        log_stream=container.get("logStreamName") or "",
        started=_time(described.get("startedAt")),
        stopped=_time(described.get("stoppedAt")),
    )


def _reason(described: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """
    Batch's reason, and the container's where that says more.
    """
    # Batch's own reason is general, such as "Essential container in task exited"; the container's
    # has the text of ECS, such as "OutOfMemoryError: Container killed due to memory usage".
    reasons = (described.get("statusReason") or "", container.get("reason") or "")
    return "; ".join(dict.fromkeys(filter(None, reasons)))


def _time(milliseconds: int | None) -> float | None:
    return milliseconds / 1000 if milliseconds else None


def describe(aws: Aws, ids: Sequence[str]) -> list[Job]:
    """
    The jobs *ids*, in that order; those that Batch has forgotten are left out.
    """
    # Batch keeps a job for at least seven days after its end.  The answer isn't promised to be in
    # the order of the request.
    found: dict[str, Job] = {}
    for start in range(0, len(ids), AT_ONCE):
        answer = aws.call(DESCRIBE(jobs=list(ids[start : start + AT_ONCE])))
        found.update((details["jobId"], parse(details)) for details in answer["jobs"])
    return [found[id] for id in ids if id in found]


def children(job: Job) -> list[str]:
    """
    The ids of an array's children; of another job, its own.
    """
    # A child's id is the parent's with its index behind a colon
    # (https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html).
    return [f"{job.id}:{index}" for index in range(job.size)] or [job.id]


def named(aws: Aws, queue: str, name: str) -> list[Mapping[str, Any]]:
    """
    The summaries of the jobs called *name* in *queue*, in whatever state, the oldest first.
    """
    # With a filter Batch ignores the status, and lists jobs of all states.  JOB_NAME is matched
    # without regard to case, so the names are compared once more
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html).
    filters = [{"name": "JOB_NAME", "values": [name]}]
    listed = aws.call(LIST_JOBS(jobQueue=queue, filters=filters))["jobSummaryList"]
    same = (job for job in listed if job["jobName"] == name)
    return sorted(same, key=lambda job: (job.get("createdAt", 0), job["jobId"]))


def in_states(
    aws: Aws, queue: str, states: Iterable[str], most: int = AT_ONCE
) -> Iterator[Mapping[str, Any]]:
    """
    The summaries of the jobs of *queue* in each of *states*, at most *most* of each.
    """
    # One call lists one state; without a state Batch lists only RUNNING jobs.
    for state in states:
        limit = {"MaxItems": most}
        answer = aws.call(LIST_JOBS(jobQueue=queue, jobStatus=state, PaginationConfig=limit))
        yield from answer["jobSummaryList"]


def representative(jobs: Sequence[Job]) -> Job | None:
    """
    The job that explains most: the first that failed by itself, or else the last; None of none.
    """
    failed = [job for job in jobs if job.status == FAILED]
    # A job that was cancelled before it started, or whose dependency failed, has no attempts.
    failed_by_itself = [job for job in failed if job.attempts]
    for candidates in (failed_by_itself, failed, jobs[-1:]):
        if candidates:
            return candidates[0]
    return None
