"""
A job's lines on their way to CloudWatch Logs, while it runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

from batchkit.local.runtime.container import CannotStart
from batchkit.local.runtime.lock import DISPATCH

DEFAULT_GROUP = "/aws/batch/job"
_MISSING = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried "
    "1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: "
    "The specified log group does not exist. : exit status 1"
)


class LogStream:
    """
    Where one attempt's lines go: the job definition's group, or Batch's own.
    """

    def __init__(self, job: Any, task_id: str) -> None:
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
        The stream is there.
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
        Every line is in the stream as soon as it comes, in order; empty ones are left out.
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
                self.kept = False  # the group was deleted while the job ran; so does AWS
