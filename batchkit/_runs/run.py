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
from batchkit._jobs.unreachable import LONGEST, ride_out
from batchkit._model.calls import Operation
from batchkit._model.checks import Constraint, instance, refuse, require
from batchkit._model.display import Displayed
from batchkit._model.options import check_options
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
"""Every operation that starting, watching and ending runs calls."""

FASTEST: Final = 0.1
SLOWEST: Final = 5.0
SHARE: Final = 0.05
"""
The pause between two polls, as a part of the time so far: a short run is seen to end at once, and
a long one makes few calls.
"""
LATE: Final = 0.5
"""For how many seconds after a job's end its last lines may still be missing in CloudWatch Logs."""

_EXECUTION: Final = re.compile(r"arn:[\w-]+:states:([\w-]+):\d+:execution:[^:]+:.+")
_JOB_ARN: Final = re.compile(r"arn:[\w-]+:batch:([\w-]+):\d+:job/(.+)")
_JOB_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:\d+)?")
_REASON: Final = Constraint("a text", lambda value: isinstance(value, str) and bool(value.strip()))
_EXPECTED: Final = "the ARN of an execution or of a job, or a job's id"


@frozen
class Run(Displayed):
    """
    A run of a stack's job: an execution of its state machine, or jobs submitted directly.

    Its status is polled each time it is asked for, until the run has ended.
    """

    arn: str
    _aws: Aws = field(repr=False, eq=False)
    _backend: RunBackend = field(repr=False, eq=False)
    _final: dict[str, State] = field(repr=False, eq=False, factory=dict, init=False)

    @classmethod
    def from_arn(
        cls, arn: str, *, session: boto3.Session | None = None, clock: Clock | None = None
    ) -> Run:
        """
        The run with that ARN, or the job with that id, whoever started it.

        Raises:
            RunNotFound: There is no such run in the session's region.
        """
        check_options("run", session=session, clock=clock)
        run = attach(Aws(session, clock), arn)
        run.refresh()
        return run

    @property
    def name(self) -> str:
        """
        The name of the execution or job.
        """
        return self._backend.name()

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
        return _jobs.describe(self._aws, self._backend.ids())

    @property
    def parents(self) -> list[str]:
        """
        The ids of its jobs, an array counting as one: what another job can depend on.
        """
        return list(dict.fromkeys(id.partition(":")[0] for id in self._backend.ids()))

    @property
    def links(self) -> dict[str, str]:
        """
        Pages of AWS's console: of the execution, the first job, and the newest log stream.
        """
        region, partition = self._aws.region, self._aws.partition
        links = {}
        if ":execution:" in self.arn:
            links["execution"] = _links.execution(self.arn, region)
        jobs = self.jobs
        if jobs:
            job = jobs[0]
            links["job"] = _links.job(job.id, region, partition)
            if job.streams:
                newest = job.streams[-1]
                links["log"] = _links.log_stream(job.log_group, newest, region, partition)
        return links

    def refresh(self) -> Run:
        """
        Polls AWS once, even if the run has ended; returns itself.
        """
        self._final.clear()
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
        check_options("wait", timeout=timeout, check=check)
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
        check_options("logs", follow=follow)
        follower = Follower(self._aws)
        read_to_end: set[str] = set()
        for state in self._states(None):
            if state.ended and follow:
                # CloudWatch Logs takes a moment to give back what was just written.
                self._aws.pause(LATE)
            listed = ride_out(self._aws, lambda: list(self._backend.ids()))
            ids = [id for id in listed if id not in read_to_end]
            for job in ride_out(self._aws, lambda: list(_jobs.describe(self._aws, ids))):
                yield from follower.new(job)
                # An array may have 10,000 children: those that have ended aren't read again.
                if job.ended and len(ids) > 1:
                    read_to_end.add(job.id)
            if state.ended or not follow:
                return

    def tail(self, lines: int = _logs.LAST) -> list[LogLine]:
        """
        The last lines of its job; of an array, of the child that explains most.
        """
        check_options("tail", lines=lines)
        job = _jobs.representative(self.jobs)
        return _logs.tail(self._aws, job, lines) if job else []

    def cancel(self, reason: str = "cancelled by its user") -> None:
        """
        Asks AWS to end the run and its jobs; `wait` then raises `JobFailed`.
        """
        require("cancel", "reason", reason, _REASON)
        self._backend.cancel(reason)

    def explain(self) -> Diagnosis:
        """
        Why the run has failed, or is stuck: findings, the worst first; empty if all is well.
        """
        return explain(self._aws, self.arn, self.jobs, self._poll())

    def _failure(self, state: State) -> JobFailed:
        """
        The error that says how it ended, with its last lines and why.
        """
        jobs = self.jobs
        job = _jobs.representative(jobs)
        findings: Sequence[object] = ()
        with suppress(BatchkitError):  # a refused call must not hide that the job failed
            findings = explain(self._aws, self.arn, jobs, state)
        lines = _logs.tail(self._aws, job) if job else []
        return failure(self.name, jobs, state, [line.text for line in lines], findings)

    def _poll(self) -> State:
        """
        How far it is now; the state of a run that has ended is asked for once.
        """
        state = self._final.get("state") or self._backend.state()
        if state.ended:
            self._final["state"] = state
        return state

    def _states(self, timeout: float | None) -> Iterator[State]:
        """
        How far it is, poll after poll.

        Raises:
            StillWaiting: *timeout* seconds have passed.
        """
        # Neither service calls back: EventBridge reports an end only to targets within AWS.
        clock = self._aws.clock
        began = clock.monotonic()
        while True:
            left = LONGEST if timeout is None else timeout - (clock.monotonic() - began)
            state = ride_out(self._aws, self._poll, left)
            yield state
            spent = clock.monotonic() - began
            if timeout is not None and spent >= timeout:
                raise StillWaiting(_waiting(self, state, spent))
            pause = min(SLOWEST, max(FASTEST, SHARE * spent))
            if timeout is not None:
                pause = min(pause, timeout - spent)
            self._aws.pause(pause)


def _waiting(run: Run, state: State, spent: float) -> str:
    return (
        f"the run {run.name} was still {state.status} after {spent:g} s; it goes on, and "
        "run.explain() says what it waits for"
    )


def attach(aws: Aws, arn: str) -> Run:
    """
    The run of that ARN or id; makes no call.
    """
    require("run", "arn", arn, instance(str, expects=_EXPECTED))
    if execution := _EXECUTION.fullmatch(arn):
        _check_region(aws, arn, execution[1])
        return Run(arn, aws, StateMachineExecution(aws, arn))
    if job := _JOB_ARN.fullmatch(arn):
        _check_region(aws, arn, job[1])
        return Run(arn, aws, SubmittedJobs(aws, [job[2]]))
    if not _JOB_ID.fullmatch(arn):
        refuse("run", "arn", arn, _EXPECTED)
    return Run(arn, aws, SubmittedJobs(aws, [arn]))


def _check_region(aws: Aws, arn: str, region: str) -> None:
    """
    Refuses an ARN of another region than the session's.
    """
    if region != aws.region:
        raise RunNotFound(f"the run {arn} is in {region}; the session is in {aws.region}")
