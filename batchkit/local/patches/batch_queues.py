"""
Job queues as AWS Batch keeps them.
"""

from __future__ import annotations

import json
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobQueue
from moto.batch.responses import BatchResponse

from batchkit.local.patches.batch_environments import complete
from batchkit.local.patches.batch_errors import ConflictError
from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import announce

PATCHES = Patches()


@PATCHES(
    BatchResponse,
    "createjobqueue",
    reason="moto wants a state, keeps names of environments, drops jobStateTimeLimitActions",
)
def create_queue(original: Any, self: Any) -> str:
    body = complete(self, state="ENABLED")
    if self.batch_backend.get_job_queue_by_name(body["jobQueueName"]) is not None:
        raise ConflictError
    _name_by_arn(self)
    return _keep_limits(self, original(self))


@PATCHES(
    BatchResponse,
    "updatejobqueue",
    reason="moto refuses names of environments, and drops jobStateTimeLimitActions",
)
def update_queue(original: Any, self: Any) -> str:
    _name_by_arn(self)
    answer = _keep_limits(self, original(self))
    announce()
    return answer


def _name_by_arn(response: Any) -> None:
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
    reason="AWS tells the queue's type, its time limits and 'JobQueue Healthy'",
)
def describe_queue(original: Any, self: Any) -> dict[str, Any]:
    kinds = [(held.compute_resources or {}).get("type", "") for held in self.environments]
    fargate = all("FARGATE" in kind for kind in kinds)
    return {
        **original(self),
        "statusReason": "JobQueue Healthy",
        "jobQueueType": "ECS_FARGATE" if fargate else "ECS",
        "jobStateTimeLimitActions": getattr(self, "limits", []),
    }


@PATCHES(
    BatchBackend,
    "delete_job_queue",
    reason="AWS deletes only what is DISABLED; the queue's jobs end and its tags go with it",
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
