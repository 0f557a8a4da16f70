"""
AWS Batch: compute environments, job queues and job definitions.

What AWS refuses or fills in by itself:
https://docs.aws.amazon.com/batch/latest/userguide/fargate.html and
https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from attrs import evolve, frozen

from batchkit._calls import GONE, SETTLE, Arn, NotYet, Operation, Ref, Steps
from batchkit._checks import a_bool, as_set, as_tuple, checked, each, one_of, optional, text, whole
from batchkit._ensure import ensurer
from batchkit._resource import Ask, Resource, fixed, held_tags, output
from batchkit.resources._ec2 import ID
from batchkit.resources.iam import Role, aws_managed, path_of

B = TypeVar("B", bound="BatchResource")

NAME = text(
    r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}",
    "1-128 letters, digits, _ or -, starting with a letter or digit",
)
ROLE = text(r"arn:.+:role/.+", "a role's ARN")
MODIFIED: Final = NotYet("ClientException", 600, "being modified")
RELATED: Final = NotYet("ClientException", 300, "relationship")
PASS_ROLE: Final = NotYet("AccessDeniedException", 30, "iam:passrole")
UNLINKED: Final = NotYet("ClientException", 300, "service linked role")
NOT_VALID: Final = NotYet("ClientException", 300, "valid before attaching")
DUPLICATE: Final = "ClientException: already exists"
MISSING: Final = "ClientException: does not exist"
STUCK_REASONS: Final = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
"""Why Batch may cancel a job that is stuck in RUNNABLE; no other texts are taken."""


@frozen(kw_only=True)
class BatchResource(Resource):
    """
    What Batch knows by name, with one status for all.
    """

    DESCRIBE: ClassVar[Operation]
    LISTED: ClassVar[str]
    NAMED: ClassVar[str]
    PARAMETER: ClassVar[str]
    DISABLE: ClassVar[Operation]
    TAG: ClassVar = Operation("batch", "TagResource")
    READY: ClassVar = ("VALID",)
    BROKEN: ClassVar = ("INVALID",)
    GOING: ClassVar = ("DELETING", "DELETED")
    SECONDS: ClassVar = 1200

    name: str = checked(NAME)
    enabled: bool = checked(a_bool(), default=True)
    arn: str = output()

    @classmethod
    def find(cls: type[B], stack: str, ask: Ask) -> Iterable[B]:
        found = (cls.parse(one) for one in cls._listed(ask))
        return [held for held in found if held.owner == stack]

    def read(self: B, ask: Ask) -> B | None:
        for one in self._listed(ask):
            if one[self.NAMED] == self.name and one["status"] != "DELETED":
                return self.parse(one, self.stack)
        return None

    @classmethod
    def _listed(cls, ask: Ask) -> list[Mapping[str, Any]]:
        # All at once: there are at most 50 of a kind in a region, and the answer serves every look.
        return list(ask(cls.DESCRIBE())[cls.LISTED])

    @classmethod
    def parse(cls: type[B], answer: Mapping[str, Any], stack: str = "") -> B:
        """
        What one item of the answer to DESCRIBE says.
        """
        raise NotImplementedError

    @classmethod
    def common(cls, answer: Mapping[str, Any], stack: str) -> dict[str, Any]:
        """
        The fields that compute environments and queues share.
        """
        return {
            **held_tags(answer.get("tags"), name=answer[cls.NAMED], stack=stack),
            "enabled": answer["state"] == "ENABLED",
            "state": answer["status"],
            "reason": answer.get("statusReason", ""),
        }

    @property
    def switch(self) -> str:
        """
        Batch's word for *enabled*.
        """
        return "ENABLED" if self.enabled else "DISABLED"

    def retire(self) -> Steps:
        if self.enabled:
            yield self.DISABLE(**{self.PARAMETER: self.name}, state="DISABLED")
            yield SETTLE

    def tag(self, held: Resource, drift: Collection[str]) -> Steps:
        """
        The call that puts the tags back, if they differ.
        """
        if "tags" in drift:
            yield self.TAG(resourceArn=held.identity, tags=self.all_tags)


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
    LISTED: ClassVar = "computeEnvironments"
    NAMED: ClassVar = "computeEnvironmentName"
    PARAMETER: ClassVar = "computeEnvironment"
    RENAMES: ClassVar = True

    type: str = fixed(one_of("FARGATE", "FARGATE_SPOT"), default="FARGATE")
    max_vcpus: int = checked(whole(1, 100_000), default=4)
    subnets: Sequence[str | Ref] = checked(each(ID, least=1, most=16), converter=as_set)
    security_groups: Sequence[str | Ref] = checked(each(ID, least=1, most=5), converter=as_set)
    service_role: str | Arn | Ref | None = checked(optional(ROLE), default=None)
    arn: str = output("computeEnvironmentArn")
    orphaned: bool = output()

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
    def find(cls, stack: str, ask: Ask) -> Iterable[ComputeEnvironment]:
        there = {role["Arn"] for role in ask(Role.LIST(PathPrefix=path_of(stack)))["Roles"]}
        for held in super().find(stack, ask):
            own = f":role{path_of(stack)}" in str(held.service_role)
            yield evolve(held, orphaned=own and held.service_role not in there)

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
        yield SETTLE
        if not self.enabled:
            yield self._change(state="DISABLED")
            yield SETTLE

    def update(self, held: ComputeEnvironment, drift: Collection[str]) -> Steps:
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
            yield SETTLE
        yield from self.tag(held, drift)

    def repair(self, held: ComputeEnvironment) -> Steps | None:
        # A role made moments ago can't be assumed yet; any update makes Batch try again.
        passing = ("not authorized to perform", "service linked role", "unable to assume")
        if any(fragment in held.reason.lower() for fragment in passing):
            return iter((self._change(state=self.switch),))
        return None

    def retire(self) -> Steps:
        # Batch needs the role until the end: if it is gone, it is made again for so long.
        if self.orphaned is True:
            yield from self._lost_role().create()
        yield from super().retire()

    def delete(self) -> Steps:
        yield from self.retire()
        yield self.DELETE(computeEnvironment=self.name)
        yield GONE
        if self.orphaned is True:
            yield from self._lost_role().delete()

    def redo(self, held: ComputeEnvironment) -> Steps | None:
        # The role may have been too young.
        return iter((self.DELETE(computeEnvironment=self.name),)) if self.orphaned is True else None

    def _lost_role(self) -> Role:
        name = str(self.service_role).rpartition("/")[2]
        return batch_role(name=name, stack=self.stack)

    def _change(self, resources: Mapping[str, Any] | None = None, **changed: Any) -> Any:
        # AWS wants at least one compute resource in the update of a managed environment.
        wanted = {"maxvCpus": self.max_vcpus, **(resources or {})}
        return self.UPDATE(computeEnvironment=self.name, computeResources=wanted, **changed)


ensure_compute_environment = ensurer(ComputeEnvironment)


@frozen(kw_only=True)
class JobQueue(BatchResource):
    """
    Where jobs wait for one of the compute environments, which are tried in order.

    Args:
        runnable_limit: Seconds after which Batch cancels a job that can't be run; None for never.
    """

    DESCRIBE: ClassVar = Operation("batch", "DescribeJobQueues", wide=True)
    CREATE: ClassVar = Operation(
        "batch",
        "CreateJobQueue",
        ("batch:TagResource",),
        exists=(DUPLICATE,),
        not_yet=(MODIFIED, NOT_VALID),
    )
    UPDATE: ClassVar = Operation("batch", "UpdateJobQueue", not_yet=(MODIFIED, NOT_VALID))
    DISABLE: ClassVar = Operation("batch", "UpdateJobQueue", absent=(MISSING,), not_yet=(MODIFIED,))
    DELETE: ClassVar = Operation("batch", "DeleteJobQueue", absent=(MISSING,), not_yet=(MODIFIED,))
    LISTED: ClassVar = "jobQueues"
    NAMED: ClassVar = "jobQueueName"
    PARAMETER: ClassVar = "jobQueue"

    compute_environments: Sequence[str | Ref] = checked(
        each(text(r"\S+", "a compute environment's ARN"), least=1, most=3), converter=as_tuple
    )
    priority: int = checked(whole(0, 1000), default=1)
    runnable_limit: int | None = checked(optional(whole(600, 86400, "seconds")), default=None)
    arn: str = output("jobQueueArn")

    def targets(self) -> tuple[str | Arn, ...]:
        environments = Arn("batch", f"compute-environment/{self.stack}-*")
        return (Arn("batch", f"job-queue/{self.name}"), environments)

    @classmethod
    def parse(cls, answer: Mapping[str, Any], stack: str = "") -> JobQueue:
        order = sorted(answer["computeEnvironmentOrder"], key=lambda one: one["order"])
        return cls(
            **cls.common(answer, stack),
            compute_environments=[one["computeEnvironment"] for one in order],
            priority=answer["priority"],
            runnable_limit=_limit(answer.get("jobStateTimeLimitActions", ())),
            arn=answer["jobQueueArn"],
        )

    def create(self) -> Steps:
        limits = {"jobStateTimeLimitActions": self._limits()} if self.runnable_limit else {}
        yield self.CREATE(
            jobQueueName=self.name,
            state=self.switch,
            priority=self.priority,
            computeEnvironmentOrder=self._order(),
            tags=self.all_tags,
            **limits,
        )
        yield SETTLE

    def update(self, held: JobQueue, drift: Collection[str]) -> Steps:
        wanted = {
            "enabled": ("state", self.switch),
            "state": ("state", self.switch),
            "priority": ("priority", self.priority),
            "compute_environments": ("computeEnvironmentOrder", self._order()),
            "runnable_limit": ("jobStateTimeLimitActions", self._limits()),
        }
        changed = dict(wanted[name] for name in drift if name in wanted)
        if changed:
            yield self.UPDATE(jobQueue=self.name, **changed)
            yield SETTLE
        yield from self.tag(held, drift)

    def delete(self) -> Steps:
        yield from self.retire()
        # This also ends the jobs that are left, about 16 a second.
        yield self.DELETE(jobQueue=self.name)
        yield GONE

    def _order(self) -> list[dict[str, Any]]:
        return [
            {"order": number, "computeEnvironment": environment}
            for number, environment in enumerate(self.compute_environments, 1)
        ]

    def _limits(self) -> list[dict[str, Any]]:
        if self.runnable_limit is None:
            return []
        limit = {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": self.runnable_limit}
        return [{**limit, "reason": reason} for reason in STUCK_REASONS]


ensure_job_queue = ensurer(JobQueue)


def _limit(actions: Iterable[Mapping[str, Any]]) -> int | None:
    """
    The limit that holds for every reason; 0 if the reasons differ in it.
    """
    limits = {one["reason"]: one["maxTimeSeconds"] for one in actions}
    if not limits:
        return None
    same = set(limits) == set(STUCK_REASONS) and len(set(limits.values())) == 1
    return next(iter(limits.values())) if same else 0
