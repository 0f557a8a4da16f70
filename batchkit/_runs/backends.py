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
"""For how many seconds AWS may not yet know of what it has just been given."""


class RunBackend(Protocol):
    """
    What `Run` asks.
    """

    def read_lock(self) -> State:
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
    Whether AWS was given something only moments ago.
    """

    def __init__(self, aws: Aws, fresh: bool) -> None:
        self._aws = aws
        self._end = aws.clock.monotonic() + SOON if fresh else float("-inf")

    def missing(self, what: str, keeps: str) -> State:
        """
        The state of what AWS doesn't list.
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

    def read_lock(self) -> State:
        told = self._aws.call(EXECUTION(executionArn=self._arn))
        if told is None:
            return self._fresh.missing(self._arn, "AWS forgets runs after 90 days")
        return State(told["status"], _cause(told))

    def ids(self) -> list[str]:
        # In the first moments an execution may have no history yet.
        events = self._aws.call(HISTORY(executionArn=self._arn))["events"]
        submitted = list(dict.fromkeys(filter(None, map(_job_id, events))))
        jobs = _jobs.describe(self._aws, submitted)
        return [id for job in jobs for id in _jobs.children(job)]

    def cancel(self, reason: str) -> None:
        self._aws.call(STOP(executionArn=self._arn, cause=reason))


def _cause(told: Mapping[str, Any]) -> str:
    """
    Why an execution ended; where the cause is a job as JSON, the job's own reason.
    """
    cause = str(told.get("cause") or told.get("error") or "")
    try:
        job = json.loads(cause)
    except ValueError:
        return cause
    return str(job.get("StatusReason") or cause) if isinstance(job, dict) else cause


def _job_id(event: Mapping[str, Any]) -> str | None:
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
        self._known: list[Job] = []

    def name(self) -> str:
        self._known = self._known or _jobs.describe(self._aws, self._ids)
        return self._known[0].name if self._known else self._ids[0]

    def read_lock(self) -> State:
        jobs = _jobs.describe(self._aws, self._ids)
        if len(jobs) < len(self._ids):
            missing = ", ".join(sorted({*self._ids} - {job.id for job in jobs}))
            return self._fresh.missing(missing, "Batch forgets jobs a week after their end")
        self._known = jobs
        failed = [job for job in jobs if job.status == _jobs.FAILED]
        live = [job for job in jobs if not job.ended]
        representative = max(live, key=_far) if live else (*failed, *jobs)[0]
        return State(representative.status, representative.reason)

    def ids(self) -> list[str]:
        self._known = self._known or _jobs.describe(self._aws, self._ids)
        return [id for job in self._known for id in _jobs.children(job)]

    def cancel(self, reason: str) -> None:
        # TerminateJob also cancels what hasn't started, and all children of an array.
        for id in self._ids:
            self._aws.call(_jobs.TERMINATE(jobId=id, reason=reason))


def _far(job: Job) -> int:
    return _jobs.LIVE.index(job.status)
