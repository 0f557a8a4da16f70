"""
A stack that stands, with all that its jobs stand on, and the ways in which that may break.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs

from batchkit import Run, StackSpec
from batchkit.events import Listener
from batchkit.stack.stack import Stack
from fakes import client

from .helpers import trust
from .simulator import StrictAws
from .simulator.batch.placement import QUOTAS
from .simulator.batch.programs import Program
from .stacks import NAME, make

REGION = "us-east-1"
REPOSITORY = "pictures"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:1"
FOREIGN = f"210987654321.dkr.ecr.{REGION}.amazonaws.com/paintings:1"
ELSEWHERE = "public.ecr.aws/docker/library/python:3.12-slim"
SINGLE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
LONG = Program(seconds=3000)
"""What a job does that is to be there for a while."""


class Scene:
    """
    A stack on the strict AWS whose image is in ECR and which reads a secret.
    """

    def __init__(self, aws: StrictAws, **changes: Any) -> None:
        self.aws = aws
        for code in QUOTAS.values():
            aws.account.add("quota", code, value=100.0)
        push(self)
        secrets = aws.raw.client("secretsmanager")
        secret = secrets.create_secret(Name="films", SecretString="x")["ARN"]
        given = {"name": NAME, "image": IMAGE, "secrets": {"PASSWORD": secret}}
        self.spec = StackSpec(**{**given, **changes})
        self.stack: Stack = make(aws, self.spec)
        self.session = aws.another().session
        self.later()

    def client(self, service: str) -> Any:
        """
        A client of whoever breaks it.
        """
        return client(self.session, service)

    def raw(self, service: str) -> Any:
        """
        A client that AWS refuses nothing, and has do at once what takes time.
        """
        return client(self.aws.raw, service)

    def id(self, name: str) -> str:
        """
        The id or ARN of a resource, by kind and name.
        """
        return next(v for k, v in self.stack.outputs.items() if k == name or k.startswith(name))

    def later(self, seconds: float = 60) -> None:
        """
        Some time passes.
        """
        self.aws.clock.advance(seconds)

    def program(self, command: str, program: Program) -> None:
        """
        What jobs of that command do from now on.
        """
        self.aws.account.add("program", command, does=program)

    def submit(self, command: str = "", **given: Any) -> Run:
        """
        A job of that command, which goes its way for a minute.
        """
        run = self.stack.submit([command] if command else None, **given)
        self.later()
        return run.refresh()

    def mend(self, on_event: Listener | None = None, **changes: Any) -> None:
        """
        The stack is ensured, with *changes* of its spec.
        """
        spec = attrs.evolve(self.spec, **changes)
        self.stack = make(self.aws, spec, by=self.aws.another(), on_event=on_event)
        self.later()

    def clear(self) -> None:
        """
        No job is left of those that wait or run.
        """
        for job in [*self.aws.account.all("job")]:
            if job["live"]:
                self.client("batch").terminate_job(jobId=job.id, reason="cleared away")

    def restore(self) -> None:
        """
        The stack is as its spec wants it, and a job has gone well.
        """
        self.clear()
        self.mend()
        assert self.submit().status == "SUCCEEDED"


Break = Callable[[Scene], object]


def rules(found: Any) -> list[str]:
    """
    The rules that made each finding.
    """
    return [one.rule for one in found]


def role(part: str) -> str:
    return f"{NAME}_{part}-{REGION}"


def push(at: Scene, machine: str = "", tag: str = "1") -> None:
    """
    Push an image; with *machine*, an index of images that has one for that.
    """
    ecr = at.raw("ecr")
    held = ecr.describe_repositories()["repositories"]
    if not held:
        ecr.create_repository(repositoryName=REPOSITORY)
    manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": SINGLE, "layers": []}
    if machine:
        platform = {"architecture": machine, "os": "linux"}
        listed = [{"digest": f"sha256:{0:064x}", "size": 1, "platform": platform}]
        manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=tag)


def image_deleted(at: Scene) -> None:
    at.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "1"}])


def nobody(part: str) -> Break:
    """
    The role trusts another service, and has for long.
    """
    return lambda at: at.raw("iam").update_assume_role_policy(
        RoleName=role(part), PolicyDocument=trust("lambda.amazonaws.com")
    )


def role_deleted(part: str) -> Break:
    def delete(at: Scene) -> None:
        iam, name = at.client("iam"), role(part)
        for policy in at.raw("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in at.raw("iam").list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)

    return delete


def rights_detached(at: Scene) -> None:
    iam = at.client("iam")
    held = iam.list_attached_role_policies(RoleName=role("exec"))["AttachedPolicies"][0]
    iam.detach_role_policy(RoleName=role("exec"), PolicyArn=held["PolicyArn"])


def service_rights_detached(at: Scene) -> None:
    iam = at.client("iam")
    held = iam.list_attached_role_policies(RoleName=role("batch"))["AttachedPolicies"][0]
    iam.detach_role_policy(RoleName=role("batch"), PolicyArn=held["PolicyArn"])


def secrets_withdrawn(at: Scene) -> None:
    at.client("iam").delete_role_policy(RoleName=role("exec"), PolicyName="batchkit")


def queue_disabled(at: Scene) -> None:
    at.client("batch").update_job_queue(jobQueue=NAME, state="DISABLED")


def queue_deleted(at: Scene) -> None:
    queue_disabled(at)
    at.later()
    at.client("batch").delete_job_queue(jobQueue=NAME)


def environment_disabled(at: Scene) -> None:
    name = at.id("ComputeEnvironment")
    at.client("batch").update_compute_environment(computeEnvironment=name, state="DISABLED")


def environment_distrusted(at: Scene) -> None:
    """
    Batch notices that it may not assume its role, since it is asked for something.
    """
    nobody("batch")(at)
    name = at.id("ComputeEnvironment")
    at.client("batch").update_compute_environment(
        computeEnvironment=name, computeResources={"maxvCpus": 4}
    )


def environment_lost(at: Scene) -> None:
    """
    AWS lets no environment go that a queue has; but it isn't there.
    """
    name = at.id("ComputeEnvironment").rpartition("/")[2]
    at.raw("batch").delete_compute_environment(computeEnvironment=name)
    at.aws.account.drop("environment", name)


def definition_deregistered(at: Scene) -> None:
    at.client("batch").deregister_job_definition(jobDefinition=at.id("JobDefinition"))


def revisions_deregistered(at: Scene) -> None:
    """
    All of its revisions, also those that were kept from before.
    """
    batch = at.client("batch")
    pages = batch.get_paginator("describe_job_definitions")
    held = pages.paginate(jobDefinitionName=NAME, status="ACTIVE").build_full_result()
    for one in held["jobDefinitions"]:
        batch.deregister_job_definition(jobDefinition=one["jobDefinitionArn"])


def gateway_deleted(at: Scene) -> None:
    at.client("ec2").delete_nat_gateway(NatGatewayId=at.id("NatGateway"))


def subnet_deleted(at: Scene) -> None:
    at.later()
    at.client("ec2").delete_subnet(SubnetId=at.id(f"Subnet {NAME}_private"))


def group_deleted(at: Scene) -> None:
    at.later()
    at.client("ec2").delete_security_group(GroupId=at.id("SecurityGroup"))


def let_out(at: Scene, *rules: dict[str, Any]) -> None:
    """
    The security group lets out what the rules say, and nothing else.
    """
    ec2, group = at.client("ec2"), at.id("SecurityGroup")
    held = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=held["IpPermissionsEgress"])
    if rules:
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[*rules])


def group_deleted_logs(at: Scene) -> None:
    at.raw("logs").delete_log_group(logGroupName=f"/batchkit/{NAME}")
