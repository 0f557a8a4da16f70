"""
Batch jobs that run, and what the API tells of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.batch import models
from moto.batch.models import BatchBackend, Job, batch_backends
from moto.batch.responses import BatchResponse

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import announce, current
from batchkit.local.runtime.attempt import environment
from batchkit.local.runtime.job_run import requirements, run
from batchkit.local.runtime.lock import DISPATCH

PATCHES = Patches()

_TOLD = (
    "image",
    "jobRoleArn",
    "executionRoleArn",
    "networkConfiguration",
    "fargatePlatformConfiguration",
    "runtimePlatform",
    "logConfiguration",
    "ephemeralStorage",
)
_NEVER = datetime(1970, 1, 1)

PATCHES.value(
    models,
    "JOB_NAME_REGEX",
    re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$"),
    reason="AWS takes names of one character",
)


@PATCHES(
    Job,
    "__init__",
    reason="moto ignores retryStrategy, and a child job does not know its array",
)
def init(original: Any, self: Any, *args: Any, **given: Any) -> None:
    original(self, *args, **given)
    self.retry_strategy = self.job_definition.retry_strategy or {}
    self.reason, self.container, self.attempt_started_at = "", None, datetime.now()
    self.parent = self.all_jobs.get(self.job_id.rpartition(":")[0])
    self.name = f"local-aws-job-{self.job_id}"


@PATCHES(
    Job,
    "run",
    reason="moto polls, tells of logs and reasons at the end if at all, and tries once",
)
def run_job(original: Any, self: Any) -> None:
    if self.job_definition.container_properties is None:
        original(self)
        return
    run(self, current())


@PATCHES(
    BatchResponse,
    "submitjob",
    reason="moto drops the request's retryStrategy; an array is PENDING until its children end",
)
def submit(original: Any, self: Any) -> str:
    answer: str = original(self)
    job = self.batch_backend.get_job_by_id(json.loads(answer)["jobId"])
    strategy = self._get_param("retryStrategy")
    for one in (job, *(job._child_jobs or ())):
        one.retry_strategy = strategy or one.retry_strategy
    if job._child_jobs:
        job.status = "PENDING"
    return answer


@PATCHES(
    Job,
    "terminate",
    reason="moto notices after half a second; an array's children end with it",
)
def terminate(original: Any, self: Any, reason: str) -> None:
    if self.job_stopped:
        return
    original(self, reason)
    for child in self._child_jobs or ():
        child.terminate(reason)
    if self.container is not None:
        self.container.stop()
    announce()


@PATCHES(BatchBackend, "terminate_job", reason="AWS tells isTerminated")
def terminate_job(original: Any, self: Any, job_id: str, reason: str) -> None:
    original(self, job_id, reason)
    job = self.get_job_by_id(job_id)
    if job is not None:
        job.terminated = True


@PATCHES(BatchBackend, "cancel_job", reason="AWS tells isCancelled, and cancels a PENDING array")
def cancel_job(original: Any, self: Any, job_id: str, reason: str) -> None:
    original(self, job_id, reason)
    job = self.get_job_by_id(job_id)
    if job is not None and job.stop:
        job.cancelled = True


@PATCHES(
    Job,
    "_container_details",
    reason="moto tells no exit code, reason, image or roles, and not the job's own requirements",
)
def container_details(original: Any, self: Any) -> dict[str, Any]:
    properties = self.job_definition.container_properties
    told = {name: properties[name] for name in _TOLD if name in properties}
    wanted = requirements(self)
    told |= original(self)
    told["resourceRequirements"] = [{"type": t, "value": v} for t, v in wanted.items()]
    if "VCPU" in wanted:
        told["vcpus"] = int(float(wanted["VCPU"]))
    if "MEMORY" in wanted:
        told["memory"] = int(wanted["MEMORY"])
    return {**told, **_outcome(self)}


def _outcome(job: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if job.exit_code is not None:
        told["exitCode"] = job.exit_code
    if job.reason:
        told["reason"] = job.reason
    return told


@PATCHES(
    Job,
    "_get_container_property",
    reason="moto adds the definition's environment to the job's own each time that it tells it",
)
def container_property(original: Any, self: Any, name: str, default: Any) -> Any:
    return environment(self) if name == "environment" else original(self, name, default)


@PATCHES(
    Job,
    "describe_short",
    reason="moto tells no reason, a start in 1970, and not which child of its array a job is",
)
def describe_short(original: Any, self: Any) -> dict[str, Any]:
    told: dict[str, Any] = original(self)
    if self.job_started_at == _NEVER:
        told.pop("startedAt", None)
    if "index" in self.array_properties:
        told["arrayProperties"] = {"index": self.array_properties["index"]}
    if self.job_stopped and _outcome(self):
        told["container"] = _outcome(self)
    return told


@PATCHES(
    Job,
    "describe",
    reason="moto does not tell retryStrategy, isCancelled, isTerminated or the platform",
)
def describe(original: Any, self: Any) -> dict[str, Any]:
    told: dict[str, Any] = original(self)
    told["isCancelled"] = getattr(self, "cancelled", False)
    told["isTerminated"] = getattr(self, "terminated", False)
    told["platformCapabilities"] = self.job_definition.platform_capabilities or ["EC2"]
    told["retryStrategy"] = {"attempts": 1, **self.retry_strategy}
    if self.job_definition.timeout:
        told.setdefault("timeout", self.job_definition.timeout)
    return told


@PATCHES(
    BatchBackend,
    "list_jobs",
    reason="AWS lists RUNNING jobs unless told otherwise, children only by their array, and the "
    "newest first where there is a filter",
)
def list_jobs(original: Any, self: Any, **given: Any) -> list[Any]:
    if given.get("filters") is None and given.get("job_status") is None:
        given["job_status"] = "RUNNING"
    found: list[Any] = original(self, **given)
    if given.get("array_job_id"):
        return found
    if given.get("filters") is not None:
        found.reverse()
    return [job for job in found if "index" not in job.array_properties]


def live_jobs() -> Iterator[Any]:
    """
    The jobs whose threads have not ended.
    """
    backend: Any
    for _, _, backend in batch_backends.iter_backends():
        yield from (job for job in list(backend._jobs.values()) if job.is_alive())


def stop_all() -> None:
    """
    No job runs, and no thread of one.
    """
    alive = list(live_jobs())
    for job in alive:
        with DISPATCH:
            job.stop = True
            container = getattr(job, "container", None)
        if container is not None:
            container.kill()
    announce()
    for job in alive:
        job.join(10)
