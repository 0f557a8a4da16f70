"""
Runs: follow one, wait for its end, learn why it ended, end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import boto3
from attrs import field, frozen

from batchkit._diagnosis.explain import explain
from batchkit._diagnosis.finding import Diagnosis
from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs, links as _links, logs as _logs
from batchkit._jobs.jobs import Job
from batchkit._jobs.logs import Follower, LogLine
from batchkit._jobs.state import State
from batchkit._model.calls import Operation
from batchkit._model.checks import refuse
from batchkit._model.display import Displayed
from batchkit._runs import backends as _backends
from batchkit._runs.backends import RunBackend, StateMachineExecution, SubmittedJobs
from batchkit._runs.outcome import failure
from batchkit._runs.start import LIST_RUNS, PUT, START, SUBMIT
from batchkit.clock import Clock
from batchkit.errors import BatchkitError, JobFailed, RunNotFound, StillWaiting
from batchkit.resources.batch import LIST_JOBS

OPERATIONS: Final[tuple[Operation, ...]] = (
    START,
    SUBMIT,
    PUT,
    LIST_RUNS,
    _backends.EXECUTION,
    _backends.HISTORY,
    _backends.STOP,
    _jobs.DESCRIBE,
    LIST_JOBS,
    _jobs.TERMINATE,
    _logs.GET,
)
"""All that starting, watching and ending runs needs."""

FASTEST: Final = 0.1
SLOWEST: Final = 5.0
SHARE: Final = 0.05
"""Between two looks passes a twentieth of the time so far: short runs are seen to end at once."""
LATE: Final = 0.5
"""Seconds that the last lines of a job may be on their way after its end."""

_EXECUTION: Final = re.compile(r"arn:[\w-]+:states:([\w-]+):\d+:execution:[^:]+:.+")
_JOB_ARN: Final = re.compile(r"arn:[\w-]+:batch:([\w-]+):\d+:job/(.+)")
_JOB_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:\d+)?")
_TAKES: Final = "the ARN of an execution or of a job, or a job's id"


@frozen
class Run(Displayed):
    """
    A run of a stack's job: an execution of its state machine, or jobs submitted directly.

    What it says is asked anew each time, until it has ended.
    """

    arn: str
    _aws: Aws = field(repr=False, eq=False)
    _origin: RunBackend = field(repr=False, eq=False)
    _seen: dict[str, State] = field(repr=False, eq=False, factory=dict, init=False)

    @classmethod
    def from_arn(
        cls, arn: str, *, session: boto3.Session | None = None, clock: Clock | None = None
    ) -> Run:
        """
        The run with that ARN, or the job with that id, whoever started it.

        Raises:
            RunNotFound: There is no such run in the session's region.
        """
        run = attach(Aws(session, clock), arn)
        run.refresh()
        return run

    @property
    def name(self) -> str:
        """
        The name of the execution or job.
        """
        return self._origin.name()

    @property
    def status(self) -> str:
        """
        RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; of a job also Batch's SUBMITTED, PENDING,
        RUNNABLE and STARTING.
        """
        return self._poll().status

    @property
    def reason(self) -> str:
        """
        Why it is in that state, as far as AWS says.
        """
        return self._poll().reason

    @property
    def ended(self) -> bool:
        """
        Whether it has ended, well or not.
        """
        return self._poll().ended

    @property
    def jobs(self) -> list[Job]:
        """
        Its jobs, as they stand; of an array the children, in the order of their indexes.
        """
        return _jobs.describe(self._aws, self._origin.ids())

    @property
    def parents(self) -> list[str]:
        """
        The ids of its jobs, an array counting as one: what another job can depend on.
        """
        return list(dict.fromkeys(id.partition(":")[0] for id in self._origin.ids()))

    @property
    def links(self) -> dict[str, str]:
        """
        Pages of AWS's console: of the execution, the first job, and the newest log stream.
        """
        region, partition = self._aws.region, self._aws.partition
        links = {}
        if ":execution:" in self.arn:
            links["execution"] = _links.execution(self.arn, region)
        jobs = self.jobs[:1]
        links.update({"job": _links.job(job.id, region, partition) for job in jobs})
        for job in jobs:
            for stream in job.streams[-1:]:
                links["log"] = _links.log_stream(job.log_group, stream, region, partition)
        return links

    def refresh(self) -> Run:
        """
        Asks AWS how far it is, also if it has ended; returns itself.
        """
        self._seen.clear()
        self._poll()
        return self

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Run:
        """
        Returns when the run has succeeded; if *check* is False, also when it has failed.

        Raises:
            JobFailed: It ended without success; carries the reason, exit code, last lines and what
                `explain` says.
            StillWaiting: It was still running after *timeout* seconds; it goes on.
            RunNotFound: It was deleted, or AWS has forgotten it.
        """
        for state in self._states(timeout):
            if state.succeeded or (state.ended and not check):
                return self
            if state.ended:
                raise self._failure(state)
        raise AssertionError("unreachable")

    def logs(self, follow: bool = False) -> Iterator[LogLine]:
        """
        The lines that its jobs have written; with *follow*, those to come too, until its end.
        """
        follower, drained = Follower(self._aws), set[str]()
        for state in self._states(None):
            if state.ended and follow:
                self._aws.pause(LATE)
            ids = [id for id in self._origin.ids() if id not in drained]
            for job in _jobs.describe(self._aws, ids):
                yield from follower.new(job)
                if job.ended and len(ids) > 1:
                    drained.add(job.id)
            if state.ended or not follow:
                return

    def tail(self, lines: int = _logs.LAST) -> list[LogLine]:
        """
        The last lines of its job; of an array, of the child that tells most of its end.
        """
        job = _jobs.representative(self.jobs)
        return _logs.tail(self._aws, job, lines) if job else []

    def cancel(self, reason: str = "cancelled by its user") -> None:
        """
        Asks AWS to end the run and its jobs; `wait` then raises `JobFailed`.
        """
        if not reason.strip():
            refuse("cancel", "reason", reason, "a text")
        self._origin.cancel(reason)

    def explain(self) -> Diagnosis:
        """
        Why the run has failed, or is stuck: findings, the worst first; empty if all is well.
        """
        return explain(self._aws, self.arn, self.jobs, self._poll())

    def _failure(self, state: State) -> JobFailed:
        """
        The error that tells how it ended, with its last lines and why.
        """
        jobs = self.jobs
        job = _jobs.representative(jobs)
        findings: Sequence[object] = ()
        with suppress(BatchkitError):  # what may not be looked at mustn't hide that the job failed
            findings = explain(self._aws, self.arn, jobs, state)
        log = _logs.tail(self._aws, job) if job else ()
        return failure(self.name, jobs, state, log, findings)

    def _poll(self) -> State:
        state = self._seen.get("end") or self._origin.read_lock()
        if state.ended:
            self._seen["end"] = state
        return state

    def _states(self, timeout: float | None) -> Iterator[State]:
        """
        How far it is, again and again.
        """
        clock = self._aws.clock
        began = clock.monotonic()
        while True:
            state = self._poll()
            yield state
            spent = clock.monotonic() - began
            if timeout is not None and spent >= timeout:
                raise StillWaiting(_waiting(self, state, spent))
            pause = min(SLOWEST, max(FASTEST, SHARE * spent))
            self._aws.pause(pause if timeout is None else min(pause, timeout - spent))


def _waiting(run: Run, state: State, spent: float) -> str:
    return (
        f"the run {run.name} was still {state.status} after {spent:g} s; it goes on, and "
        "run.explain() says what it waits for"
    )


def attach(aws: Aws, arn: str) -> Run:
    """
    The run of that ARN or id; asks nothing.
    """
    execution, job = _EXECUTION.fullmatch(arn), _JOB_ARN.fullmatch(arn)
    if not (execution or job or _JOB_ID.fullmatch(arn)):
        refuse("run", "arn", arn, _TAKES)
    found = execution or job
    if found and found[1] != aws.region:
        msg = f"the run {arn} is in {found[1]}; the session is in {aws.region}"
        raise RunNotFound(msg)
    origin = (
        StateMachineExecution(aws, arn)
        if execution
        else SubmittedJobs(aws, [job[2] if job else arn])
    )
    return Run(arn, aws, origin)
