"""
The facts that rules look at: a job and everything around it, each asked for once, when needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar

import attrs

from batchkit._aws import Aws
from batchkit._calls import Call, Operation
from batchkit._diagnose.roles import HeldRole, read_role
from batchkit._runs import jobs as _jobs, logs as _logs
from batchkit._runs.jobs import Job
from batchkit._runs.origins import State
from batchkit._show.wiring import Wiring
from batchkit.errors import AwsError
from batchkit.resources.batch import JobQueue
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.image import Image
from batchkit.resources.logs import LogGroup

T = TypeVar("T")
QUOTA: Final = Operation(
    "service-quotas",
    "GetServiceQuota",
    permission="servicequotas:GetServiceQuota",
    wide=True,
    absent=("NoSuchResourceException",),
)
MANIFEST: Final = Operation(
    "ecr", "BatchGetImage", absent=("RepositoryNotFoundException", "ImageNotFoundException")
)
FARGATE_VCPUS: Final = {"FARGATE": "L-3032A538", "FARGATE_SPOT": "L-36FBB829"}
"""The quotas of vCPUs that run at once, on demand and on Spot."""


class Facts:
    """
    What is known of a job, or of the jobs that a queue would run.

    Args:
        job: The job in question, if there is one.
        state: How far its run is.
        queue: The name or ARN of its queue.
        definition: The name or ARN of its job definition.
    """

    def __init__(
        self,
        aws: Aws,
        queue: str,
        definition: str,
        job: Job | None = None,
        state: State | None = None,
    ) -> None:
        self.aws = aws
        self.job = job
        self.state = state or State("")
        self.unseen: list[AwsError] = []
        self._queue = queue
        self._definition = definition
        self._lock = threading.Lock()

    def ask(self, call: Call) -> Any:
        """
        The answer, or None if the caller may not ask; `unseen` then has the error.
        """
        try:
            return self.aws.call(call)
        except AwsError as error:
            with self._lock:
                self.unseen.append(error)
            return None

    @cached_property
    def queues(self) -> Sequence[Mapping[str, Any]]:
        """
        All queues of the region.
        """
        answer = self.ask(JobQueue.DESCRIBE())
        return answer["jobQueues"] if answer else ()

    @cached_property
    def queue(self) -> Mapping[str, Any] | None:
        """
        The job's queue, or None.
        """
        found: Mapping[str, Any] | None = _first(
            self.queues, self._queue, "jobQueueName", "jobQueueArn"
        )
        return found

    @property
    def queue_name(self) -> str:
        """
        The queue's name, also if there is no such queue.
        """
        return self._queue.rpartition("/")[2]

    @cached_property
    def all_environments(self) -> Sequence[Mapping[str, Any]]:
        """
        All compute environments of the region.
        """
        answer = self.ask(ComputeEnvironment.DESCRIBE())
        return answer["computeEnvironments"] if answer else ()

    @cached_property
    def environments(self) -> list[Mapping[str, Any]]:
        """
        The compute environments of the queue, in their order.
        """
        order = sorted((self.queue or {}).get("computeEnvironmentOrder", ()), key=_order)
        names = [one["computeEnvironment"] for one in order]
        found = (
            _first(self.all_environments, name, "computeEnvironmentName", "computeEnvironmentArn")
            for name in names
        )
        return [one for one in found if one is not None]

    @cached_property
    def definition(self) -> Mapping[str, Any] | None:
        """
        The job definition that the job uses, or the newest active one.
        """
        name = self._definition.rpartition("/")[2].partition(":")[0]
        answer = self.ask(JobDefinition.DESCRIBE(jobDefinitionName=name))
        listed = sorted((answer or {}).get("jobDefinitions", ()), key=lambda d: -d["revision"])
        exact = [one for one in listed if one["jobDefinitionArn"] == self._definition]
        active = [one for one in listed if one.get("status") == "ACTIVE"]
        return next(iter([*exact, *active]), None)

    @property
    def container(self) -> Mapping[str, Any]:
        """
        The container of the job, or what its definition says of it.
        """
        defined = (self.definition or {}).get("containerProperties") or {}
        return {**defined, **((self.job.details.get("container") if self.job else None) or {})}

    def required(self, what: str) -> float:
        """
        How much of VCPU or MEMORY the job wants.
        """
        wanted = self.container.get("resourceRequirements", ())
        return next((float(one["value"]) for one in wanted if one["type"] == what), 0.0)

    @property
    def reason(self) -> str:
        """
        Everything that AWS gives as a reason.
        """
        job = self.job
        attempts = [attempt.reason for attempt in job.attempts] if job else []
        return "\n".join(filter(None, [job.reason if job else "", *attempts, self.state.reason]))

    @property
    def what(self) -> str:
        """
        The job, in words.
        """
        return f"job {self.job.name} ({self.job.id})" if self.job else f"jobs of {self.queue_name}"

    @cached_property
    def lines(self) -> list[str]:
        """
        The last lines of the job.
        """
        try:
            return [*_logs.tail(self.aws, self.job)] if self.job else []
        except AwsError as error:
            self.unseen.append(error)
            return []

    @cached_property
    def log_group(self) -> tuple[str, bool]:
        """
        The log group that the container writes to, and whether it is there or is made by need.
        """
        configuration = self.container.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        group = options.get("awslogs-group", _jobs.OWN_GROUP)
        made = group == _jobs.OWN_GROUP or options.get("awslogs-create-group") == "true"
        if made or configuration.get("logDriver", "awslogs") != "awslogs":
            return group, True
        answer = self.ask(LogGroup.DESCRIBE(logGroupNamePrefix=group))
        listed = (answer or {"logGroups": [{"logGroupName": group}]})["logGroups"]
        return group, any(one["logGroupName"] == group for one in listed)

    @cached_property
    def wiring(self) -> Wiring:
        """
        The network of the compute environments.
        """
        return Wiring(self.ask, [one.get("computeResources", {}) for one in self.environments])

    def role(self, name: str) -> HeldRole | None:
        """
        The container's role *name*, such as `executionRoleArn`, as IAM holds it; None if unknown.
        """
        arn = self.container.get(name)
        return self.roles(arn) if arn else None

    @cached_property
    def roles(self) -> Callable[[str], HeldRole]:
        """
        Reads a role, once.
        """
        return _once(self._role)

    def _role(self, arn: str) -> HeldRole:
        before = len(self.unseen)
        role = read_role(self.ask, arn)
        return attrs.evolve(role, known=len(self.unseen) == before)

    @cached_property
    def image(self) -> Mapping[str, Any] | None:
        """
        What ECR says of the image: empty if it isn't there, None if it isn't in this account's ECR.
        """
        parsed = parse_image(self.container.get("image", ""))
        if parsed is None:
            return None
        call = Image.DESCRIBE(repositoryName=parsed["repositoryName"], imageIds=[parsed["id"]])
        before = len(self.unseen)
        answer = self.ask(call)
        if len(self.unseen) > before:
            return None
        return dict(answer["imageDetails"][0]) if answer and answer["imageDetails"] else {}

    @cached_property
    def manifest(self) -> str:
        """
        The manifest of the image in ECR, if there is one.
        """
        parsed = parse_image(self.container.get("image", ""))
        if parsed is None or not self.image:
            return ""
        call = MANIFEST(repositoryName=parsed["repositoryName"], imageIds=[parsed["id"]])
        images = (self.ask(call) or {}).get("images") or [{}]
        return str(images[0].get("imageManifest") or "")

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None if it isn't known.
        """
        answer = self.ask(QUOTA(ServiceCode=service, QuotaCode=code))
        return float(answer["Quota"]["Value"]) if answer else None

    @cached_property
    def busy(self) -> dict[str, float]:
        """
        The vCPUs of the jobs that are starting or running, by queue.
        """
        return {queue["jobQueueArn"]: self._busy(queue["jobQueueArn"]) for queue in self.queues}

    def _busy(self, queue: str) -> float:
        listed = _jobs.in_states(self.aws, queue, ("STARTING", "RUNNING"))
        jobs = _jobs.describe(self.aws, [job["jobId"] for job in listed])
        return sum(_vcpus(job) for job in jobs)


def _vcpus(job: Job) -> float:
    wanted = (job.details.get("container") or {}).get("resourceRequirements", ())
    return sum(float(one["value"]) for one in wanted if one["type"] == "VCPU")


def _first(listed: Sequence[Mapping[str, Any]], wanted: str, *keys: str) -> Any:
    return next((one for one in listed if wanted in [one.get(key) for key in keys]), None)


def _order(one: Mapping[str, Any]) -> int:
    return int(one["order"])


def _once(read: Callable[[str], T]) -> Callable[[str], T]:
    known: dict[str, T] = {}

    def get(key: str) -> T:
        if key not in known:
            known[key] = read(key)
        return known[key]

    return get


def parse_image(uri: str) -> dict[str, Any] | None:
    """
    The repository and id of an image that is in ECR; None for other registries.
    """
    registry, _, rest = uri.partition("/")
    if ".dkr.ecr." not in registry or not rest:
        return None
    name, _, digest = rest.partition("@")
    repository, _, tag = name.partition(":")
    id = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    return {"repositoryName": repository, "id": id, "account": registry.split(".")[0]}
