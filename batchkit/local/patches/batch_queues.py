"""
Patches for AWS Batch: job queues.
"""

from __future__ import annotations

import json
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobQueue
from moto.batch.responses import BatchResponse

from batchkit.local.patches.batch_environments import complete
from batchkit.local.patches.batch_errors import ObjectAlreadyExists
from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import announce

PATCHES = Patches()


@PATCHES(
    BatchResponse,
    "createjobqueue",
    reason="CreateJobQueue defaults to ENABLED, turns environment names into ARNs and keeps "
    "jobStateTimeLimitActions, but moto does none of the three",
)
def create_queue(original: Any, self: Any) -> str:
    body = complete(self, state="ENABLED")
    if self.batch_backend.get_job_queue_by_name(body["jobQueueName"]) is not None:
        raise ObjectAlreadyExists
    _replace_names_by_arns(self)
    return _keep_limits(self, original(self))


@PATCHES(
    BatchResponse,
    "updatejobqueue",
    reason="UpdateJobQueue accepts environment names and jobStateTimeLimitActions, but moto "
    "refuses the names and drops the actions",
)
def update_queue(original: Any, self: Any) -> str:
    _replace_names_by_arns(self)
    answer = _keep_limits(self, original(self))
    announce()
    return answer


def _replace_names_by_arns(response: Any) -> None:
    body = json.loads(response.body)
    for item in body.get("computeEnvironmentOrder", ()):
        environment = response.batch_backend.get_compute_environment(item["computeEnvironment"])
        if environment is None:
            raise ClientException(f"{item['computeEnvironment']} does not exist")
        item["computeEnvironment"] = environment.arn
    response.body = json.dumps(body)


def _keep_limits(response: Any, answer: str) -> str:
    limits = json.loads(response.body).get("jobStateTimeLimitActions")
    if limits is not None:
        queue = response.batch_backend.get_job_queue(json.loads(answer)["jobQueueArn"])
        queue.limits = limits
    return answer


@PATCHES(
    JobQueue,
    "describe",
    reason="DescribeJobQueues returns jobQueueType, jobStateTimeLimitActions and the status "
    "reason 'JobQueue Healthy', but moto returns none of them",
)
def describe_queue(original: Any, self: Any) -> dict[str, Any]:
    types = [(one.compute_resources or {}).get("type", "") for one in self.environments]
    fargate = all("FARGATE" in each for each in types)
    return {
        **original(self),
        "statusReason": "JobQueue Healthy",
        "jobQueueType": "ECS_FARGATE" if fargate else "ECS",
        "jobStateTimeLimitActions": getattr(self, "limits", []),
    }


@PATCHES(
    BatchBackend,
    "delete_job_queue",
    reason="DeleteJobQueue refuses an ENABLED queue, ends the queue's jobs and removes its "
    "tags, but moto does none of the three",
)
def delete_queue(original: Any, self: Any, name: str) -> None:
    queue = self.get_job_queue(name)
    if queue is None:
        return
    if queue.state == "ENABLED":
        raise ClientException("Cannot delete, job queue must be DISABLED first")
    original(self, name)
    self.tagger.delete_all_tags_for_resource(queue.arn)
    for job in queue.jobs:
        job.terminate("Job queue was deleted")
