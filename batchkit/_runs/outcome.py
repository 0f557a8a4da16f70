"""
What is said of a run that has failed.
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
    The error that tells how the run *name* of *jobs* ended, with its last lines and why.
    """
    job = _jobs.representative(jobs)
    failed = sum(one.status == _jobs.FAILED for one in jobs)
    of_many = f" ({failed} of {len(jobs)} jobs failed)" if len(jobs) > 1 else ""
    code = job.exit_code if job else None
    with_code = f" with exit code {code}" if code is not None else ""
    reason = (job.reason if job else "") or state.reason or "no reason was given"
    return JobFailed(
        f"the run {name} is {state.status}{with_code}: {reason}{of_many}",
        status=state.status,
        reason=reason,
        exit_code=code,
        attempts=len(job.attempts) if job else 0,
        log=log,
        findings=findings,
    )
