"""
Rules about waiting: why a job stays in RUNNABLE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, Severity, rule
from batchkit._diagnosis.roles import RoleFacts
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.families import Family, family_of

ENSURE: Final = "Run ensure_stack(spec) again (`batchkit up`): it puts back what differs."
_WAITING: Final = ("SUBMITTED", "PENDING", "RUNNABLE")
_NO_CAPACITY: Final = ("INSUFFICIENT_INSTANCE_CAPACITY", "Capacity is unavailable at this time")


@rule(
    "The job stays in RUNNABLE; a run ends with `there is no such queue` or `does not exist`.",
    "The job queue isn't there any more.",
    ENSURE,
)
def queue_missing(facts: JobFacts, self: Rule) -> Findings:
    if facts.queues.queue_is_missing:
        yield self.found(f"JobQueue {facts.queues.queue_name}", "the queue isn't there.")


@rule(
    "The job stays in RUNNABLE, or can't be submitted.",
    "The job queue is disabled: it takes no jobs and starts none.",
    ENSURE,
)
def queue_disabled(facts: JobFacts, self: Rule) -> Findings:
    queue = facts.queue
    if queue is not None and queue["state"] != "ENABLED":
        yield self.found(_queue(queue), "the queue is disabled, so it starts no jobs.")


@rule(
    "The job stays in RUNNABLE with `ACTION_REQUIRED - CE(s) associated with the job queue are "
    "invalid.`",
    "Batch can't use a compute environment: a role that it can't assume, a subnet or security "
    "group that is gone.  Its statusReason says which.",
    "Put back what the reason names, then run ensure_stack(spec) again (`batchkit up`): it makes "
    "Batch try the compute environment once more.",
)
def environment_invalid(facts: JobFacts, self: Rule) -> Findings:
    # https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html
    for environment in facts.environments:
        if environment["status"] == "INVALID":
            reason = environment.get("statusReason") or "Batch gives no reason"
            message = f"Batch can't use it: {reason}"
            yield self.found(_environment(environment), message, severity=_without_it(facts))


@rule(
    "The job stays in RUNNABLE and nothing gives a reason.",
    "A compute environment of the queue is disabled.",
    ENSURE,
)
def environment_disabled(facts: JobFacts, self: Rule) -> Findings:
    for environment in facts.environments:
        if environment["state"] != "ENABLED":
            message = "it is disabled, so it starts no jobs."
            yield self.found(_environment(environment), message, severity=_without_it(facts))


@rule(
    "The job stays in RUNNABLE.",
    "None of the queue's compute environments is there any more.",
    ENSURE,
)
def no_environment(facts: JobFacts, self: Rule) -> Findings:
    queue = facts.queue
    if queue is None or facts.environments:
        return
    if facts.readable(ComputeEnvironment.DESCRIBE):
        yield self.found(_queue(queue), "none of its compute environments is there.")


@rule(
    "A job can't be submitted: the job definition doesn't exist, or isn't active.",
    "The job definition, or the revision that the state machine names, was deregistered.",
    "Run ensure_stack(spec) again (`batchkit up`): it registers the job definition again.",
)
def definition_missing(facts: JobFacts, self: Rule) -> Findings:
    active = [one["jobDefinitionArn"] for one in facts.definitions if one.get("status") == "ACTIVE"]
    if facts.job is not None or facts.queue is None or not facts.readable(JobDefinition.DESCRIBE):
        return
    if not active:
        subject = f"JobDefinition {facts.definition_name}"
        yield self.found(subject, "no revision of it is active, so no job can be submitted.")
    elif facts.pinned and facts.pinned not in active:
        subject = f"JobDefinition {facts.pinned.rpartition('/')[2]}"
        yield self.found(subject, "the state machine submits jobs of it, and it isn't active.")


@rule(
    "The job stays in RUNNABLE, with `MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE` or "
    "`MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT`.",
    "The job wants more vCPUs than the compute environments may have.",
    "Raise compute.max_vcpus in the spec, or lower vcpus, and run ensure_stack(spec) "
    "(`batchkit up`).",
)
def job_too_large(facts: JobFacts, self: Rule) -> Findings:
    most = max((_limit(one) for one in facts.hosting_environments), default=None)
    wanted = facts.required("VCPU")
    if most is not None and wanted > most and _waits(facts):
        message = f"it wants {wanted:g} vCPUs; its compute environments may have {most:g} at most."
        fix = f"Set max_vcpus={wanted:g} in the compute, or lower vcpus; then ensure_stack(spec)."
        yield self.found(facts.what, message, fix)


@rule(
    "The job stays in RUNNABLE while others run; nothing gives a reason.",
    "The account's quota of Fargate vCPUs is used up.  A new account has 6.",
    "Wait until others have ended, or ask for more in the Service Quotas console (Fargate, "
    "L-3032A538 on demand, L-36FBB829 on Spot).",
)
def fargate_quota(facts: JobFacts, self: Rule) -> Findings:
    families = {family_of(one) for one in facts.hosting_environments}
    limited = sorted((one for one in families if one and one.quota), key=lambda one: one.word)
    full = [(family, message) for family in limited if (message := _over_quota(facts, family))]
    # With room on one of them the job will run there.
    if len(full) < len(families) or not _waits(facts):
        return
    for family, message in full:
        code = family.quota[1] if family.quota else ""
        yield self.found(f"quota {code} ({family.word})", message)


def _over_quota(facts: JobFacts, family: Family) -> str:
    quota = facts.quota(*family.quota) if family.quota else None
    needed, busy = facts.required("VCPU"), facts.busy_on(family.word)
    if quota is None or busy + needed <= quota:
        return ""
    return (
        f"{busy:g} vCPUs are in use and the job wants {needed:g}; the account may have {quota:g} "
        "at once."
    )


@rule(
    "The job stays in RUNNABLE while others of the queue run.",
    "The compute environments have as many vCPUs at work as they may; the job waits its turn.",
    "Wait, or raise compute.max_vcpus in the spec and run ensure_stack(spec) (`batchkit up`).",
)
def queue_full(facts: JobFacts, self: Rule) -> Findings:
    queue, wanted = facts.queue, facts.required("VCPU")
    most = sum(_limit(one) for one in facts.usable)
    if queue is None or not most or wanted > most or not _waits(facts):
        return
    busy = facts.queues.busy
    if busy and busy + wanted > most:
        message = f"its jobs have {busy:g} of {most:g} vCPUs; others wait their turn."
        yield self.found(_queue(queue), message, severity=Severity.INFO)


@rule(
    "The job stays in RUNNABLE, with `CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`; or `Capacity is "
    "unavailable at this time`.",
    "AWS has no capacity of that kind at the moment; with Spot that is common.",
    "Wait, let the network have more zones, or take compute='fargate-spot', which falls back on "
    "demand.",
)
def no_capacity(facts: JobFacts, self: Rule) -> Findings:
    if any(sign in facts.reason for sign in _NO_CAPACITY):
        yield self.found(facts.what, "AWS had no capacity for it.")


@rule(
    "The compute environment will be INVALID, or the job has "
    "`MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS`.",
    "Batch's service role isn't there, doesn't trust batch.amazonaws.com, or lacks permissions.",
    ENSURE,
)
def service_role(facts: JobFacts, self: Rule) -> Findings:
    for environment in facts.environments:
        arn = environment.get("serviceRole") or ""
        # The service-linked role can't be changed.  Batch uses a role first after the compute
        # environment is made; if that has failed, the reason of the INVALID one says why.
        if not arn or "/aws-service-role/" in arn or environment["status"] == "INVALID":
            continue
        role = facts.role(arn)
        problem = _service_role_problem(facts, role)
        if problem:
            yield self.found(f"Role {role.name}", problem)


def _service_role_problem(facts: JobFacts, role: RoleFacts) -> str:
    """
    What is wrong with Batch's service role; an empty text if nothing is, as far as is known.
    """
    if role.known and not role.there:
        return "Batch's service role isn't there."
    if role.known and not role.trusts("batch.amazonaws.com"):
        return "it doesn't trust batch.amazonaws.com."
    lacks = role.known and not role.allows("ecs:RunTask")
    if lacks or "SERVICE_ROLE_PERMISSIONS" in facts.reason:
        return "it lacks what AWSBatchServiceRole allows."
    return ""


@rule(
    "The job stays in RUNNABLE, with `UNDETERMINED - Batch job is blocked, root cause is "
    "undetermined.`",
    "Batch itself doesn't know; most often it is the Fargate quota or a limit of the account.",
    "Look at the Fargate quota and the job at the head of the queue; submit the job again.",
)
def undetermined(facts: JobFacts, self: Rule) -> Findings:
    if "UNDETERMINED" in facts.reason:
        yield self.found(facts.what, "Batch holds it back and doesn't know why.")


@rule(
    "The job stays in PENDING.",
    "It waits for other jobs that it depends on.",
    "Wait, or look at those jobs with Run.from_arn(id).explain().",
)
def waits_for_others(facts: JobFacts, self: Rule) -> Findings:
    job = facts.job
    live = [other for other in facts.others if not other.ended]
    if job and job.status in _WAITING and live:
        others = ", ".join(f"job {one.name} ({one.id}), which is {one.status}" for one in live)
        yield self.found(facts.what, f"it waits for {others}.", severity=Severity.INFO)


def _waits(facts: JobFacts) -> bool:
    """
    Whether the job has not been started yet, or was cancelled for that.
    """
    # A queue may cancel a job that stays in RUNNABLE; the reason says so
    # (https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html).
    job = facts.job
    return job is None or job.status in _WAITING or "JobStateTimeLimit" in facts.reason


def _without_it(facts: JobFacts) -> Severity:
    """
    How bad it is that Batch can't start jobs on one compute environment.
    """
    # Batch starts jobs on the next compute environment of the queue's order.
    return Severity.WARNING if facts.usable else Severity.ERROR


def _limit(environment: Mapping[str, Any]) -> float:
    return float(environment.get("computeResources", {}).get("maxvCpus", float("inf")))


def _queue(queue: Mapping[str, Any]) -> str:
    return f"JobQueue {queue['jobQueueName']}"


def _environment(one: Mapping[str, Any]) -> str:
    return f"ComputeEnvironment {one['computeEnvironmentName']}"


RULES: Final = (
    queue_missing,
    queue_disabled,
    definition_missing,
    no_environment,
    environment_invalid,
    environment_disabled,
    service_role,
    job_too_large,
    fargate_quota,
    no_capacity,
    undetermined,
    waits_for_others,
    queue_full,
)
