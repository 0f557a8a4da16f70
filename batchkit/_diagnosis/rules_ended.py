"""
Rules about the end: why a job that ran has failed.
"""

from __future__ import annotations

from typing import Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, Severity, rule
from batchkit.resources.families import FAMILIES
from batchkit.resources.platforms import FARGATE, FARGATE_MEMORY, platform_of

_KILLED: Final = 137
_TIMEOUT: Final = "attempt duration exceeded timeout"
_SPOT: Final = (
    *(one.reclaim.rstrip("*") for one in FAMILIES.values() if one.reclaim),
    "Host EC2 (instance",
)
_SIGNALS: Final = {
    130: "SIGINT: it was interrupted",
    134: "SIGABRT: it gave itself up",
    135: "SIGBUS: it crashed in native code",
    136: "SIGFPE: it crashed in native code",
    139: "SIGSEGV: it crashed in native code",
    143: "SIGTERM: it was asked to stop",
}


@rule(
    "`OutOfMemoryError: Container killed due to memory usage`, exit code 137.",
    "The container used more memory than the job may have.",
    "Raise memory in the spec, or pass memory= to stack.submit; Fargate has certain sizes for each "
    "number of vCPUs.",
)
def out_of_memory(facts: JobFacts, self: Rule) -> Findings:
    reported = "OutOfMemory" in facts.reason
    # 137 is 128 + 9: a SIGKILL, which the kernel sends if memory is used up, and ECS if a container
    # that it stops doesn't end by itself.
    other_causes = (_TIMEOUT, *_SPOT)  # which end a program by the same signal
    by_other = _stopped(facts) or any(sign in facts.reason for sign in other_causes)
    killed = _code(facts) == _KILLED and not by_other
    if reported or killed:
        has = int(facts.required("MEMORY"))
        sizes = FARGATE_MEMORY.get(facts.required("VCPU"), ()) if _on_fargate(facts) else ()
        more = next((size for size in sizes if size >= 2 * has), None)
        fix = f"Set memory={more} in the spec.  " if more else ""
        cause = "it used up" if reported else "it was killed, most likely because it used up"
        message = f"{cause} its {has} MiB of memory{_earlier(facts)}."
        yield self.found(facts.what, message, fix + self.fix)


def _on_fargate(facts: JobFacts) -> bool:
    return platform_of(facts.definition or {}) is FARGATE


@rule(
    "`Job attempt duration exceeded timeout`; or the execution is TIMED_OUT.",
    "An attempt took longer than timeout, or the whole run longer than run_timeout.",
    "Raise timeout (of an attempt) or run_timeout (of the whole, with the time in the queue) in "
    "the spec; or pass timeout= to stack.submit.",
)
def timed_out(facts: JobFacts, self: Rule) -> Findings:
    # Batch's timeout is for each attempt, and counts from its start
    # (https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html).
    if _TIMEOUT in facts.reason:
        details = facts.job.details if facts.job else {}
        limit = (details.get("timeout") or {}).get("attemptDurationSeconds")
        most = f" of {limit} s" if limit else ""
        message = f"an attempt took longer than its timeout{most}{_earlier(facts)}."
        yield self.found(facts.what, message)
    elif facts.state.status == "TIMED_OUT":
        yield self.found(facts.what, "the whole run took longer than the state machine allows.")


@rule(
    "`Your Spot Task was interrupted.` or `Host EC2 (instance i-...) terminated.`",
    "AWS took the Spot capacity back.",
    'Run it again, or take compute="fargate".  With attempts=1 a job survives nine reclaims; any '
    "other number of attempts is shared with the program's failures, so that a larger one helps.",
)
def spot_reclaimed(facts: JobFacts, self: Rule) -> Findings:
    if any(sign in facts.reason for sign in _SPOT):
        yield self.found(facts.what, f"AWS took its Spot capacity back{_earlier(facts)}.")


@rule(
    "The job failed without an error of its own; the execution is ABORTED.",
    "Someone ended it.",
    "Start it again if that wasn't meant.",
)
def ended_by_someone(facts: JobFacts, self: Rule) -> Findings:
    late = _TIMEOUT in facts.reason or facts.state.status == "TIMED_OUT"
    if _stopped(facts) and not late:
        reason = facts.reason.split("\n")[0] or "no reason was given"
        yield self.found(facts.what, f"it was ended: {reason}", severity=Severity.INFO)


@rule(
    "`Dependent Job failed`.",
    "A job that it depends on has failed.",
    "Look at that job with Run.from_arn(id).explain(); then submit both again.",
)
def dependency_failed(facts: JobFacts, self: Rule) -> Findings:
    if facts.job and "Dependent Job failed" in facts.reason:
        # Batch fails a job as soon as one that it depends on fails; the others may still run
        # (https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html).
        failed = [f"{one.name} ({one.id})" for one in facts.others if one.status == "FAILED"]
        message = f"a job that it depends on has failed: {', '.join(failed or facts.depends_on)}"
        yield self.found(facts.what, message)


@rule(
    "Exit code 126 or 127; `CannotStartContainerError`; `executable file not found in $PATH`.",
    "The container's command isn't in the image, or may not be executed.",
    "Correct command in the spec, or CMD and ENTRYPOINT in the Dockerfile.",
)
def command_not_found(facts: JobFacts, self: Rule) -> Findings:
    # 126 and 127 are a shell's exit codes; without a shell the container doesn't start at all.
    meanings = {126: " (126: it may not be executed)", 127: " (127: it isn't there)"}
    code = _code(facts)
    if code in meanings or "CannotStartContainer" in facts.reason:
        meaning = meanings.get(code or 0, "")
        command = " ".join(facts.container.get("command") or ()) or "the image's own"
        last = f": {facts.lines[-1]}" if facts.lines else ""
        message = f"its command can't be started{meaning}: {command}{last}"
        yield self.found(facts.what, message)


@rule(
    "`Essential container in task exited` with an exit code.",
    "The job's own program has failed; its last lines say why.",
    "Read run.logs() (`batchkit logs`), repair the program, and run ensure_stack(spec) again.",
)
def program_failed(facts: JobFacts, self: Rule) -> Findings:
    code = _code(facts)
    if not code or facts.job is None:
        return
    last = f": {facts.lines[-1]}" if facts.lines else ", and wrote nothing"
    signal = f" ({_SIGNALS[code]})" if code in _SIGNALS else ""
    message = f"its program ended with exit code {code}{signal}{last}{_earlier(facts)}"
    if facts.job.ended:
        yield self.found(facts.what, message)
    else:
        # With attempts left Batch puts the job back to RUNNABLE, and keeps the last exit code.
        again = f"{self.fix}  It is tried again."
        yield self.found(facts.what, message, again, Severity.WARNING)


@rule(
    "The execution has failed, and there is no job.",
    "The state machine could not submit the job; its role may lack a permission.",
    "Run ensure_stack(spec) again (`batchkit up`): it puts back the state machine and its role.",
)
def not_submitted(facts: JobFacts, self: Rule) -> Findings:
    if facts.job is None and facts.state.ended and not facts.state.succeeded:
        yield self.found("the state machine", f"it submitted no job: {facts.state.reason}")


@rule(
    "A status reason that no other rule knows.",
    "AWS says why.",
    "Search AWS's documentation for that reason.",
)
def unknown_reason(facts: JobFacts, self: Rule) -> Findings:
    job, reason = facts.job, facts.reason.split("\n")[0]
    if job and job.status == "FAILED":
        reason = reason or "AWS gives no reason"
        yield self.found(facts.what, f"it failed: {reason}{_earlier(facts)}")
    elif job and job.status == "RUNNABLE" and job.reason and not job.attempts:
        yield self.found(facts.what, f"Batch holds it back: {job.reason}")


def _code(facts: JobFacts) -> int | None:
    return facts.job.exit_code if facts.job else None


def _earlier(facts: JobFacts) -> str:
    """
    How attempts before the last one ended, if they ended in another way.
    """
    ends = []
    for attempt in facts.earlier:
        reason = attempt.reason or "no reason was given"
        code = f", exit code {attempt.exit_code}" if attempt.exit_code else ""
        ends.append(f"attempt {attempt.number} ended otherwise: {reason}{code}")
    return f" ({'; '.join(ends)})" if ends else ""


def _stopped(facts: JobFacts) -> bool:
    """
    Whether someone ended the job or its execution.
    """
    details = facts.job.details if facts.job else {}
    ended = details.get("isTerminated") or details.get("isCancelled")
    return bool(ended) or facts.state.status == "ABORTED"


RULES: Final = (
    out_of_memory,
    timed_out,
    spot_reclaimed,
    ended_by_someone,
    dependency_failed,
    command_not_found,
)


@rule(
    "`ResourceInitializationError: unable to pull secrets or registry auth`, or "
    "`CannotPullContainerError` with a time-out.",
    "The container could not reach ECR when it began; the network is in order now.",
    "Run the job again; look at network ACLs and DNS of the VPC if it repeats.",
)
def registry_unreachable(facts: JobFacts, self: Rule) -> Findings:
    pulled = "CannotPullContainer" in facts.reason and "timeout" in facts.reason
    if pulled or "unable to pull secrets or registry auth" in facts.reason:
        yield self.found(facts.what, "it could not reach the registry of its image.")


# https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
_PATIENCE: Final = {
    "SUBMITTED": "Batch has taken it, and puts it into the queue next",
    "PENDING": "Batch puts it into the queue when all that it depends on has succeeded",
    "RUNNABLE": "it is in the queue, and Batch gets a container for it, in a minute or two",
    "STARTING": "its container is being started; pulling a large image takes some minutes",
}


@rule(
    "The job is SUBMITTED, PENDING, RUNNABLE or STARTING, and nothing is wrong.",
    "Every job goes through these states; Batch needs a minute or two to get a container.",
    "Wait.  If it stays so for more than ten minutes, look at the other jobs of the queue and the "
    "account's quotas.",
)
def on_its_way(facts: JobFacts, self: Rule) -> Findings:
    progress = _PATIENCE.get(facts.job.status) if facts.job else None
    if progress:
        yield self.found(facts.what, f"{progress}.", severity=Severity.INFO)


FALLBACK: Final = (
    program_failed,
    not_submitted,
    registry_unreachable,
    unknown_reason,
    on_its_way,
)
"""Tried in turn, if no other rule has found anything."""
