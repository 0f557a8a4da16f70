"""
Rules about the end: why a job that ran has failed.
"""

from __future__ import annotations

from typing import Final

from batchkit._diagnose.facts import Facts
from batchkit._diagnose.finding import Found, Rule, Severity, rule
from batchkit.resources.definitions import FARGATE_MEMORY

_KILLED: Final = 137
_TIMEOUT: Final = "attempt duration exceeded timeout"
_SPOT: Final = ("Your Spot Task was interrupted", "Host EC2 (instance")


@rule(
    "`OutOfMemoryError: Container killed due to memory usage`, exit code 137.",
    "The container used more memory than the job may have.",
    "Raise memory in the spec, or pass memory= to stack.submit; Fargate has certain sizes for each "
    "number of vCPUs.",
)
def out_of_memory(facts: Facts, self: Rule) -> Found:
    said = "OutOfMemory" in facts.reason
    killed = _code(facts) == _KILLED and _TIMEOUT not in facts.reason and not _stopped(facts)
    if said or killed:
        has = int(facts.required("MEMORY"))
        sizes = FARGATE_MEMORY.get(facts.required("VCPU"), ())
        more = next((size for size in sizes if size >= 2 * has), None)
        fix = f"Set memory={more} in the spec.  " if more else ""
        sure = "it used up" if said else "it was killed, most likely because it used up"
        yield self.found(facts.what, f"{sure} its {has} MiB of memory.", fix + self.fix)


@rule(
    "`Job attempt duration exceeded timeout`; or the execution is TIMED_OUT.",
    "An attempt took longer than timeout, or the whole run longer than run_timeout.",
    "Raise timeout (of an attempt) or run_timeout (of the whole, with the time in the queue) in "
    "the spec; or pass timeout= to stack.submit.",
)
def timed_out(facts: Facts, self: Rule) -> Found:
    limit = ((facts.job.details if facts.job else {}).get("timeout") or {}).get(
        "attemptDurationSeconds"
    )
    if _TIMEOUT in facts.reason:
        most = f" of {limit} s" if limit else ""
        yield self.found(facts.what, f"an attempt took longer than its timeout{most}.")
    elif facts.state.status == "TIMED_OUT":
        yield self.found(facts.what, "the whole run took longer than the state machine allows.")


@rule(
    "`Your Spot Task was interrupted.` or `Host EC2 (instance i-...) terminated.`",
    "AWS took the Spot capacity back.",
    "Raise attempts in the spec: with spot=True an attempt that AWS took back is tried again.",
)
def spot_reclaimed(facts: Facts, self: Rule) -> Found:
    if any(sign in facts.reason for sign in _SPOT):
        yield self.found(facts.what, "AWS took its Spot capacity back.")


@rule(
    "The job failed without an error of its own; the execution is ABORTED.",
    "Someone ended it.",
    "Start it again if that wasn't meant.",
)
def ended_by_someone(facts: Facts, self: Rule) -> Found:
    if _stopped(facts) and _TIMEOUT not in facts.reason:
        reason = facts.reason.split("\n")[0] or "no reason was given"
        yield self.found(facts.what, f"it was ended: {reason}", severity=Severity.INFO)


@rule(
    "`Dependent Job failed`.",
    "A job that it depends on has failed.",
    "Look at that job with Run.from_arn(id).explain(); then submit both again.",
)
def dependency_failed(facts: Facts, self: Rule) -> Found:
    if facts.job and "Dependent Job failed" in facts.reason:
        others = ", ".join(one["jobId"] for one in facts.job.details.get("dependsOn") or ())
        yield self.found(facts.what, f"a job that it depends on has failed: {others}")


@rule(
    "Exit code 126 or 127; `CannotStartContainerError`; `executable file not found in $PATH`.",
    "The container's command isn't in the image, or may not be executed.",
    "Correct command in the spec, or CMD and ENTRYPOINT in the Dockerfile.",
)
def command_not_found(facts: Facts, self: Rule) -> Found:
    if _code(facts) in (126, 127) or "CannotStartContainer" in facts.reason:
        command = " ".join(facts.container.get("command") or ()) or "the image's own"
        yield self.found(facts.what, f"its command can't be started: {command}")


@rule(
    "`Essential container in task exited` with an exit code.",
    "The job's own program has failed; its last lines say why.",
    "Read run.logs() (`batchkit logs`), mend the program, and run ensure_stack(spec) again.",
)
def program_failed(facts: Facts, self: Rule) -> Found:
    code = _code(facts)
    if code:
        last = f": {facts.lines[-1]}" if facts.lines else ", and wrote nothing"
        yield self.found(facts.what, f"its program ended with exit code {code}{last}")


@rule(
    "The execution has failed, and there is no job.",
    "The state machine could not submit the job; its role may lack a permission.",
    "Run ensure_stack(spec) again (`batchkit up`): it puts back the state machine and its role.",
)
def not_submitted(facts: Facts, self: Rule) -> Found:
    if facts.job is None and facts.state.ended and not facts.state.succeeded:
        yield self.found("the state machine", f"it submitted no job: {facts.state.reason}")


@rule(
    "A status reason that no other rule knows.",
    "AWS says why.",
    "Search AWS's documentation for that reason.",
)
def unknown_reason(facts: Facts, self: Rule) -> Found:
    if facts.job and facts.job.status == "FAILED":
        reason = facts.reason.split("\n")[0] or "AWS gives no reason"
        yield self.found(facts.what, f"it failed: {reason}")


def _code(facts: Facts) -> int | None:
    return facts.job.exit_code if facts.job else None


def _stopped(facts: Facts) -> bool:
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
def registry_unreachable(facts: Facts, self: Rule) -> Found:
    pulled = "CannotPullContainer" in facts.reason and "timeout" in facts.reason
    if pulled or "unable to pull secrets or registry auth" in facts.reason:
        yield self.found(facts.what, "it could not reach the registry of its image.")


FALLBACK: Final = (program_failed, not_submitted, registry_unreachable, unknown_reason)
"""Tried in turn, if no other rule has found anything."""
