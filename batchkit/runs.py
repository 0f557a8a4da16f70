"""
Runs: start the state machine, follow its job's lines, wait for its end.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from batchkit._aws import Aws
from batchkit._calls import Operation
from batchkit._checks import ENVIRONMENT, refuse
from batchkit.errors import JobFailed, RunNotFound, StillWaiting

START: Final = Operation("stepfunctions", "StartExecution", exists=("ExecutionAlreadyExists",))
DESCRIBE: Final = Operation("stepfunctions", "DescribeExecution", absent=("ExecutionDoesNotExist",))
HISTORY: Final = Operation("stepfunctions", "GetExecutionHistory")
STOP: Final = Operation("stepfunctions", "StopExecution", absent=("ExecutionDoesNotExist",))
JOBS: Final = Operation("batch", "DescribeJobs", wide=True)
LINES: Final = Operation("logs", "GetLogEvents", absent=("ResourceNotFoundException",))
OPERATIONS: Final = (START, DESCRIBE, HISTORY, STOP, JOBS, LINES)

RUNNING: Final = "RUNNING"
SUCCEEDED: Final = "SUCCEEDED"
FASTEST: Final = 0.2
SLOWEST: Final = 5.0
LAST_LINES: Final = 20


@frozen
class Run:
    """
    An execution of a stack's state machine.  What it says is asked anew each time.
    """

    arn: str
    _aws: Aws = field(repr=False)

    @property
    def name(self) -> str:
        """
        The name of the execution.
        """
        return self.arn.rpartition(":")[2]

    @property
    def status(self) -> str:
        """
        RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        """
        return str(self._describe()["status"])

    @property
    def jobs(self) -> list[Mapping[str, Any]]:
        """
        Batch's details of the jobs that it has submitted.
        """
        events = self._aws.call(HISTORY(executionArn=self.arn))["events"]
        ids = list(dict.fromkeys(filter(None, map(_job_id, events))))
        return list(self._aws.call(JOBS(jobs=ids))["jobs"]) if ids else []

    def cancel(self, reason: str = "cancelled by its user") -> None:
        """
        Stops the execution, which ends its job.
        """
        self._aws.call(STOP(executionArn=self.arn, cause=reason))

    def wait(self, timeout: float | None = None) -> Run:
        """
        Returns when the run has succeeded.

        Raises:
            JobFailed: It ended without success; carries the reason, exit code and last lines.
            StillWaiting: It was still running after *timeout* seconds.
        """
        for _ in self._polls(timeout):
            execution = self._describe()
            if execution["status"] == SUCCEEDED:
                return self
            if execution["status"] != RUNNING:
                raise self._failure(execution)
        raise AssertionError("unreachable")

    def logs(self, follow: bool = False) -> Iterator[str]:
        """
        The lines that its job has written; with *follow*, those to come too, until its end.
        """
        shown: dict[str, str | None] = {}
        for _ in self._polls(None):
            ended = self._describe()["status"] != RUNNING
            for job in self.jobs:
                yield from self._new_lines(job, shown)
            if ended or not follow:
                return

    def _describe(self) -> Mapping[str, Any]:
        execution = self._aws.call(DESCRIBE(executionArn=self.arn))
        if execution is None:
            raise RunNotFound(f"there is no run {self.arn}; AWS forgets runs after 90 days")
        return dict(execution)

    def _polls(self, timeout: float | None) -> Iterator[None]:
        began, pause = self._aws.clock.monotonic(), FASTEST
        while True:
            yield
            if timeout is not None and self._aws.clock.monotonic() - began >= timeout:
                raise StillWaiting(f"the run {self.name} was still running after {timeout:g} s")
            self._aws.pause(pause)
            pause = min(SLOWEST, pause * 1.3)

    def _new_lines(self, job: Mapping[str, Any], shown: dict[str, str | None]) -> Iterator[str]:
        for group, stream in _streams(job):
            key = f"{group}/{stream}"
            while True:
                token = {"nextToken": shown[key]} if shown.get(key) else {}
                call = LINES(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
                answer = self._aws.call(call)
                if answer is None:
                    break
                yield from (event["message"] for event in answer["events"])
                last, shown[key] = shown.get(key), answer["nextForwardToken"]
                if not answer["events"] or shown[key] == last:
                    break

    def _failure(self, execution: Mapping[str, Any]) -> JobFailed:
        jobs = self.jobs
        job: Mapping[str, Any] = jobs[-1] if jobs else {}
        status = str(execution["status"])
        reason = job.get("statusReason") or execution.get("cause") or execution.get("error", "")
        code = job.get("container", {}).get("exitCode")
        with_code = f" with exit code {code}" if code is not None else ""
        lines = [line for one in jobs for line in self._new_lines(one, {})]
        return JobFailed(
            f"the run {self.name} is {status}{with_code}: {reason or 'no reason was given'}",
            status=status,
            reason=str(reason),
            exit_code=code,
            attempts=len(job.get("attempts", ())),
            log=lines[-LAST_LINES:],
        )


def start(
    aws: Aws,
    machine: str,
    environment: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Run:
    """
    Starts the state machine *machine*; see `Stack.run`.
    """
    if environment is not None and not ENVIRONMENT.test(environment):
        refuse("run", "environment", dict(environment), ENVIRONMENT.takes)
    given = {"environment": [{"Name": k, "Value": v} for k, v in (environment or {}).items()]}
    run = name or f"run-{uuid.uuid4()}"
    job = {"name": name} if name else {}
    answer = aws.call(START(stateMachineArn=machine, name=run, input=json.dumps({**given, **job})))
    return Run(str(answer["executionArn"]), aws)


def _job_id(event: Mapping[str, Any]) -> str | None:
    details = event.get("taskSubmittedEventDetails")
    output = json.loads(details["output"]) if details and details.get("output") else {}
    return output.get("JobId")


def _streams(job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The log group and stream of each attempt of a job.
    """
    container = job.get("container", {})
    options = container.get("logConfiguration", {}).get("options", {})
    group = options.get("awslogs-group", "/aws/batch/job")
    attempts = [attempt.get("container", {}) for attempt in job.get("attempts", ())]
    streams = [one.get("logStreamName") for one in (*attempts, container)]
    return ((group, stream) for stream in dict.fromkeys(filter(None, streams)))
