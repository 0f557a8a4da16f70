"""
Rules about the roles of a container: why it can't start with them, or read its secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, rule
from batchkit._diagnosis.roles import RoleFacts
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
_SECRET: Final = ("GetSecretValue", "ssm:GetParameters", "secret from asm", "secrets from ssm")


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
    role, needed = _readable_role(facts, EXECUTION), lacking(facts)
    if role is None or not needed:
        return
    actions = ", ".join(action for action, _ in needed)
    if all(role.within(action, resource) for action, resource in needed):
        yield self.found(f"Role {role.name}", f"it doesn't allow {actions}.")
    else:
        message = f"its permissions boundary doesn't allow {actions}."
        yield self.found(f"Role {role.name}", message, _WIDEN)


def lacking(facts: JobFacts) -> Sequence[tuple[str, str]]:
    """
    The actions, each on a resource, that the execution role must allow, and doesn't.
    """
    role = _readable_role(facts, EXECUTION)
    if role is None:
        return []
    # The agent uses the execution role before the container runs, the job role isn't asked
    # (https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html).
    needed = [*_pulling(facts), *_logging(facts)]
    return [(action, on) for action, on in needed if not role.allows(action, on)]


def _pulling(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """
    What pulling the image takes, if it is in ECR.
    """
    image = facts.image.parsed
    if image.ecr is not None:
        place = f"{image.ecr.region}:{image.ecr.account}:repository/{image.repository}"
        repository = f"arn:{image.ecr.partition}:ecr:{place}"
        # The token is the registry's, so IAM allows this action only on all resources.
        yield _LOGIN, "*"
        for action in _PULL:
            yield action, repository


def _logging(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """
    What writing lines to CloudWatch Logs takes, if the job does.
    """
    configuration = facts.container.get("logConfiguration") or {}
    if configuration.get("logDriver", "awslogs") != "awslogs":
        return
    partition, region, account = facts.place
    region = (configuration.get("options") or {}).get("awslogs-region", region)
    group = f"{facts.log_group[0]}:log-stream:any"
    on = f"arn:{partition}:logs:{region}:{account}:log-group:{group}" if partition else "*"
    for action in _LOGS:
        yield action, on


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
    "`ResourceInitializationError: unable to pull secrets ... AccessDeniedException ... "
    "secretsmanager:GetSecretValue` (or ssm:GetParameters).",
    "The execution role may not read a secret, or there is no such secret.",
    "Give the ARN of the secret in secrets; ensure_stack(spec) (`batchkit up`) allows the "
    "execution role to read it.  A secret with its own key also needs "
    "execution_grants=[kms_decrypt(key)].",
)
def secret_unreadable(facts: JobFacts, self: Rule) -> Findings:
    secrets = facts.container.get("secrets") or ()
    found = [finding for secret in secrets for finding in _unreadable(facts, self, secret)]
    yield from found
    if not found and any(sign in facts.reason for sign in _SECRET):
        yield self.found("secrets", "the execution role could not read one of them.")


def _unreadable(facts: JobFacts, rule: Rule, secret: Mapping[str, str]) -> Findings:
    """
    What keeps the execution role from reading a secret.
    """
    subject, arn = f"secret {secret['name']}", secret["valueFrom"]
    role = _readable_role(facts, EXECUTION)
    wanted = SecretArn.parse(arn)
    reads = [(wanted.action, one) for one in wanted.resources]
    if role is None or any(role.allows(*one) for one in reads):
        if _failed_on(facts, arn):
            message = f"the execution role could not read {arn}{_secret_problem(facts, arn)}."
            yield rule.found(subject, message)
    elif any(role.within(*one) for one in reads):
        yield rule.found(subject, f"{role.name} may not read {arn}.")
    else:
        message = f"{role.name} may not read {arn} by its permissions boundary."
        yield rule.found(subject, message, _WIDEN)


def _failed_on(facts: JobFacts, arn: str) -> bool:
    """
    Whether the job's reason names the secret.
    """
    named = SecretArn.parse(arn)
    names = [named.arn]
    if named.service == "ssm":
        names.append(named.parameter)
    elif named.key:
        names.append(f"json key {named.key}")
    failed = "ResourceInitializationError" in facts.reason
    return failed and any(one in facts.reason for one in names)


def _secret_problem(facts: JobFacts, arn: str) -> str:
    """
    What may be wrong with a secret that the role is allowed to read.
    """
    parts = arn.split(":")
    region = parts[3] if len(parts) > 3 else ""
    job_region = facts.place[1]
    if job_region and region not in ("", job_region):
        return f", which is in {region} while the job runs in {job_region}"
    if "did not contain json key" in facts.reason:
        return ": it has no such JSON key"
    if "Access to KMS is not allowed" in facts.reason:
        return ": it has a key of KMS of its own, which the role may not use"
    if "ResourceNotFound" in facts.reason or "find the specified secret" in facts.reason:
        return ": there is none of that ARN"
    return ""


def _readable_role(facts: JobFacts, name: str) -> RoleFacts | None:
    """
    A role of the container that exists, and that the caller may read.
    """
    role = facts.container_role(name)
    if role is None or not role.there or not role.known:
        return None
    return role


def _missing(facts: JobFacts, rule: Rule, name: str, what: str) -> Findings:
    role = facts.container_role(name)
    if role is not None and role.known and not role.there:
        yield rule.found(f"Role {role.name}", f"the {what} isn't there.")


def _trust(facts: JobFacts, rule: Rule, name: str, what: str) -> Findings:
    role = _readable_role(facts, name)
    if role is None:
        return
    if not role.trusts(TASKS):
        yield rule.found(f"Role {role.name}", f"the {what} doesn't trust {TASKS}.")
    # IAM is eventually consistent: ECS may not know yet of a role, or of its new trust policy.
    elif "unable to assume the role" in facts.reason and role.arn in facts.reason:
        message = f"ECS could not assume the {what}; a new one can't be assumed for some seconds."
        yield rule.found(f"Role {role.name}", message, "Run the job again.")


ROLES: Final = (
    execution_role_missing,
    execution_role_trust,
    execution_role_rights,
    job_role_missing,
    job_role_trust,
)
