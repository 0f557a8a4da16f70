"""
The error of a run that has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._jobs.state import State
from batchkit.errors import JobFailed


def failure(
    name: str, jobs: Sequence[Job], state: State, log: Sequence[str], findings: Sequence[object]
) -> JobFailed:
    """
    The error that says how the run *name* of *jobs* ended, with its last lines and why.
    """
    code, attempts, reason = None, 0, ""
    # An execution whose state machine could submit nothing has no job.
    job = _jobs.representative(jobs)
    if job is not None:
        code, attempts, reason = job.exit_code, len(job.attempts), job.reason
    reason = reason or state.reason or "no reason was given"
    with_code = f" with exit code {code}" if code is not None else ""
    return JobFailed(
        f"the run {name} is {state.status}{with_code}: {reason}{_of_many(jobs)}",
        status=state.status,
        reason=reason,
        exit_code=code,
        attempts=attempts,
        log=log,
        findings=findings,
    )


def _of_many(jobs: Sequence[Job]) -> str:
    """
    How many of several jobs have failed; an empty text for a single job.
    """
    if len(jobs) < 2:
        return ""
    failed = sum(job.status == _jobs.FAILED for job in jobs)
    return f" ({failed} of {len(jobs)} jobs failed)"
