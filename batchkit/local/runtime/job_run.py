"""
Runs a job: it waits for its dependencies and for a compute environment, then makes attempts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from batchkit.local.runtime.account import LocalAccount, announce
from batchkit.local.runtime.attempt import AttemptEnd, JobAttempt, requirements
from batchkit.local.runtime.job import Json, MotoEnvironment, MotoJob
from batchkit.local.runtime.lock import DISPATCH

DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"


def run(job: MotoJob, account: LocalAccount) -> None:
    """
    Runs *job* to its end.
    """
    try:
        ready = _dependencies(job, account) and _room(job, account)
        if ready:
            _attempts(job, account)
        else:
            end(job, succeeded=False)
    except Exception as error:  # an error in this module must not leave a job that never ends
        end(job, succeeded=False, reason=f"{type(error).__name__}: {error}")
        raise


def _dependencies(job: MotoJob, account: LocalAccount) -> bool:
    ids = list(_dependency_ids(job))
    if ids:
        _status(job, "PENDING")
    account.wait_until(lambda: job.stop or all(_ended(job, one) for one in ids))
    failed = any(job.all_jobs[one].status == "FAILED" for one in ids if one in job.all_jobs)
    if failed and not job.stop:
        job.job_stopped_reason = DEPENDENCY_FAILED
    return not (failed or job.stop or account.closing.is_set())


def _dependency_ids(job: MotoJob) -> Iterator[str]:
    index = job.array_properties.get("index")
    for dependency in job.depends_on or ():
        order = dependency.get("type")
        other = dependency.get("jobId")
        if order == "SEQUENTIAL" and index is not None:
            if index:
                array = job.job_id.rpartition(":")[0]
                yield f"{array}:{index - 1}"
        elif order == "N_TO_N" and index is not None:
            yield f"{other}:{index}"
        elif other:
            yield other


def _ended(job: MotoJob, other: str) -> bool:
    return other not in job.all_jobs or job.all_jobs[other].job_stopped


def _room(job: MotoJob, account: LocalAccount) -> bool:
    """
    The job is RUNNABLE until an environment of its queue is ENABLED and large enough.

    Returns False if the job or the embedded AWS is stopped before that.
    """
    _status(job, "RUNNABLE")
    vcpus = float(requirements(job).get("VCPU", "0"))
    account.wait_until(
        lambda: job.stop or any(_has_room(e, vcpus) for e in job.job_queue.environments)
    )
    return not (job.stop or account.closing.is_set())


def _has_room(environment: MotoEnvironment, vcpus: float) -> bool:
    limit = (environment.compute_resources or {}).get("maxvCpus", vcpus)
    return environment.state == "ENABLED" and float(limit) >= vcpus


def _attempts(job: MotoJob, account: LocalAccount) -> None:
    while True:
        attempt = JobAttempt(job, account)
        outcome = attempt.run()
        described = attempt.describe(outcome)
        with DISPATCH:
            job.attempts.append(described)
            job.exit_code = outcome.code
            job.reason = outcome.reason
        if outcome.succeeded or job.stop or account.closing.is_set():
            break
        if not retries(job.retry_strategy, len(job.attempts), outcome):
            break
        _status(job, "RUNNABLE")
    end(job, succeeded=outcome.succeeded and not job.stop, reason=outcome.status_reason)


def retries(strategy: Json, tried: int, outcome: AttemptEnd) -> bool:
    """
    Whether Batch tries again after *outcome*, the end of attempt number *tried*.
    """
    if outcome.timed_out or tried >= int(strategy.get("attempts", 1)):
        return False
    for rule in strategy.get("evaluateOnExit", ()):
        if _matches(rule, outcome):
            return str(rule["action"]).lower() == "retry"
    return True


def _matches(rule: dict[str, str], outcome: AttemptEnd) -> bool:
    actual = {
        "onExitCode": "" if outcome.code is None else str(outcome.code),
        "onReason": outcome.reason,
        "onStatusReason": outcome.status_reason,
    }
    return all(fnmatchcase(actual[name], rule[name]) for name in actual if name in rule)


def end(job: MotoJob, *, succeeded: bool, reason: str | None = None) -> None:
    """
    *job* has ended. If it was the last child of an array, the array has ended too.
    """
    with DISPATCH:
        if job.job_stopped:
            return
        job.job_stopped = True
        job.job_stopped_at = datetime.now()
        job.job_stopped_reason = job.job_stopped_reason or reason
        job.status = "SUCCEEDED" if succeeded else "FAILED"
        parent = job.parent
        if parent is not None and all(child.job_stopped for child in parent._child_jobs or ()):
            _end_array(parent)
    announce()


def _end_array(parent: MotoJob) -> None:
    children = parent._child_jobs or ()
    failed = any(child.status == "FAILED" for child in children)
    parent.job_started_at = min(child.job_started_at for child in children)
    end(parent, succeeded=not failed, reason=CHILD_FAILED if failed else None)


def _status(job: MotoJob, status: str) -> None:
    with DISPATCH:
        job.status = status
