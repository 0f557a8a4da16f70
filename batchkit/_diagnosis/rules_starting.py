"""
Rules about starting: why a container never ran, for want of its image or its log group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, rule
from batchkit._diagnosis.images import platforms
from batchkit._diagnosis.rules_roles import ROLES, lacking, secret_unreadable
from batchkit.compute.instance_types import architecture
from batchkit.resources.families import family_of
from batchkit.resources.platforms import EC2

_NOT_FOUND: Final = ("not found", "manifest unknown", "does not exist", "no such manifest")
_LIMITED: Final = ("toomanyrequests", "pull rate limit")
_REFUSED: Final = (
    "denied",
    "forbidden",
    "unauthorized",
    "authentication required",
    "no basic auth",
)
_PLATFORM: Final = "descriptor matching platform"
_FORMAT: Final = "exec format error"
_MACHINES: Final = {"X86_64": "amd64", "ARM64": "arm64"}


@rule(
    "`CannotPullContainerError: ... not found` or `manifest unknown`.",
    "The image, or its tag, isn't in the registry: never pushed, deleted, or expired by the "
    "repository's lifecycle policy.",
    "Run ensure_stack(spec) again (`batchkit up`): it builds and pushes the image; or correct "
    "image.",
)
def image_missing(facts: JobFacts, self: Rule) -> Findings:
    image = f"image {facts.image.uri}"
    if facts.image.details == {}:
        yield self.found(image, "it isn't in ECR.")
    elif "CannotPullContainer" in facts.reason and not facts.image.details:
        # Docker Hub says of a private image, too: "pull access denied for x, repository does not
        # exist or may require 'docker login'".
        if _reason_has(facts, _NOT_FOUND) and not _reason_has(facts, _REFUSED):
            fix = f"Correct image, or push it to {facts.image.parsed.host}."
            yield self.found(image, "the registry doesn't have it.", fix)


@rule(
    "`exec format error` in the log, exit code 1 or 255; or `image Manifest does not contain "
    "descriptor matching platform`.",
    "The image is built for another architecture than the job definition's runtime platform; most "
    "often on a Mac with an Apple chip.",
    "Build for the platform of the spec (an image built by batchkit always is), or set "
    'architecture to "ARM64" or "X86_64" as the image is.',
)
def wrong_architecture(facts: JobFacts, self: Rule) -> Findings:
    wanted = _machine(facts)
    texts = [*facts.lines, facts.reason]
    fails = any(_FORMAT in text or _PLATFORM in text for text in texts)
    built = platforms(facts.image.manifest)
    lacks_platform = bool(wanted and built) and _MACHINES.get(wanted, wanted) not in built
    if lacks_platform or fails:
        is_for = f" (it is for {', '.join(sorted(built))})" if built else ""
        message = f"it isn't built for {wanted or 'that'}, on which the job runs{is_for}."
        yield self.found(f"image {facts.image.uri}", message)


def _machine(facts: JobFacts) -> str:
    """
    The architecture that the job runs on; an empty text for instances that others start.
    """
    for environment in facts.hosting_environments:
        family = family_of(environment)
        if family is not None and family.platform == EC2.WORD:
            types = (environment.get("computeResources") or {}).get("instanceTypes") or ()
            return next(map(architecture, types), "")
    # Without a runtime platform Fargate runs a job on X86_64.
    platform = facts.container.get("runtimePlatform") or {}
    return platform.get("cpuArchitecture") or "X86_64"


@rule(
    "`CannotPullContainerError` with `toomanyrequests`, `pull access denied`, `403 Forbidden` or "
    "`no basic auth credentials`.",
    "The registry doesn't let the job pull: another account's repository, a private one that wants "
    "a login, or Docker Hub's limit of pulls without a login.",
    "Name an image of this account's ECR, or a folder to build it from; or have the other "
    "account's repository policy allow it.",
)
def registry_refuses(facts: JobFacts, self: Rule) -> Findings:
    if not _reason_has(facts, ("cannotpullcontainer",)):
        return
    uri = facts.image.uri
    if _reason_has(facts, _LIMITED):
        message = f"{facts.image.parsed.host} allows only so many pulls without a login."
        yield self.found(f"image {uri}", message)
    elif _reason_has(facts, _REFUSED) and not lacking(facts):
        yield self.found(f"image {uri}", f"{_owner(facts)} doesn't let the job pull it.")


def _owner(facts: JobFacts) -> str:
    """
    The other account whose ECR has the image, or the registry.
    """
    ecr = facts.image.parsed.ecr
    if ecr is not None and facts.image.stored is None:
        return f"account {ecr.account}"
    return facts.image.parsed.host


def _reason_has(facts: JobFacts, texts: Sequence[str]) -> bool:
    """
    Whether the reason has one of some lower-case texts: registries differ in the case.
    """
    reason = facts.reason.lower()
    return any(text in reason for text in texts)


@rule(
    "`ResourceInitializationError: failed to validate logger args: ... The specified log group "
    "does not exist`.",
    "The log group isn't there any more.",
    "Run ensure_stack(spec) again (`batchkit up`): it makes the log group again.",
)
def log_group_missing(facts: JobFacts, self: Rule) -> Findings:
    group, there = facts.log_group
    if not there:
        yield self.found(f"LogGroup {group}", "the job writes to it, and it isn't there.")
    elif "log group does not exist" in facts.reason:
        message = "it wasn't there when the job began."
        yield self.found(f"LogGroup {group}", message, "It is there now: run the job again.")


RULES: Final = (
    *ROLES,
    image_missing,
    registry_refuses,
    wrong_architecture,
    log_group_missing,
    secret_unreadable,
)
