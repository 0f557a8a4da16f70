"""
Queues, their compute environments, and how busy they are; each is read once, when needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from batchkit._diagnosis.reader import FactsReader
from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._model import tags as _tags
from batchkit._model.calls import Operation
from batchkit.errors import AwsError
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.platforms import container_of
from batchkit.resources.queues import JobQueue

QUOTA: Final = Operation(
    "service-quotas",
    "GetServiceQuota",
    permission="servicequotas:GetServiceQuota",
    wide=True,
    absent=("NoSuchResourceException",),
)
AT_WORK: Final = ("STARTING", "RUNNING")
LISTED: Final = (*AT_WORK, "PENDING")
"""
In which states they are listed: of an array Batch lists the parent, which is PENDING until all of
its children have ended (https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html).
"""


class Queues:
    """
    A queue with its compute environments, and the others of the region.

    Args:
        queue: The name or ARN of the queue.
    """

    def __init__(self, reader: FactsReader, queue: str) -> None:
        self._reader = reader
        self._queue = queue

    @cached_property
    def all_queues(self) -> Sequence[Mapping[str, Any]]:
        """
        All queues of the region.
        """
        answer = self._reader.read(JobQueue.DESCRIBE())
        return answer["jobQueues"] if answer else ()

    @cached_property
    def queue(self) -> Mapping[str, Any] | None:
        """
        The queue as Batch describes it; None if it isn't listed.
        """
        return _first(self.all_queues, self._queue, "jobQueueName", "jobQueueArn")

    @property
    def lanes(self) -> list[str]:
        """
        The ARNs of the queue and of the stack's older ones, which run dry.
        """
        if self.queue is None:
            return []
        stack = _owner(self.queue)
        older = [one for one in self.all_queues if stack and _owner(one) == stack]
        return list(dict.fromkeys(one["jobQueueArn"] for one in (self.queue, *older)))

    @property
    def queue_name(self) -> str:
        """
        The queue's name, also if there is no such queue.
        """
        return self._queue.rpartition("/")[2]

    @property
    def queue_is_missing(self) -> bool:
        """
        Whether there is no such queue; False if that could not be read.
        """
        if self.queue is not None:
            return False
        return bool(self.all_queues) or not self._reader.refused

    @cached_property
    def all_environments(self) -> Sequence[Mapping[str, Any]]:
        """
        All compute environments of the region.
        """
        answer = self._reader.read(ComputeEnvironment.DESCRIBE())
        return answer["computeEnvironments"] if answer else ()

    @cached_property
    def environments(self) -> list[Mapping[str, Any]]:
        """
        The compute environments of the queue that exist, in the order in which Batch tries them.
        """
        # Batch gives ARNs here even if the queue was made with names; emulators give the names.
        order = (self.queue or {}).get("computeEnvironmentOrder", ())
        found = []
        for entry in sorted(order, key=lambda entry: int(entry["order"])):
            environment = _first(
                self.all_environments,
                entry["computeEnvironment"],
                "computeEnvironmentName",
                "computeEnvironmentArn",
            )
            if environment is not None:
                found.append(environment)
        return found

    @property
    def usable(self) -> list[Mapping[str, Any]]:
        """
        The compute environments on which Batch may start jobs.
        """
        return [environment for environment in self.environments if _usable(environment)]

    @property
    def hosting_environments(self) -> list[Mapping[str, Any]]:
        """
        Those on which Batch may start jobs; if there is none, all compute environments.
        """
        return self.usable or self.environments

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None if it isn't known.
        """
        answer = self._reader.read(QUOTA(ServiceCode=service, QuotaCode=code))
        return float(answer["Quota"]["Value"]) if answer else None

    @cached_property
    def at_work(self) -> list[Job]:
        """
        The jobs of the region that are starting or running; arrays, if children of theirs may be.
        """
        try:
            return _jobs.describe(self._reader.aws, list(self._ids_at_work()))
        except AwsError as error:
            self._reader.note(error)
            return []

    def _ids_at_work(self) -> Iterator[str]:
        # ListJobs takes one queue, and its summaries don't have the size of a job.
        for queue in self.all_queues:
            for summary in _jobs.in_states(self._reader.aws, queue["jobQueueArn"], LISTED):
                yield summary["jobId"]

    @property
    def busy(self) -> float:
        """
        The vCPUs of the queue's jobs that are starting or running.
        """
        arn = (self.queue or {}).get("jobQueueArn")
        return sum(_vcpus(job) for job in self.at_work if job.queue == arn)

    def busy_on(self, family: str) -> float:
        """
        The vCPUs that are at work on FARGATE or FARGATE_SPOT; a job whose compute environment isn't
        known counts for both.
        """
        return sum(_vcpus(job) for job in self.at_work if self._family(job) in (family, None))

    def _family(self, job: Job) -> str | None:
        """
        The type of the compute environment that a job runs on; None if that isn't known.
        """
        # DescribeJobs doesn't name the compute environment.  Each has an ECS cluster of its own,
        # which the ARN of a started job's task names.
        cluster = _cluster(container_of(job.details).get("taskArn"))
        if not cluster:
            return None
        for environment in self.all_environments:
            if _cluster(environment.get("ecsClusterArn")) == cluster:
                return str(environment.get("computeResources", {}).get("type"))
        return None


def _owner(described: Mapping[str, Any]) -> str:
    return _tags.owner(_tags.parse(described.get("tags")))


def _usable(environment: Mapping[str, Any]) -> bool:
    bad = ("INVALID", "DELETING", "DELETED")
    return environment["state"] == "ENABLED" and environment["status"] not in bad


def _cluster(arn: str | None) -> str:
    """
    The name of a cluster, in its ARN or a task's.
    """
    parts = (arn or "").split("/")
    return parts[1] if len(parts) > 1 else ""


def _vcpus(job: Job) -> float:
    """
    The vCPUs that a job, or the children of an array, have at work.
    """
    wanted = container_of(job.details).get("resourceRequirements", ())
    each = sum(float(one["value"]) for one in wanted if one["type"] == "VCPU")
    if not job.size:
        return each if job.status in AT_WORK else 0.0
    counted = (job.details.get("arrayProperties") or {}).get("statusSummary") or {}
    at_work = sum(int(counted.get(state, 0)) for state in AT_WORK)
    return each * at_work


def _first(
    described: Sequence[Mapping[str, Any]], wanted: str, *keys: str
) -> Mapping[str, Any] | None:
    """
    The first item that has the value *wanted* under one of *keys*.
    """
    for item in described:
        if any(item.get(key) == wanted for key in keys):
            return item
    return None
