"""
What is said of a run that has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchkit._runs import jobs as _jobs, logs as _logs
from batchkit._runs.jobs import Job
from batchkit._runs.origins import State
from batchkit.errors import BatchkitError, JobFailed

if TYPE_CHECKING:
    from batchkit.runs import Run


def telling(jobs: Sequence[Job]) -> Job | None:
    """
    The job that tells most: the first that failed by itself, or else the last.
    """
    failed = [job for job in jobs if job.status == _jobs.FAILED]
    tried = [job for job in failed if job.attempts]
    return next(iter(tried or failed), jobs[-1] if jobs else None)


def failure(run: Run, state: State) -> JobFailed:
    """
    The error that tells how *run* ended, with its last lines and why.
    """
    jobs = run.jobs
    job = telling(jobs)
    failed = sum(one.status == _jobs.FAILED for one in jobs)
    of_many = f" ({failed} of {len(jobs)} jobs failed)" if len(jobs) > 1 else ""
    code = job.exit_code if job else None
    with_code = f" with exit code {code}" if code is not None else ""
    reason = (job.reason if job else "") or state.reason or "no reason was given"
    return JobFailed(
        f"the run {run.name} is {state.status}{with_code}: {reason}{of_many}",
        status=state.status,
        reason=reason,
        exit_code=code,
        attempts=len(job.attempts) if job else 0,
        log=_logs.tail(run._aws, job) if job else (),
        findings=_findings(run),
    )


def _findings(run: Run) -> Sequence[object]:
    try:
        return run.explain()
    except BatchkitError:  # what the caller may not look at must not hide that the job failed
        return ()
