"""
A job's life: it waits for what it depends on and for room, is tried, and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from batchkit.local.runtime.account import LocalAccount, announce
from batchkit.local.runtime.attempt import AttemptEnd, JobAttempt
from batchkit.local.runtime.lock import DISPATCH

DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"


def run(job: Any, account: LocalAccount) -> None:
    """
    *job* has ended.
    """
    try:
        ready = _dependencies(job, account) and _room(job, account)
        if ready:
            _attempts(job, account)
        else:
            end(job, succeeded=False)
    except Exception as error:  # a fault of ours must not leave a job that never ends
        end(job, succeeded=False, reason=f"{type(error).__name__}: {error}")
        raise


def _dependencies(job: Any, account: LocalAccount) -> bool:
    ids = list(_waits_for(job))
    if ids:
        _status(job, "PENDING")
    account.wait_until(lambda: job.stop or all(_ended(job, one) for one in ids))
    failed = any(job.all_jobs[one].status == "FAILED" for one in ids if one in job.all_jobs)
    if failed and not job.stop:
        job.job_stopped_reason = DEPENDENCY_FAILED
    return not (failed or job.stop or account.closing.is_set())


def _waits_for(job: Any) -> Iterator[str]:
    index = job.array_properties.get("index")
    for dependency in job.depends_on or ():
        kind, other = dependency.get("type"), dependency.get("jobId")
        if kind == "SEQUENTIAL" and index is not None:
            yield from [f"{job.parent.job_id}:{index - 1}"] if index else []
        elif kind == "N_TO_N" and index is not None:
            yield f"{other}:{index}"
        elif other:
            yield other


def _ended(job: Any, other: str) -> bool:
    return other not in job.all_jobs or job.all_jobs[other].job_stopped


def _room(job: Any, account: LocalAccount) -> bool:
    """
    The job is RUNNABLE until an environment of its queue takes jobs, and is large enough.
    """
    _status(job, "RUNNABLE")
    wanted = _vcpus(job)
    account.wait_until(
        lambda: job.stop or any(_takes(e, wanted) for e in job.job_queue.environments)
    )
    return not (job.stop or account.closing.is_set())


def _vcpus(job: Any) -> float:
    return float(requirements(job).get("VCPU", "0"))


def _takes(environment: Any, vcpus: float) -> bool:
    limit = (environment.compute_resources or {}).get("maxvCpus", vcpus)
    return environment.state == "ENABLED" and float(limit) >= vcpus


def _attempts(job: Any, account: LocalAccount) -> None:
    while True:
        attempt = JobAttempt(job, account)
        outcome = attempt.run()
        told = attempt.tell(outcome)
        with DISPATCH:
            job.attempts.append(told)
            job.exit_code, job.reason = outcome.code, outcome.reason
        if outcome.succeeded or job.stop or account.closing.is_set():
            break
        if not retries(job.retry_strategy, len(job.attempts), outcome):
            break
        _status(job, "RUNNABLE")
    end(job, succeeded=outcome.succeeded and not job.stop, reason=outcome.status_reason)


def retries(strategy: dict[str, Any], tried: int, outcome: AttemptEnd) -> bool:
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
    seen = {
        "onExitCode": "" if outcome.code is None else str(outcome.code),
        "onReason": outcome.reason,
        "onStatusReason": outcome.status_reason,
    }
    return all(fnmatchcase(seen[name], rule[name]) for name in seen if name in rule)


def end(job: Any, *, succeeded: bool, reason: str | None = None) -> None:
    """
    *job* has ended, and so has the array that it was the last child of.
    """
    with DISPATCH:
        if job.job_stopped:
            return
        job.job_stopped, job.job_stopped_at = True, datetime.now()
        job.job_stopped_reason = job.job_stopped_reason or reason
        job.status = "SUCCEEDED" if succeeded else "FAILED"
        parent = job.parent
        if parent is not None and all(child.job_stopped for child in parent._child_jobs):
            _end_array(parent)
    announce()


def _end_array(parent: Any) -> None:
    failed = any(child.status == "FAILED" for child in parent._child_jobs)
    parent.job_started_at = min(child.job_started_at for child in parent._child_jobs)
    end(parent, succeeded=not failed, reason=CHILD_FAILED if failed else None)


def _status(job: Any, status: str) -> None:
    with DISPATCH:
        job.status = status


def requirements(job: Any) -> dict[str, str]:
    """
    The job's own VCPU, MEMORY and GPU over its definition's.
    """
    merged = {}
    for given in (job.job_definition.container_properties, job.container_overrides):
        merged.update({r["type"]: r["value"] for r in given.get("resourceRequirements") or ()})
    return merged
