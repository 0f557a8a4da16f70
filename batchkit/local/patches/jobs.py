"""
Patches for AWS Batch: jobs really run, and are described as AWS describes them.
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
from batchkit.local.runtime.attempt import environment, requirements
from batchkit.local.runtime.job_run import run
from batchkit.local.runtime.lock import DISPATCH

PATCHES = Patches()

_DESCRIBED = (
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
    reason="SubmitJob accepts job names of one character, but moto refuses them",
)


@PATCHES(
    Job,
    "__init__",
    reason="SubmitJob follows the definition's retryStrategy and gives an array's children "
    "their parent, but moto does neither",
)
def init(original: Any, self: Any, *args: Any, **given: Any) -> None:
    original(self, *args, **given)
    self.retry_strategy = self.job_definition.retry_strategy or {}
    self.reason = ""
    self.container = None
    self.attempt_started_at = datetime.now()
    self.parent = self.all_jobs.get(self.job_id.rpartition(":")[0])
    self.name = f"local-aws-job-{self.job_id}"


@PATCHES(
    Job,
    "run",
    reason="Batch runs a job with its retries, its log lines as they come and AWS's reasons for "
    "its end, but moto polls, runs it once and copies the log at the end",
)
def run_job(original: Any, self: Any) -> None:
    if self.job_definition.container_properties is None:
        original(self)
        return
    run(self, current())


@PATCHES(
    BatchResponse,
    "submitjob",
    reason="SubmitJob follows the request's retryStrategy and an array stays PENDING until its "
    "children end, but moto does neither",
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
    reason="TerminateJob ends an array's children too, but moto ends only the parent, and polls "
    "for it every half second",
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


@PATCHES(
    BatchBackend,
    "terminate_job",
    reason="DescribeJobs returns isTerminated after TerminateJob, but moto doesn't keep it",
)
def terminate_job(original: Any, self: Any, job_id: str, reason: str) -> None:
    original(self, job_id, reason)
    job = self.get_job_by_id(job_id)
    if job is not None:
        job.terminated = True


@PATCHES(
    BatchBackend,
    "cancel_job",
    reason="DescribeJobs returns isCancelled after CancelJob, but moto doesn't keep it",
)
def cancel_job(original: Any, self: Any, job_id: str, reason: str) -> None:
    original(self, job_id, reason)
    job = self.get_job_by_id(job_id)
    if job is not None and job.stop:
        job.cancelled = True


@PATCHES(
    Job,
    "_container_details",
    reason="DescribeJobs returns the container's exit code, reason, image, roles and the job's "
    "own resource requirements, but moto leaves them out",
)
def container_details(original: Any, self: Any) -> dict[str, Any]:
    properties = self.job_definition.container_properties
    details = {name: properties[name] for name in _DESCRIBED if name in properties}
    details |= original(self)
    required = requirements(self)
    details["resourceRequirements"] = [{"type": t, "value": v} for t, v in required.items()]
    if "VCPU" in required:
        details["vcpus"] = int(float(required["VCPU"]))
    if "MEMORY" in required:
        details["memory"] = int(required["MEMORY"])
    return {**details, **_outcome(self)}


def _outcome(job: Any) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    if job.exit_code is not None:
        outcome["exitCode"] = job.exit_code
    if job.reason:
        outcome["reason"] = job.reason
    return outcome


@PATCHES(
    Job,
    "_get_container_property",
    reason="DescribeJobs returns the same environment each time, but moto appends the "
    "definition's variables to the job's own at every call",
)
def container_property(original: Any, self: Any, name: str, default: Any) -> Any:
    return environment(self) if name == "environment" else original(self, name, default)


@PATCHES(
    Job,
    "describe_short",
    reason="ListJobs returns the container's reason, a child's array index and no startedAt for "
    "a job that never started, but moto returns neither, and 1970 as the start",
)
def describe_short(original: Any, self: Any) -> dict[str, Any]:
    summary: dict[str, Any] = original(self)
    if self.job_started_at == _NEVER:
        summary.pop("startedAt", None)
    if "index" in self.array_properties:
        summary["arrayProperties"] = {"index": self.array_properties["index"]}
    if self.job_stopped and _outcome(self):
        summary["container"] = _outcome(self)
    return summary


@PATCHES(
    Job,
    "describe",
    reason="DescribeJobs returns retryStrategy, isCancelled, isTerminated, platformCapabilities "
    "and the definition's timeout, but moto leaves them out",
)
def describe(original: Any, self: Any) -> dict[str, Any]:
    described: dict[str, Any] = original(self)
    described["isCancelled"] = getattr(self, "cancelled", False)
    described["isTerminated"] = getattr(self, "terminated", False)
    described["platformCapabilities"] = self.job_definition.platform_capabilities or ["EC2"]
    described["retryStrategy"] = {"attempts": 1, **self.retry_strategy}
    if self.job_definition.timeout:
        described.setdefault("timeout", self.job_definition.timeout)
    return described


@PATCHES(
    BatchBackend,
    "list_jobs",
    reason="ListJobs lists RUNNING jobs by default, children only by their array and the newest "
    "first with a filter, but moto lists all of them, oldest first",
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
    All jobs have ended, and so have their threads.
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
