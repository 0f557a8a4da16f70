"""
AWS Batch: what its resources have in common, and job queues.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from attrs import frozen

from batchkit._calls import GONE, SETTLE, NotYet, Operation, Steps
from batchkit._checks import a_bool, as_tuple, checked, each, optional, text, whole
from batchkit._ensure import ensurer
from batchkit._fields import held_tags
from batchkit._resource import Ask, Resource, output
from batchkit._values import Arn, Ref

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
LIST_JOBS: Final = Operation("batch", "ListJobs", wide=True)
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
    tells_limit: bool = output()

    @property
    def named(self) -> Arn:
        """
        Its ARN as its name gives it, for what needn't wait until it is there.
        """
        return Arn("batch", f"job-queue/{self.name}")

    def targets(self) -> tuple[str | Arn, ...]:
        return (self.named, Arn("batch", f"compute-environment/{self.stack}-*"))

    @classmethod
    def parse(cls, answer: Mapping[str, Any], stack: str = "") -> JobQueue:
        order = sorted(answer["computeEnvironmentOrder"], key=lambda one: one["order"])
        return cls(
            **cls.common(answer, stack),
            compute_environments=[one["computeEnvironment"] for one in order],
            priority=answer["priority"],
            runnable_limit=_limit(answer.get("jobStateTimeLimitActions", ())),
            tells_limit="jobStateTimeLimitActions" in answer,
            arn=answer["jobQueueArn"],
        )

    def differs(self, name: str, held: Any) -> bool:
        # AWS tells an empty list where there is no limit; some emulators drop limits and tell none.
        untold = name == "runnable_limit" and held.tells_limit is False
        return not untold and super().differs(name, held)

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
