"""
AWS Batch's compute environments: where jobs run.

What AWS refuses or fills in by itself:
https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Operation, Steps
from batchkit._model.checks import as_set, checked, each, one_of, optional, whole
from batchkit._model.resource import Reader, create_only, read_only
from batchkit._model.values import Arn, Ref
from batchkit.resources.batch import (
    DUPLICATE,
    LIST_JOBS,
    MISSING,
    MODIFIED,
    PASS_ROLE,
    RELATED,
    ROLE,
    UNLINKED,
    BatchResource,
)
from batchkit.resources.ec2 import ID
from batchkit.resources.iam import Role, aws_managed, path_of
from batchkit.resources.queues import JobQueue


def batch_role(**fields: Any) -> Role:
    """
    A role for Batch, with the policy that AWS has for it.
    """
    policy = aws_managed("service-role/AWSBatchServiceRole")
    return Role(service="batch.amazonaws.com", managed=[policy], grants=None, **fields)


@frozen(kw_only=True)
class ComputeEnvironment(BatchResource):
    """
    Where jobs run: Fargate in these subnets, with at most so many vCPUs at once.

    Args:
        type: FARGATE or FARGATE_SPOT; AWS can't change it.
        service_role: None for Batch's service-linked role.  AWS can't change one sort to the other.
    """

    DESCRIBE: ClassVar = Operation("batch", "DescribeComputeEnvironments", wide=True)
    CREATE: ClassVar = Operation(
        "batch",
        "CreateComputeEnvironment",
        ("batch:TagResource", "iam:PassRole", "iam:CreateServiceLinkedRole"),
        exists=(DUPLICATE,),
        not_yet=(MODIFIED, UNLINKED, PASS_ROLE),
    )
    UPDATE: ClassVar = Operation(
        "batch", "UpdateComputeEnvironment", ("iam:PassRole",), not_yet=(MODIFIED, PASS_ROLE)
    )
    DISABLE: ClassVar = Operation(
        "batch", "UpdateComputeEnvironment", absent=(MISSING,), not_yet=(MODIFIED,)
    )
    DELETE: ClassVar = Operation(
        "batch", "DeleteComputeEnvironment", absent=(MISSING,), not_yet=(MODIFIED, RELATED)
    )
    JOBS: ClassVar = LIST_JOBS
    LISTED: ClassVar = "computeEnvironments"
    NAMED: ClassVar = "computeEnvironmentName"
    PARAMETER: ClassVar = "computeEnvironment"
    NAME_HAS_HASH: ClassVar = True

    type: str = create_only(one_of("FARGATE", "FARGATE_SPOT"), default="FARGATE")
    max_vcpus: int = checked(whole(1, 100_000), default=4)
    subnets: Sequence[str | Ref] = checked(each(ID, least=1, most=16), converter=as_set)
    security_groups: Sequence[str | Ref] = checked(each(ID, least=1, most=5), converter=as_set)
    service_role: str | Arn | Ref | None = checked(optional(ROLE), default=None)
    arn: str = read_only("computeEnvironmentArn")
    orphaned: bool = read_only()

    def targets(self) -> tuple[str | Arn, ...]:
        return (Arn("batch", f"compute-environment/{self.stack}-*"),)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], stack: str = "") -> ComputeEnvironment:
        resources = answer.get("computeResources", {})
        role = answer.get("serviceRole") or None
        return cls(
            **cls.common(answer, stack),
            type=resources.get("type", ""),
            max_vcpus=resources.get("maxvCpus", 0),
            subnets=resources.get("subnets", ()),
            security_groups=resources.get("securityGroupIds", ()),
            service_role=None if role and "/aws-service-role/" in role else role,
            arn=answer["computeEnvironmentArn"],
        )

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[ComputeEnvironment]:
        roles, _ = reader.all(Role.LIST(PathPrefix=path_of(stack)), cls.DESCRIBE())
        there = {role["Arn"] for role in roles["Roles"]}
        for actual in super().find(stack, reader):
            own = f":role{path_of(stack)}" in str(actual.service_role)
            yield evolve(actual, orphaned=own and actual.service_role not in there)

    def active_users(self, reader: Reader) -> list[str]:
        # Which environment a job runs on isn't told, so those of all the stack's queues count.  Of
        # an array whose children run, Batch lists the parent, which is PENDING.
        states = ("STARTING", "RUNNING", "PENDING")
        queues = [queue.arn for queue in JobQueue.find(self.stack, reader)]
        calls = [self.JOBS(jobQueue=arn, jobStatus=state) for arn in queues for state in states]
        jobs = [job for call in calls for job in reader(call)["jobSummaryList"]]
        at_work = [job for job in jobs if job["status"] != "PENDING" or "arrayProperties" in job]
        return [f"job {job['jobName']} ({job['jobId']})" for job in at_work]

    def create(self) -> Steps:
        role = {"serviceRole": self.service_role} if self.service_role else {}
        yield self.CREATE(
            computeEnvironmentName=self.name,
            type="MANAGED",
            state="ENABLED",  # AWS takes no other at creation
            computeResources={
                "type": self.type,
                "maxvCpus": self.max_vcpus,
                "subnets": list(self.subnets),
                "securityGroupIds": list(self.security_groups),
            },
            tags=self.all_tags,
            **role,
        )
        yield WAIT_STABLE
        if not self.enabled:
            yield self._change(state="DISABLED")
            yield WAIT_STABLE

    def update(self, actual: ComputeEnvironment, drift: Collection[str]) -> Steps:
        changed: dict[str, Any] = {}
        if "enabled" in drift or "state" in drift:
            changed["state"] = self.switch
        if "service_role" in drift:
            changed["serviceRole"] = self.service_role
        resources: dict[str, Any] = {}
        if "subnets" in drift:
            resources["subnets"] = list(self.subnets)
        if "security_groups" in drift:
            resources["securityGroupIds"] = list(self.security_groups)
        if changed or resources or "max_vcpus" in drift:
            yield self._change(resources, **changed)
            yield WAIT_STABLE
        yield from self.tag(actual, drift)

    def recover(self, actual: ComputeEnvironment) -> Steps | None:
        # A role made moments ago can't be assumed yet; any update makes Batch try again.
        passing = ("not authorized to perform", "service linked role", "unable to assume")
        if any(fragment in actual.reason.lower() for fragment in passing):
            return iter((self._change(state=self.switch),))
        return None

    def before_delete(self) -> Steps:
        # Batch needs the role until the end: if it is gone, it is made again for so long.
        if self.orphaned is True:
            yield from self._lost_role().create()
        yield from super().before_delete()

    def delete(self) -> Steps:
        yield self.DELETE(computeEnvironment=self.name)
        yield WAIT_DELETED
        if self.orphaned is True:
            yield from self._lost_role().delete()

    def retry_delete(self, actual: ComputeEnvironment) -> Steps | None:
        # The role may have been too young.
        return iter((self.DELETE(computeEnvironment=self.name),)) if self.orphaned is True else None

    def _lost_role(self) -> Role:
        name = str(self.service_role).rpartition("/")[2]
        return batch_role(name=name, stack=self.stack)

    def _change(self, resources: Mapping[str, Any] | None = None, **changed: Any) -> Any:
        # AWS wants at least one compute resource in the update of a managed environment.
        wanted = {"maxvCpus": self.max_vcpus, **(resources or {})}
        return self.UPDATE(computeEnvironment=self.name, computeResources=wanted, **changed)
