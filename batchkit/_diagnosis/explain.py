"""
Why a job is stuck or has failed: the table of rules, applied to a job and all that is around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from batchkit._diagnosis import (
    facts as _facts,
    queues as _queues,
    roles as _roles,
    rules_ended as _rules_end,
    rules_network as _rules_network,
    rules_starting as _rules_start,
    rules_waiting as _rules_queue,
    wiring as _wiring,
)
from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Diagnosis, Finding, Rule, Severity
from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._jobs.state import State
from batchkit._model.calls import Operation
from batchkit.errors import AwsError
from batchkit.resources.image import Image

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_roles.OPERATIONS,
    *_wiring.OPERATIONS,
    _queues.QUOTA,
    _facts.MANIFEST,
    Image.DESCRIBE,
)
"""What explaining asks besides what runs ask."""

WAITING: Final = _rules_queue.RULES
STARTING: Final = (*_rules_network.RULES, *_rules_start.RULES)
ENDED: Final = _rules_end.RULES
FALLBACK: Final = _rules_end.FALLBACK
RULES: Final[tuple[Rule, ...]] = (*WAITING, *STARTING, *ENDED, *FALLBACK)
"""Every rule, in the order of a job's life."""

_WORST_FIRST: Final = list(Severity)


def explain(aws: Aws, arn: str, jobs: Sequence[Job], state: State) -> Diagnosis:
    """
    Why the run *arn*, which has these *jobs*, has failed or is stuck.
    """
    job = _jobs.representative(jobs)
    unlisted = job is None and ":execution:" not in arn  # Batch doesn't tell of it yet
    if unlisted or state.succeeded or (job and job.status == _jobs.SUCCEEDED and not state.ended):
        return Diagnosis()
    return _diagnosis(_explained(_facts_of(aws, arn, job, state)))


def _facts_of(aws: Aws, arn: str, job: Job | None, state: State) -> JobFacts:
    if job is not None:
        return JobFacts(aws, job["jobQueue"], job["jobDefinition"], job, state)
    stack = arn.split(":")[-2]
    return JobFacts(aws, stack, stack, None, state)


def _explained(facts: JobFacts) -> Iterator[Finding]:
    found = [*_apply(_relevant(facts), facts)]
    for rule in FALLBACK if not any(one.severity is not Severity.WARNING for one in found) else ():
        found += rule.check(facts, rule)
        if found:
            break
    yield from found
    yield from _unseen(facts)


def _relevant(facts: JobFacts) -> tuple[Rule, ...]:
    """
    The rules for how far the job came: those of what it has behind it would tell of now, not then.
    """
    job = facts.job
    if job is None:
        return () if facts.state.ended else (*WAITING, *STARTING)
    if job.status == "RUNNING":
        return ()
    if job.exit_code is not None:
        formats = tuple(rule for rule in STARTING if rule.name == "wrong-architecture")
        return (*ENDED, *formats)
    if job.status == "STARTING":
        return STARTING
    return (*ENDED, *WAITING, *STARTING) if job.ended else (*WAITING, *STARTING)


def diagnose(aws: Aws, stack: str) -> Diagnosis:
    """
    What is wrong with *stack*, with the jobs that it can't start, and with the last that failed.
    """
    around = JobFacts(aws, stack, stack)
    found = [*_apply((*WAITING, *STARTING), around)]
    troubled = _troubled(aws, around)
    found += _unseen(around)
    for job in troubled:
        facts = JobFacts(aws, job["jobQueue"], job["jobDefinition"], job)
        rules = _explained(facts) if job.ended else _apply((*WAITING, *STARTING), facts)
        found += (one for one in rules if not job.ended or one.severity is Severity.ERROR)
    return _diagnosis(found)


def _troubled(aws: Aws, facts: JobFacts) -> list[Job]:
    """
    The job at the head of the queue, the newest that is starting, and the last if it failed.
    """
    try:
        return [*_listed(aws, facts.queue["jobQueueArn"])] if facts.queue else []
    except AwsError as error:
        facts.note_unreadable(error)
        return []


def _listed(aws: Aws, arn: str) -> Iterator[Job]:
    waiting = [*_jobs.in_states(aws, arn, ("RUNNABLE",), 100)][-1:]
    # Of an array Batch lists the parent, which is PENDING while its children wait.
    pending = _jobs.in_states(aws, arn, ("PENDING",), 100)
    waiting += [job for job in pending if job.get("arrayProperties")][-1:]
    starting = [*_jobs.in_states(aws, arn, ("STARTING",), 1)]
    ended = [*_jobs.in_states(aws, arn, _jobs.ENDED, 20)]
    last = sorted(ended, key=lambda job: job.get("stoppedAt") or job.get("createdAt", 0))[-1:]
    failed = [job for job in last if job["status"] == _jobs.FAILED]
    jobs = _jobs.describe(aws, [job["jobId"] for job in (*waiting, *starting, *failed)])
    tellings = (_jobs.representative(_children(aws, job)) for job in jobs if not _meant(job))
    return (job for job in tellings if job is not None)


def _meant(job: Job) -> bool:
    """
    Whether someone ended it, and not Batch because it could not be run.
    """
    ended = job.details.get("isTerminated") or job.details.get("isCancelled")
    return bool(ended) and "JobStateTimeLimit" not in job.reason


def _children(aws: Aws, job: Job) -> list[Job]:
    return _jobs.describe(aws, _jobs.children(job)) if job.size else [job]


def _apply(rules: Iterable[Rule], facts: JobFacts) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.check(facts, rule)


def _unseen(facts: JobFacts) -> Iterator[Finding]:
    """
    What could not be looked at, once for each call.
    """
    for operation in sorted({error.operation for error in facts.unreadable}):
        error = next(one for one in facts.unreadable if one.operation == operation)
        yield Finding(
            Severity.INFO,
            operation,
            f"it could not be looked at ({error.code}), so there may be more to find.",
            "stack_policy(spec) (`batchkit policy`) lists the permissions that are needed.",
            "not-seen",
        )


def _diagnosis(found: Iterable[Finding]) -> Diagnosis:
    """
    The findings without repetitions, the worst first.
    """
    once = list(dict.fromkeys(found))
    return Diagnosis(sorted(once, key=lambda one: _WORST_FIRST.index(one.severity)))
