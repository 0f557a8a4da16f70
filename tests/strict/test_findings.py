"""
Each rule about what is around a job: the situation is built, found, and mended as the finding says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from batchkit import Ec2, Fargate, Severity
from batchkit._diagnosis import explain

from . import broken_stacks as the, test_findings_jobs as jobs
from .broken_stacks import Scene
from .simulator.batch.placement import QUOTAS
from .stacks import NAME

SEED = 5
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


@frozen(kw_only=True)
class FindingCase:
    """
    How a situation is built, what is found of it, and how that is mended.

    The finding is about *subject*, and *says* something; *job* is whether a job can be submitted.
    """

    build: Callable[[Scene], object]
    subject: str
    says: str
    mend: Callable[[Scene], object] = Scene.mend
    fix: str = "ensure_stack(spec)"
    job: bool = True
    severity: Severity = ERROR


def no_capacity(at: Scene) -> None:
    at.aws.account.add("no capacity", "FARGATE")


def blocked(at: Scene) -> None:
    at.aws.account.add("blocked", NAME)


def foreign(at: Scene) -> None:
    at.mend(image=the.FOREIGN)


def for_arm(at: Scene) -> None:
    the.push(at, machine="arm64", tag="arm")
    at.mend(image=the.IMAGE.replace(":1", ":arm"))


def quota_used_up(at: Scene) -> None:
    at.mend(vcpus=4, memory=8192, compute=Fargate(max_vcpus=16))
    at.aws.account.add("quota", QUOTAS["FARGATE"], value=6.0)
    at.program("long", the.LONG)
    assert at.submit("long").status == "RUNNING"


def more_quota(at: Scene) -> None:
    at.aws.account.add("quota", QUOTAS["FARGATE"], value=100.0)


def full(at: Scene) -> None:
    at.mend(vcpus=4, memory=8192)
    at.program("long", the.LONG)
    assert at.submit("long").status == "RUNNING"


def repushed(at: Scene) -> None:
    the.push(at)
    at.mend()


def no_agent(at: Scene) -> None:
    at.mend(compute=Ec2())
    role, policy = the.role("instance"), "AmazonEC2ContainerServiceforEC2Role"
    arn = f"arn:aws:iam::aws:policy/service-role/{policy}"
    at.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


def newer_ami(at: Scene) -> None:
    at.mend(compute=Ec2())
    for held in at.aws.account.all("environment"):
        for image in held["shown"]["computeResources"].get("ec2Configuration", ()):
            image["batchImageStatus"] = "UPDATE_AVAILABLE"


def drop(*things: tuple[str, str]) -> Callable[[Scene], None]:
    def mend(at: Scene) -> None:
        for thing in things:
            at.aws.account.drop(*thing)

    return mend


CASES = {
    "queue-missing": FindingCase(
        build=the.queue_deleted, subject="JobQueue films", says="isn't there", job=False
    ),
    "queue-disabled": FindingCase(
        build=the.queue_disabled, subject="JobQueue films", says="disabled", job=False
    ),
    "definition-missing": FindingCase(
        build=the.revisions_deregistered,
        subject="JobDefinition films",
        says="no revision of it is active",
        job=False,
    ),
    "no-environment": FindingCase(
        build=the.environment_lost, subject="JobQueue films", says="none of its", job=False
    ),
    "environment-invalid": FindingCase(
        build=the.environment_distrusted,
        subject="ComputeEnvironment films_",
        says="sts:AssumeRole on resource: arn:aws:iam::123456789012:role/batchkit/films/",
    ),
    "environment-disabled": FindingCase(
        build=the.environment_disabled, subject="ComputeEnvironment films_", says="disabled"
    ),
    "service-role": FindingCase(
        build=the.service_rights_detached, subject="Role films_batch", says="AWSBatchServiceRole"
    ),
    "job-too-large": FindingCase(
        build=lambda at: at.submit(vcpus=8, memory=16384),
        subject="job films-",
        says="it wants 8 vCPUs; its compute environments may have 4",
        fix="max_vcpus=8",
        mend=lambda at: at.mend(compute=Fargate(max_vcpus=8)),
    ),
    "fargate-quota": FindingCase(
        build=quota_used_up,
        subject="quota L-3032A538 (FARGATE)",
        says="4 vCPUs are in use and the job wants 4; the account may have 6",
        fix="Service Quotas",
        mend=more_quota,
    ),
    "no-capacity": FindingCase(
        build=no_capacity,
        subject="job films-",
        says="AWS had no capacity for it",
        fix="Wait",
        mend=drop(("no capacity", "FARGATE")),
    ),
    "undetermined": FindingCase(
        build=blocked,
        subject="job films-",
        says="doesn't know why",
        fix="submit the job again",
        mend=drop(("blocked", NAME)),
    ),
    "queue-full": FindingCase(
        build=full,
        subject="JobQueue films",
        says="its jobs have 4 of 4 vCPUs",
        fix="max_vcpus",
        mend=lambda at: at.mend(vcpus=1, memory=2048, compute=Fargate(max_vcpus=16)),
        severity=INFO,
    ),
    "instance-role": FindingCase(
        build=no_agent,
        subject="Role films_instance",
        says="lacks ecs:RegisterContainerInstance",
        mend=lambda at: at.mend(compute=Ec2()),
    ),
    "ami-outdated": FindingCase(
        build=newer_ami,
        subject="ComputeEnvironment films_ec2",
        says="newer AMI",
        mend=lambda at: at.mend(compute=Ec2(ami="ami-12345678")),
        job=False,
        severity=INFO,
    ),
    "subnet-missing": FindingCase(
        build=the.subnet_deleted, subject="Subnet subnet-", says="films_", job=False
    ),
    "security-group-missing": FindingCase(
        build=the.group_deleted, subject="SecurityGroup sg-", says="films_"
    ),
    "no-way-out": FindingCase(
        build=the.gateway_deleted,
        subject="Subnet subnet-",
        says="is gone; nor are there VPC endpoints for ecr.api, ecr.dkr, logs, secretsmanager, s3",
    ),
    "no-egress": FindingCase(
        build=the.let_out, subject="SecurityGroup sg-", says="nothing out on port 443"
    ),
    "execution-role-missing": FindingCase(
        build=the.role_deleted("exec"), subject="Role films_exec", says="isn't there"
    ),
    "execution-role-trust": FindingCase(
        build=the.nobody("exec"), subject="Role films_exec", says="ecs-tasks.amazonaws.com"
    ),
    "execution-role-rights": FindingCase(
        build=the.rights_detached, subject="Role films_exec", says="ecr:GetAuthorizationToken"
    ),
    "job-role-missing": FindingCase(
        build=the.role_deleted("job"), subject="Role films_job", says="isn't there"
    ),
    "job-role-trust": FindingCase(
        build=the.nobody("job"), subject="Role films_job", says="ecs-tasks.amazonaws.com"
    ),
    "image-missing": FindingCase(
        build=the.image_deleted,
        subject=f"image {the.IMAGE.partition(':')[0]}",
        says="isn't in ECR",
        mend=repushed,
    ),
    "registry-refuses": FindingCase(
        build=foreign,
        subject=f"image {the.FOREIGN}",
        says="account 210987654321 doesn't let the job pull it",
        fix="repository policy",
    ),
    "wrong-architecture": FindingCase(
        build=for_arm,
        subject=f"image {the.IMAGE.partition(':')[0]}",
        says="isn't built for X86_64, on which the job runs (it is for arm64)",
        fix="as the image is",
        mend=lambda at: at.mend(image=the.IMAGE.replace(":1", ":arm"), architecture="ARM64"),
    ),
    "log-group-missing": FindingCase(
        build=the.group_deleted_logs, subject="LogGroup /batchkit/films", says="isn't there"
    ),
    "secret-unreadable": FindingCase(
        build=the.secrets_withdrawn,
        subject="secret PASSWORD",
        says="films_exec-us-east-1 may not read arn:aws:secretsmanager:",
    ),
}
ONLY_WITH_A_JOB = ("no-capacity", "undetermined", "registry-refuses")


def check(found: Any, name: str, case: FindingCase) -> None:
    """
    There is exactly the finding that the case is of.
    """
    assert [one.rule for one in found] == [name], found
    assert found[0].severity is case.severity
    assert found[0].subject.startswith(case.subject)
    assert case.says in found[0].message
    assert case.fix in found[0].fix


@pytest.mark.parametrize("name", CASES)
def test_a_situation_is_found_and_mended(at: Scene, name: str) -> None:
    """
    The stack, and a job that is stuck or fails of it, have that finding; its fix ends it.
    """
    case = CASES[name]
    case.build(at)
    at.later()
    if name not in ONLY_WITH_A_JOB:
        check(at.stack.diagnose(), name, case)
    if case.job and name != "job-too-large":
        run = at.submit()
        check(run.explain(), name, case)
        if case.severity is ERROR:
            check(at.stack.diagnose(), name, case)
    at.clear()
    case.mend(at)
    assert at.submit().status == "SUCCEEDED"
    assert at.stack.diagnose() == []


def test_every_rule_has_its_situation() -> None:
    """
    Here, or among those of jobs.
    """
    built = {*CASES, *jobs.CASES}
    assert sorted(built) == sorted(rule.name for rule in explain.RULES)
