"""
What a run is to AWS: an execution of a state machine, or jobs that were submitted directly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._jobs.state import State
from batchkit._model.calls import Operation
from batchkit.errors import RunNotFound

EXECUTION: Final = Operation(
    "stepfunctions", "DescribeExecution", absent=("ExecutionDoesNotExist",)
)
HISTORY: Final = Operation("stepfunctions", "GetExecutionHistory")
STOP: Final = Operation("stepfunctions", "StopExecution", absent=("ExecutionDoesNotExist",))
RUNNING: Final = "RUNNING"
SOON: Final = 20.0
"""
For how many seconds AWS may not yet list what it has just accepted: DescribeExecution is
eventually consistent, and jobs get the same time
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
"""


class RunBackend(Protocol):
    """
    What stands behind a `Run` on AWS.
    """

    def state(self) -> State:
        """
        How far it is now.

        Raises:
            RunNotFound: AWS doesn't know it, or has forgotten it.
        """

    def ids(self) -> list[str]:
        """
        The ids of its jobs; of an array, those of the children.
        """

    def cancel(self, reason: str) -> None:
        """
        Asks AWS to end it.
        """

    def name(self) -> str:
        """
        The name that it was given.
        """


class GracePeriod:
    """
    The time after a submission in which AWS may not list it yet.
    """

    def __init__(self, aws: Aws, fresh: bool) -> None:
        self._aws = aws
        self._end = aws.clock.monotonic() + SOON if fresh else float("-inf")

    def missing(self, what: str, keeps: str) -> State:
        """
        The state of *what*, which AWS doesn't list; *keeps* says for how long AWS lists runs.

        Raises:
            RunNotFound: The grace period is over.
        """
        if self._aws.clock.monotonic() < self._end:
            return State("SUBMITTED")
        raise RunNotFound(f"there is no run {what} in {self._aws.region}; {keeps}")


class StateMachineExecution:
    """
    An execution of a state machine.
    """

    def __init__(self, aws: Aws, arn: str, *, fresh: bool = False) -> None:
        self._aws = aws
        self._arn = arn
        self._fresh = GracePeriod(aws, fresh)

    def name(self) -> str:
        return self._arn.rpartition(":")[2]

    def state(self) -> State:
        described = self._aws.call(EXECUTION(executionArn=self._arn))
        if described is None:
            # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
            return self._fresh.missing(self._arn, "AWS forgets runs after 90 days")
        return State(described["status"], _cause(described))

    def ids(self) -> list[str]:
        # DescribeExecution doesn't name the jobs: only the history does, in the event of each
        # submission.  A retried task submits a new job.  In the first moments an execution may
        # have no history yet.
        events = self._aws.call(HISTORY(executionArn=self._arn))["events"]
        submitted = [id for id in map(_job_id, events) if id is not None]
        jobs = _jobs.describe(self._aws, list(dict.fromkeys(submitted)))
        return [id for job in jobs for id in _jobs.children(job)]

    def cancel(self, reason: str) -> None:
        self._aws.call(STOP(executionArn=self._arn, cause=reason))


def _cause(described: Mapping[str, Any]) -> str:
    """
    Why an execution ended; where the cause is a job as JSON, the job's own reason.
    """
    # If a task waits for its job (`.sync`) and the job fails, Step Functions gives the whole
    # description of the job as the cause
    # (https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html).
    cause = str(described.get("cause") or described.get("error") or "")
    try:
        job = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(job, dict):
        return cause
    return str(job.get("StatusReason") or cause)


def _job_id(event: Mapping[str, Any]) -> str | None:
    """
    The id of the job that an event of a history reports as submitted, if it is such an event.
    """
    details = event.get("taskSubmittedEventDetails") or {}
    output = json.loads(details.get("output") or "{}")
    return str(output["JobId"]) if "JobId" in output else None


class SubmittedJobs:
    """
    Jobs that were submitted together, without a state machine.
    """

    def __init__(self, aws: Aws, ids: Sequence[str], *, fresh: bool = False) -> None:
        self._aws = aws
        self._ids = list(ids)
        self._fresh = GracePeriod(aws, fresh)
        self._described: list[Job] = []

    def name(self) -> str:
        jobs = self._jobs()
        return jobs[0].name if jobs else self._ids[0]

    def state(self) -> State:
        jobs = _jobs.describe(self._aws, self._ids)
        if len(jobs) < len(self._ids):
            missing = ", ".join(sorted({*self._ids} - {job.id for job in jobs}))
            return self._fresh.missing(missing, "Batch forgets jobs a week after their end")
        self._described = jobs
        job = _most_advanced(jobs)
        return State(job.status, job.reason)

    def ids(self) -> list[str]:
        return [id for job in self._jobs() for id in _jobs.children(job)]

    def cancel(self, reason: str) -> None:
        # TerminateJob also cancels what hasn't started, and all children of an array; CancelJob
        # has no effect on a job that is STARTING or RUNNING
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html).
        for id in self._ids:
            self._aws.call(_jobs.TERMINATE(jobId=id, reason=reason))

    def _jobs(self) -> list[Job]:
        """
        The jobs as they were last described: names, and sizes of arrays, don't change.
        """
        if not self._described:
            self._described = _jobs.describe(self._aws, self._ids)
        return self._described


def _most_advanced(jobs: Sequence[Job]) -> Job:
    """
    The job that stands for all: of those that live the one that has come furthest; if all have
    ended, the first that failed, or else the first.
    """
    live = [job for job in jobs if not job.ended]
    if live:
        return max(live, key=lambda job: _jobs.LIVE.index(job.status))
    failed = [job for job in jobs if job.status == _jobs.FAILED]
    return failed[0] if failed else jobs[0]
