"""
Rules about starting: why a container never came to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, rule
from batchkit._diagnosis.images import platforms
from batchkit._diagnosis.roles import RoleFacts
from batchkit._model.image_uri import ImageUri
from batchkit._model.secret_arn import SecretArn

ENSURE: Final = "Run ensure_stack(spec) again (`batchkit up`): it puts the role back."
TASKS: Final = "ecs-tasks.amazonaws.com"
EXECUTION: Final = "executionRoleArn"
_LOGIN: Final = "ecr:GetAuthorizationToken"
_PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
)
_WIDEN: Final = "Let the policy that is the role's boundary allow it too, or take it off the role."
_LOGS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
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
    image = f"image {facts.uri}"
    if facts.image == {}:
        yield self.found(image, "it isn't in ECR.")
    elif "CannotPullContainer" in facts.reason and not facts.image:
        said = facts.reason.lower()
        if any(words in said for words in _NOT_FOUND) and not any(w in said for w in _REFUSED):
            fix = f"Correct image, or push it to {ImageUri.parse(facts.uri).host}."
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
    wanted = (facts.container.get("runtimePlatform") or {}).get("cpuArchitecture") or "X86_64"
    said = [*facts.lines, facts.reason]
    built = platforms(facts.manifest)
    wrong = bool(built) and _MACHINES.get(wanted, wanted) not in built
    if wrong or any(sign in text for text in said for sign in (_FORMAT, _PLATFORM)):
        is_for = f" (it is for {', '.join(sorted(built))})" if built else ""
        message = f"it isn't built for {wanted}, on which the job runs{is_for}."
        yield self.found(f"image {facts.container.get('image', '')}", message)


@rule(
    "`CannotPullContainerError` with `toomanyrequests`, `pull access denied`, `403 Forbidden` or "
    "`no basic auth credentials`.",
    "The registry doesn't let the job pull: another account's repository, a private one that wants "
    "a login, or Docker Hub's limit of pulls without a login.",
    "Name an image of this account's ECR, or a folder to build it from; or have the other "
    "account's repository policy allow it.",
)
def registry_refuses(facts: JobFacts, self: Rule) -> Findings:
    said = facts.reason.lower()
    if "cannotpullcontainer" not in said:
        return
    uri = ImageUri.parse(facts.uri)
    if any(words in said for words in _LIMITED):
        message = f"{uri.host} allows only so many pulls without a login."
        yield self.found(f"image {facts.uri}", message)
    elif any(words in said for words in _REFUSED) and not _lacking(facts):
        who = f"account {uri.ecr.account}" if uri.ecr and facts.stored is None else uri.host
        yield self.found(f"image {facts.uri}", f"{who} doesn't let the job pull it.")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`, or nothing at all.",
    "The execution role isn't there any more.",
    ENSURE,
)
def execution_role_missing(facts: JobFacts, self: Rule) -> Findings:
    yield from _missing(facts, self, EXECUTION, "execution role")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The execution role doesn't trust ecs-tasks.amazonaws.com, or was made only moments ago.",
    ENSURE,
)
def execution_role_trust(facts: JobFacts, self: Rule) -> Findings:
    yield from _trust(facts, self, EXECUTION, "execution role")


@rule(
    "`ResourceInitializationError: unable to pull secrets or registry auth ... AccessDenied`, "
    "`CannotPullContainerError ... 403 Forbidden`, or `failed to create Cloudwatch log stream`.",
    "The execution role lacks the permission to pull from ECR or to write to CloudWatch Logs.",
    "Run ensure_stack(spec) again (`batchkit up`): it attaches AmazonECSTaskExecutionRolePolicy.",
)
def execution_role_rights(facts: JobFacts, self: Rule) -> Findings:
    role, lacking = _held(facts, EXECUTION), _lacking(facts)
    if role is not None and lacking:
        bound = not all(role.within(*one) for one in lacking)
        message = f"{_whose(bound)} doesn't allow {', '.join(action for action, _ in lacking)}."
        yield self.found(f"Role {role.name}", message, _WIDEN if bound else "")


def _whose(bound: bool) -> str:
    return "its permissions boundary" if bound else "it"


def _lacking(facts: JobFacts) -> Sequence[tuple[str, str]]:
    """
    What the execution role must allow, and doesn't.
    """
    role = _held(facts, EXECUTION)
    wanted = [*_pulling(facts), *_logging(facts)] if role else []
    return [one for one in wanted if role and not role.allows(*one)]


def _pulling(facts: JobFacts) -> Iterator[tuple[str, str]]:
    uri = ImageUri.parse(facts.uri)
    if ecr := uri.ecr:
        place = f"{ecr.region}:{ecr.account}:repository/{uri.repository}"
        repository = f"arn:{ecr.partition}:ecr:{place}"
        yield _LOGIN, "*"
        yield from ((action, repository) for action in _PULL)


def _logging(facts: JobFacts) -> Iterator[tuple[str, str]]:
    configuration = facts.container.get("logConfiguration") or {}
    if configuration.get("logDriver", "awslogs") != "awslogs":
        return
    partition, region, account = facts.place
    region = (configuration.get("options") or {}).get("awslogs-region", region)
    group = f"{facts.log_group[0]}:log-stream:any"
    on = f"arn:{partition}:logs:{region}:{account}:log-group:{group}" if partition else "*"
    yield from ((action, on) for action in _LOGS)


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The job role isn't there any more.",
    ENSURE,
)
def job_role_missing(facts: JobFacts, self: Rule) -> Findings:
    yield from _missing(facts, self, "jobRoleArn", "job role")


@rule(
    "`ECS was unable to assume the role ... that was provided for this task`.",
    "The job role doesn't trust ecs-tasks.amazonaws.com, or was made only moments ago.",
    ENSURE,
)
def job_role_trust(facts: JobFacts, self: Rule) -> Findings:
    yield from _trust(facts, self, "jobRoleArn", "job role")


@rule(
    "`ResourceInitializationError: failed to validate logger args: ... The specified log group "
    "does not exist`.",
    "The log group isn't there any more.",
    "Run ensure_stack(spec) again (`batchkit up`): it makes the log group anew.",
)
def log_group_missing(facts: JobFacts, self: Rule) -> Findings:
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
    "execution role to read it.  A secret with its own key also needs "
    "execution_grants=[kms_decrypt(key)].",
)
def secret_unreadable(facts: JobFacts, self: Rule) -> Findings:
    role, found = _held(facts, EXECUTION), False
    secrets = facts.container.get("secrets") or ()
    for secret in secrets:
        name, arn = f"secret {secret['name']}", secret["valueFrom"]
        wanted = SecretArn.parse(arn)
        reads = [(wanted.action, one) for one in wanted.resources]
        if role is not None and not any(role.allows(*one) for one in reads):
            found = True
            bound = not any(role.within(*one) for one in reads)
            why = " by its permissions boundary" if bound else ""
            yield self.found(name, f"{role.name} may not read {arn}{why}.", _WIDEN if bound else "")
        elif _failed_on(facts, arn):
            found = True
            yield self.found(name, f"the execution role could not read {arn}{_why(facts, arn)}.")
    if not found and any(sign in facts.reason for sign in _SECRET):
        yield self.found("secrets", "the execution role could not read one of them.")


def _failed_on(facts: JobFacts, arn: str) -> bool:
    named = SecretArn.parse(arn)
    names = [named.arn]
    if named.service == "ssm":
        names.append(named.parameter)
    elif named.key:
        names.append(f"json key {named.key}")
    failed = "ResourceInitializationError" in facts.reason
    return failed and any(one in facts.reason for one in names)


def _why(facts: JobFacts, arn: str) -> str:
    """
    What may be wrong with a secret that the role is allowed to read.
    """
    region, here = [*arn.split(":"), "", "", ""][3], facts.place[1]
    if here and region not in ("", here):
        return f", which is in {region} while the job runs in {here}"
    if "did not contain json key" in facts.reason:
        return ": it has no such JSON key"
    if "Access to KMS is not allowed" in facts.reason:
        return ": it has a key of KMS of its own, which the role may not use"
    if "ResourceNotFound" in facts.reason or "find the specified secret" in facts.reason:
        return ": there is none of that ARN"
    return ""


_SECRET: Final = ("GetSecretValue", "ssm:GetParameters", "secret from asm", "secrets from ssm")


def _held(facts: JobFacts, name: str) -> RoleFacts | None:
    """
    A role of the container that is there, and that the caller may look at.
    """
    role = facts.role(name)
    return role if role is not None and role.there and role.known else None


def _missing(facts: JobFacts, rule: Rule, name: str, what: str) -> Iterator[Any]:
    role = facts.role(name)
    if role is not None and role.known and not role.there:
        yield rule.found(f"Role {role.name}", f"the {what} isn't there.")


def _trust(facts: JobFacts, rule: Rule, name: str, what: str) -> Iterator[Any]:
    role = _held(facts, name)
    if role is None:
        return
    if not role.trusts(TASKS):
        yield rule.found(f"Role {role.name}", f"the {what} doesn't trust {TASKS}.")
    elif "unable to assume the role" in facts.reason and role.arn in facts.reason:
        message = f"ECS could not assume the {what}; a new one can't be assumed for some seconds."
        yield rule.found(f"Role {role.name}", message, "Run the job again.")


RULES: Final = (
    execution_role_missing,
    execution_role_trust,
    execution_role_rights,
    job_role_missing,
    job_role_trust,
    image_missing,
    registry_refuses,
    wrong_architecture,
    log_group_missing,
    secret_unreadable,
)
