"""
Why a job is stuck or has failed: the table of rules, applied to a job and everything around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from batchkit._diagnosis import (
    images as _images,
    queues as _queues,
    roles as _roles,
    rules_ended as _rules_end,
    rules_instances as _rules_instances,
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
from batchkit.resources.instance_profile import InstanceProfile

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_roles.OPERATIONS,
    *_wiring.OPERATIONS,
    _queues.QUOTA,
    InstanceProfile.GET,
    _images.MANIFEST,
    Image.DESCRIBE,
)
"""The operations that explaining calls besides those of runs."""

WAITING: Final = (*_rules_queue.RULES, *_rules_instances.RULES)
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
    if state.succeeded:
        return Diagnosis()
    if job is None:
        if ":execution:" not in arn:
            return Diagnosis()  # a job that Batch doesn't list yet
        stack = arn.split(":")[-2]  # the state machine has its name
        return _diagnosis(_explained(JobFacts.of_stack(aws, stack, state)))
    if job.status == _jobs.SUCCEEDED and not state.ended:
        return Diagnosis()
    return _diagnosis(_explained(JobFacts(aws, job.queue, job.definition, job, state)))


def _explained(facts: JobFacts) -> list[Finding]:
    """
    What the rules find; if that doesn't explain it, the finding of the first fallback.
    """
    found = [*_apply(_relevant(facts), facts)]
    if all(finding.severity is Severity.WARNING for finding in found):
        found += _fallback(facts, bool(found))
    return [*found, *_not_seen(facts)]


def _fallback(facts: JobFacts, warned: bool) -> Iterator[Finding]:
    """
    The findings of the first fallback that has any; if there is a warning, of the first alone.
    """
    for rule in FALLBACK:
        found = [*rule.check(facts, rule)]
        yield from found
        if found or warned:
            return


def _relevant(facts: JobFacts) -> tuple[Rule, ...]:
    """
    The rules for how far the job came: rules about earlier states would judge them by what is there
    now, not by what was there then.
    """
    job = facts.job
    if job is None:
        return () if facts.state.ended else (*WAITING, *STARTING)
    if job.status == "RUNNING":
        return ()
    if job.exit_code is not None:
        # A program for another machine starts, and ends at once with an exit code.
        return (*ENDED, _rules_start.wrong_architecture)
    if job.status == "STARTING":
        return STARTING
    if job.ended:
        return (*ENDED, *WAITING, *STARTING)
    return (*WAITING, *STARTING)


def diagnose(aws: Aws, stack: str) -> Diagnosis:
    """
    What is wrong with *stack*, with the jobs that it can't start, and with the last that failed.
    """
    around = JobFacts.of_stack(aws, stack)
    found = [*_apply((*WAITING, *STARTING), around)]
    troubled = _troubled(aws, around)
    found += _not_seen(around)
    for job in troubled:
        facts = JobFacts(aws, job.queue, job.definition, job)
        if job.ended:
            found += [one for one in _explained(facts) if one.severity is Severity.ERROR]
        else:
            found += _apply((*WAITING, *STARTING), facts)
    return _diagnosis(found)


def _troubled(aws: Aws, facts: JobFacts) -> list[Job]:
    """
    The job at the head of each queue, the newest that is starting, and the last if it failed; of an
    array the child that explains most.
    """
    try:
        ids = [id for queue in facts.queues.lanes for id in _candidates(aws, queue)]
        jobs = _jobs.describe(aws, ids)
        chosen = [_jobs.representative(_children(aws, job)) for job in jobs if not _meant(job)]
        return [job for job in chosen if job is not None]
    except AwsError as error:
        facts.reader.note(error)
        return []


def _candidates(aws: Aws, queue: str) -> Iterator[str]:
    """
    The ids of the jobs of a queue that may be in trouble.
    """
    # The newest jobs are listed first, so the head of the queue is at the end.
    runnable = [*_jobs.in_states(aws, queue, ("RUNNABLE",), 100)]
    # Of an array Batch lists the parent, which is PENDING while its children wait.
    pending = _jobs.in_states(aws, queue, ("PENDING",), 100)
    arrays = [job for job in pending if job.get("arrayProperties")]
    starting = [*_jobs.in_states(aws, queue, ("STARTING",), 1)]
    for summary in (*runnable[-1:], *arrays[-1:], *starting):
        yield summary["jobId"]
    ended = [*_jobs.in_states(aws, queue, _jobs.ENDED, 20)]
    for last in sorted(ended, key=_end)[-1:]:
        if last["status"] == _jobs.FAILED:
            yield last["jobId"]


def _end(summary: Mapping[str, Any]) -> int:
    # A job that was cancelled before it started has no stoppedAt.
    return int(summary.get("stoppedAt") or summary.get("createdAt", 0))


def _meant(job: Job) -> bool:
    """
    Whether someone ended it, and not Batch because it could not be run.
    """
    # A job that a time limit of its queue has ended is marked in the same way.
    ended = job.details.get("isTerminated") or job.details.get("isCancelled")
    return bool(ended) and "JobStateTimeLimit" not in job.reason


def _children(aws: Aws, job: Job) -> list[Job]:
    return _jobs.describe(aws, _jobs.children(job)) if job.size else [job]


def _apply(rules: Iterable[Rule], facts: JobFacts) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.check(facts, rule)


def _not_seen(facts: JobFacts) -> Iterator[Finding]:
    """
    What could not be read, once for each operation.
    """
    first: dict[str, AwsError] = {}
    for error in facts.reader.refused:
        first.setdefault(error.operation, error)
    for operation, error in sorted(first.items()):
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
    once = dict.fromkeys(found)
    return Diagnosis(sorted(once, key=lambda finding: _WORST_FIRST.index(finding.severity)))
