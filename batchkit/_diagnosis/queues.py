"""
What is asked, each thing once: queues, their compute environments, and how busy they are.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._model.calls import Call, Operation
from batchkit.errors import AwsError
from batchkit.resources.environments import ComputeEnvironment
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
"""In which states they are listed: of an array Batch lists the parent, which is PENDING."""


class Queues:
    """
    A queue with its compute environments, and the others of the region.

    Args:
        queue: The name or ARN of the queue.
    """

    def __init__(self, aws: Aws, queue: str) -> None:
        self.aws = aws
        self.unreadable: list[AwsError] = []
        self._queue = queue
        self._lock = threading.Lock()

    def reader(self, call: Call) -> Any:
        """
        The answer, or None if the caller may not ask; `unseen` then has the error.
        """
        try:
            return self.aws.call(call)
        except AwsError as error:
            self.note_unreadable(error)
            return None

    def note_unreadable(self, error: AwsError) -> None:
        """
        Remembers what could not be looked at.
        """
        with self._lock:
            self.unreadable.append(error)

    def readable(self, operation: Operation) -> bool:
        """
        Whether no answer to *operation* was refused: what it doesn't list isn't there.
        """
        return all(error.operation != str(operation) for error in self.unreadable)

    @cached_property
    def queues(self) -> Sequence[Mapping[str, Any]]:
        """
        All queues of the region.
        """
        answer = self.reader(JobQueue.DESCRIBE())
        return answer["jobQueues"] if answer else ()

    @cached_property
    def queue(self) -> Mapping[str, Any] | None:
        """
        The job's queue, or None.
        """
        keys = ("jobQueueName", "jobQueueArn")
        found: Mapping[str, Any] | None = _first(self.queues, self._queue, *keys)
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
        answer = self.reader(ComputeEnvironment.DESCRIBE())
        return answer["computeEnvironments"] if answer else ()

    @cached_property
    def environments(self) -> list[Mapping[str, Any]]:
        """
        The compute environments of the queue, in their order.
        """
        order = sorted((self.queue or {}).get("computeEnvironmentOrder", ()), key=_order)
        names = [one["computeEnvironment"] for one in order]
        keys = ("computeEnvironmentName", "computeEnvironmentArn")
        found = (_first(self.all_environments, name, *keys) for name in names)
        return [one for one in found if one is not None]

    @property
    def usable(self) -> list[Mapping[str, Any]]:
        """
        Those on which Batch may start jobs.
        """
        bad = ("INVALID", "DELETING", "DELETED")
        return [
            one
            for one in self.environments
            if one["state"] == "ENABLED" and one["status"] not in bad
        ]

    @property
    def hosting_environments(self) -> list[Mapping[str, Any]]:
        """
        Where jobs run, or would if Batch could use it.
        """
        return self.usable or self.environments

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None if it isn't known.
        """
        answer = self.reader(QUOTA(ServiceCode=service, QuotaCode=code))
        return float(answer["Quota"]["Value"]) if answer else None

    @cached_property
    def at_work(self) -> list[Job]:
        """
        The jobs of the region that are starting or running; arrays, if children of theirs may be.
        """
        try:
            arns = [queue["jobQueueArn"] for queue in self.queues]
            listed = [job for arn in arns for job in _jobs.in_states(self.aws, arn, LISTED)]
            return _jobs.describe(self.aws, [job["jobId"] for job in listed])
        except AwsError as error:
            self.note_unreadable(error)
            return []

    @property
    def busy(self) -> float:
        """
        The vCPUs of the queue's jobs that are starting or running.
        """
        arn = (self.queue or {}).get("jobQueueArn")
        return sum(_vcpus(job) for job in self.at_work if job["jobQueue"] == arn)

    def busy_on(self, kind: str) -> float:
        """
        The vCPUs that are at work on FARGATE or FARGATE_SPOT; a job of which that isn't known
        counts.
        """
        return sum(_vcpus(job) for job in self.at_work if self._kind(job) in (kind, None))

    def _kind(self, job: Job) -> str | None:
        """
        The type of the compute environment that a job runs on, which its task's cluster tells.
        """
        cluster = _cluster((job.details.get("container") or {}).get("taskArn"))
        for one in self.all_environments if cluster else ():
            if _cluster(one.get("ecsClusterArn")) == cluster:
                return str(one.get("computeResources", {}).get("type"))
        return None


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
    wanted = (job.details.get("container") or {}).get("resourceRequirements", ())
    each = sum(float(one["value"]) for one in wanted if one["type"] == "VCPU")
    counted = (job.details.get("arrayProperties") or {}).get("statusSummary") or {}
    children = sum(counted.get(state, 0) for state in AT_WORK)
    return each * (children if job.size else job.status in AT_WORK)


def _first(listed: Sequence[Mapping[str, Any]], wanted: str, *keys: str) -> Any:
    return next((one for one in listed if wanted in [one.get(key) for key in keys]), None)


def _order(one: Mapping[str, Any]) -> int:
    return int(one["order"])
