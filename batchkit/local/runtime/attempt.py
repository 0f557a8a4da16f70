"""
One attempt of a job: a container, its log stream, its end.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from moto.batch.models import datetime2int_milliseconds

from batchkit.local.runtime.account import LocalAccount
from batchkit.local.runtime.container import GRACE, CannotStart, Container
from batchkit.local.runtime.docker import DockerContainer
from batchkit.local.runtime.environ import ACCESS_KEY, SECRET_KEY
from batchkit.local.runtime.job import Json, MotoJob
from batchkit.local.runtime.job_logs import LogStream
from batchkit.local.runtime.lock import DISPATCH
from batchkit.local.runtime.process import ProcessContainer, words
from batchkit.local.runtime.secrets import secrets

EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"


@dataclass
class AttemptEnd:
    """
    How an attempt ended: its exit *code*, and AWS's words for the reason.
    """

    code: int | None = None
    reason: str = ""
    status_reason: str = EXITED
    timed_out: bool = False

    @property
    def succeeded(self) -> bool:
        """
        Whether it ended by itself with exit code 0.
        """
        return self.code == 0 and not self.timed_out


class JobAttempt:
    """
    The next attempt of *job*.
    """

    def __init__(self, job: MotoJob, account: LocalAccount) -> None:
        self.job = job
        self.account = account
        self.task_id = uuid4().hex
        self.logs = LogStream(job, self.task_id)
        self._expired = False

    def run(self) -> AttemptEnd:
        """
        Runs the container to its end, and removes it. It may also fail to start.
        """
        try:
            self._starting()
            container = self._start()
        except CannotStart as error:
            return AttemptEnd(reason=str(error), status_reason=str(error))
        try:
            return self._follow(container)
        finally:
            with DISPATCH:
                self.job.container = None
            container.remove()

    def _starting(self) -> None:
        with DISPATCH:
            self.job.status = "STARTING"
            self.job.log_stream_name = self.logs.name if self.logs.kept else None
        self.logs.open()

    def _start(self) -> Container:
        properties = self.job.job_definition.container_properties
        command = self.job.container_overrides.get("command") or properties.get("command")
        argv = self.job._add_parameters_to_command(words(command))
        return start(self.account, properties["image"], argv, self._environment(), self._name())

    def _follow(self, container: Container) -> AttemptEnd:
        pump = threading.Thread(target=self.logs.pump, args=(container.lines(),), daemon=True)
        pump.start()
        with DISPATCH:
            self.job.status = "RUNNING"
            self.job.attempt_started_at = datetime.now()
            self.job.job_started_at = self.job.attempt_started_at
            self.job.container = container
        if self.job.stop:
            container.stop()
        code = self._code(container)
        pump.join(GRACE)  # a process that left the job's group may keep the output open
        reason = TIMED_OUT if self._expired else EXITED
        return AttemptEnd(code=code, status_reason=reason, timed_out=self._expired)

    def _code(self, container: Container) -> int:
        limit = self.job._get_attempt_duration()
        timer = threading.Timer(limit or 0, self._expire, args=(container,))
        timer.daemon = True
        if not limit:
            return container.wait()
        timer.start()
        try:
            return container.wait()
        finally:
            timer.cancel()
            timer.join()

    def _expire(self, container: Container) -> None:
        self._expired = True
        container.kill()

    def _name(self) -> str:
        return f"{self.job.job_name}-{self.job.job_id.replace(':', '-')}-{self.task_id[:8]}"

    def _environment(self) -> dict[str, str]:
        given = {e["name"]: e.get("value", "") for e in environment(self.job)}
        own = {**given, **secrets(self.job)}
        return {**self.account.environment, **self._task(), **own, **self._batch()}

    def _task(self) -> dict[str, str]:
        """
        The variables that ECS sets. Credentials come from the job role: there are none without.
        """
        region = self.job.job_definition._region
        role = self.job.job_definition.container_properties.get("jobRoleArn")
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        return {
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": "AWS_ECS_EC2" if self._on_ec2 else "AWS_ECS_FARGATE",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.account.server.url,
            **(keys if role else {}),
            **self._devices(),
        }

    @property
    def _on_ec2(self) -> bool:
        return "EC2" in (self.job.job_definition.platform_capabilities or ())

    def _devices(self) -> dict[str, str]:
        """
        The GPUs that ECS gives to the job, counted from the first: NVIDIA's runtime takes numbers
        in place of the ids that AWS tells.
        """
        gpus = int(requirements(self.job).get("GPU", 0))
        return {"NVIDIA_VISIBLE_DEVICES": ",".join(map(str, range(gpus)))} if gpus else {}

    def _batch(self) -> dict[str, str]:
        job = self.job
        variables = {
            "AWS_BATCH_JOB_ID": job.job_id,
            "AWS_BATCH_JQ_NAME": job.job_queue.name,
            "AWS_BATCH_CE_NAME": job.job_queue.environments[0].name,
            "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        }
        if "index" in job.array_properties:
            variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.array_properties["index"])
        if job.parent is not None:
            variables["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.parent.array_properties["size"])
        return variables

    def describe(self, outcome: AttemptEnd) -> Json:
        """
        The attempt as DescribeJobs returns it.
        """
        container: Json = {
            "taskArn": self._task_arn(),
            "networkInterfaces": [],
            **({"logStreamName": self.logs.name} if self.logs.kept else {}),
            **({"exitCode": outcome.code} if outcome.code is not None else {}),
            **({"reason": outcome.reason} if outcome.reason else {}),
        }
        return {
            "container": container,
            "startedAt": datetime2int_milliseconds(self.job.attempt_started_at),
            "stoppedAt": datetime2int_milliseconds(datetime.now()),
            "statusReason": outcome.status_reason,
        }

    def _task_arn(self) -> str:
        environment = self.job.job_queue.environments[0]
        return f"{environment.ecs_arn.replace(':cluster/', ':task/')}/{self.task_id}"


def environment(job: MotoJob) -> list[dict[str, str]]:
    """
    The definition's environment, overridden by the job's own.
    """
    merged: dict[str, dict[str, str]] = {}
    for given in (job.job_definition.container_properties, job.container_overrides):
        merged.update({item["name"]: item for item in given.get("environment") or ()})
    return list(merged.values())


def start(
    account: LocalAccount,
    reference: str,
    command: list[str],
    environment: Mapping[str, str],
    name: str,
) -> Container:
    """
    A container if Docker has the image, otherwise a process if there is a fake image.

    Raises:
        CannotStart: There is neither, or it did not start.
    """
    local = account.images.get(reference)
    if account.docker:
        found = DockerContainer.find(reference, local)
        if found:
            return DockerContainer(found, command, environment, name, account.home.labels())
    if local is None:
        msg = "CannotPullContainerError: pull image manifest has been retried 1 time(s)"
        raise CannotStart(f"{msg}: failed to resolve ref {reference}: {reference}: not found")
    return ProcessContainer(local, command, environment, account.home.job_prefix())


def requirements(job: MotoJob) -> dict[str, str]:
    """
    The VCPU, MEMORY and GPU of the definition, overridden by the job's own.
    """
    merged = {}
    for given in (job.job_definition.container_properties, job.container_overrides):
        merged.update({r["type"]: r["value"] for r in given.get("resourceRequirements") or ()})
    return merged
