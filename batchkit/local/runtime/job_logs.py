"""
Writes a job's lines to CloudWatch Logs while it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

from batchkit.local.runtime.container import CannotStart
from batchkit.local.runtime.job import MotoJob
from batchkit.local.runtime.lock import DISPATCH

DEFAULT_GROUP = "/aws/batch/job"
_MISSING = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried "
    "1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: "
    "The specified log group does not exist. : exit status 1"
)


class LogStream:
    """
    One attempt's log stream, in the job definition's log group or in Batch's own.
    """

    def __init__(self, job: MotoJob, task_id: str) -> None:
        configuration = job.job_definition.container_properties.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        self.group = options.get("awslogs-group", DEFAULT_GROUP)
        prefix = options.get("awslogs-stream-prefix") or job.job_definition.name
        self.name = f"{prefix}/default/{task_id}"
        self.kept = configuration.get("logDriver", "awslogs") == "awslogs"
        creates = options.get("awslogs-create-group") == "true"
        self._creates = creates or self.group == DEFAULT_GROUP
        backend = job.job_definition.backend
        region = options.get("awslogs-region", backend.region_name)
        self._backend = logs_backends[backend.account_id][region]
        self._last = 0

    def open(self) -> None:
        """
        The log stream exists, if the job logs to CloudWatch. Raises CannotStart without a group.
        """
        if not self.kept:
            return
        with DISPATCH:
            if self._creates:
                self._backend.ensure_log_group(self.group)
            try:
                self._backend.ensure_log_stream(self.group, self.name)
            except ResourceNotFoundException as error:
                raise CannotStart(_MISSING) from error

    def pump(self, lines: Iterable[bytes]) -> None:
        """
        Each line is in the stream as soon as it is written, in order; empty lines are left out.
        """
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if self.kept and text:
                self._put(text)

    def _put(self, text: str) -> None:
        # A clock that steps back must not change the order: readers sort by time.
        self._last = max(self._last, time.time_ns() // 1_000_000)
        event = {"timestamp": self._last, "message": text}
        with DISPATCH:
            try:
                self._backend.put_log_events(self.group, self.name, [event])
            except ResourceNotFoundException:
                self.kept = False  # the group was deleted; as on AWS, the job goes on without it
