"""
Rules about starting: why a container never came to run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from batchkit._diagnose.facts import Facts, parse_image
from batchkit._diagnose.finding import Found, Rule, Severity, rule
from batchkit._diagnose.roles import HeldRole

ENSURE: Final = "Run ensure_stack(spec) again (`batchkit up`): it puts the role back."
TASKS: Final = "ecs-tasks.amazonaws.com"
EXECUTION: Final = "executionRoleArn"
_ECR: Final = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
)
_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_NOT_FOUND: Final = ("not found", "manifest unknown", "does not exist", "no such manifest")
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
def image_missing(facts: Facts, self: Rule) -> Found:
    image = str(facts.container.get("image", ""))
    if facts.image == {}:
        yield self.found(f"image {image}", "it isn't in ECR.")
    elif "CannotPullContainer" in facts.reason and not facts.image:
        if any(words in facts.reason.lower() for words in _NOT_FOUND):
            yield self.found(f"image {image}", "the registry doesn't have it.")


@rule(
    "`exec format error` in the log, exit code 1 or 255; or `image Manifest does not contain "
    "descriptor matching platform`.",
    "The image is built for another architecture than the job definition's runtime platform; most "
    "often on a Mac with an Apple chip.",
    "Build for the platform of the spec (an image built by batchkit always is), or set "
    'architecture to "ARM64" or "X86_64" as the image is.',
)
def wrong_architecture(facts: Facts, self: Rule) -> Found:
    wanted = (facts.container.get("runtimePlatform") or {}).get("cpuArchitecture") or "X86_64"
    said = [*facts.lines, facts.reason]
    built = _platforms(facts.manifest)
    wrong = bool(built) and _MACHINES.get(wanted, wanted) not in built
    if wrong or any(sign in text for text in said for sign in (_FORMAT, _PLATFORM)):
        is_for = f" (it is for {', '.join(sorted(built))})" if built else ""
        message = f"it isn't built for {wanted}, on which the job runs{is_for}."
        yield self.found(f"image {facts.container.get('image', '')}", message)


def _platforms(manifest: str) -> set[str]:
    """
    The machines that the images of an index are for; empty if it is a single image's manifest.
    """
    try:
        listed: Any = json.loads(manifest or "{}").get("manifests", ())
    except (ValueError, AttributeError):
        return set()
    machines = {(one.get("platform") or {}).get("architecture", "") for one in listed}
    return machines - {"", "unknown"}


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`, or nothing at all.",
    "The execution role isn't there any more.",
    ENSURE,
)
def execution_role_missing(facts: Facts, self: Rule) -> Found:
    yield from _missing(facts, self, EXECUTION, "execution role")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The execution role doesn't trust ecs-tasks.amazonaws.com, or was made only moments ago.",
    ENSURE,
)
def execution_role_trust(facts: Facts, self: Rule) -> Found:
    yield from _trust(facts, self, EXECUTION, "execution role")


@rule(
    "`ResourceInitializationError: unable to pull secrets or registry auth ... AccessDenied`, "
    "`CannotPullContainerError ... 403 Forbidden`, or `failed to create Cloudwatch log stream`.",
    "The execution role lacks the permission to pull from ECR or to write to CloudWatch Logs.",
    "Run ensure_stack(spec) again (`batchkit up`): it attaches AmazonECSTaskExecutionRolePolicy.",
)
def execution_role_rights(facts: Facts, self: Rule) -> Found:
    role = _held(facts, EXECUTION)
    if role is None:
        return
    wanted = _ECR if parse_image(str(facts.container.get("image", ""))) else ()
    driver = (facts.container.get("logConfiguration") or {}).get("logDriver", "awslogs")
    wanted = (*wanted, *(_LOGS if driver == "awslogs" else ()))
    lacking = [action for action in wanted if not role.allows(action)]
    if lacking:
        yield self.found(f"Role {role.name}", f"it doesn't allow {', '.join(lacking)}.")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The job role isn't there any more.",
    ENSURE,
)
def job_role_missing(facts: Facts, self: Rule) -> Found:
    yield from _missing(facts, self, "jobRoleArn", "job role")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The job role doesn't trust ecs-tasks.amazonaws.com, or was made only moments ago.",
    ENSURE,
)
def job_role_trust(facts: Facts, self: Rule) -> Found:
    yield from _trust(facts, self, "jobRoleArn", "job role")


@rule(
    "`ResourceInitializationError: failed to validate logger args: ... The specified log group "
    "does not exist`.",
    "The log group isn't there any more.",
    "Run ensure_stack(spec) again (`batchkit up`): it makes the log group anew.",
)
def log_group_missing(facts: Facts, self: Rule) -> Found:
    group, there = facts.log_group
    if not there:
        yield self.found(f"LogGroup {group}", "the job writes to it, and it isn't there.")
    elif "log group does not exist" in facts.reason:
        message = "it wasn't there when the job began."
        yield self.found(f"LogGroup {group}", message, "It is there now: run the job again.")


@rule(
    "`ResourceInitializationError: unable to pull secrets ... AccessDeniedException ... "
    "secretsmanager:GetSecretValue` (or ssm:GetParameters).",
    "The execution role may not read a secret, or there is no such secret.",
    "Give the ARN of the secret in secrets; ensure_stack(spec) (`batchkit up`) allows the "
    "execution role to read it.  A secret with its own key also needs kms:Decrypt.",
)
def secret_unreadable(facts: Facts, self: Rule) -> Found:
    role = _held(facts, EXECUTION)
    named = False
    for secret in facts.container.get("secrets") or ():
        arn = secret["valueFrom"]
        action = "ssm:GetParameters" if ":ssm:" in arn else "secretsmanager:GetSecretValue"
        if role is not None and not role.allows(action, _plain(arn)):
            named = True
            yield self.found(f"secret {secret['name']}", f"{role.name} may not read {arn}.")
    if not named and "ResourceInitializationError" in facts.reason:
        if "GetSecretValue" in facts.reason or "ssm:GetParameters" in facts.reason:
            yield self.found("secrets", "the execution role could not read one of them.")


def _plain(arn: str) -> str:
    """
    The ARN of a secret without the JSON key, version and stage that may follow it.
    """
    return ":".join(arn.split(":")[:7]) if ":secretsmanager:" in arn else arn


def _held(facts: Facts, name: str) -> HeldRole | None:
    """
    A role of the container that is there, and that the caller may look at.
    """
    role = facts.role(name)
    return role if role is not None and role.there and role.known else None


def _missing(facts: Facts, rule: Rule, name: str, what: str) -> Iterator[Any]:
    role = facts.role(name)
    if role is not None and role.known and not role.there:
        yield rule.found(f"Role {role.name}", f"the {what} isn't there.")


def _trust(facts: Facts, rule: Rule, name: str, what: str) -> Iterator[Any]:
    role = _held(facts, name)
    if role is None:
        return
    if not role.trusts(TASKS):
        yield rule.found(f"Role {role.name}", f"the {what} doesn't trust {TASKS}.")
    elif "unable to assume the role" in facts.reason and role.arn in facts.reason:
        message = f"ECS could not assume the {what}; a new one can't be assumed for some seconds."
        yield rule.found(f"Role {role.name}", message, "Run the job again.", Severity.WARNING)


RULES: Final = (
    execution_role_missing,
    execution_role_trust,
    execution_role_rights,
    job_role_missing,
    job_role_trust,
    image_missing,
    wrong_architecture,
    log_group_missing,
    secret_unreadable,
)
