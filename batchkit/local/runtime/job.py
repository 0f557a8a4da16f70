"""
What the runtime uses of moto's jobs, with the attributes that `patches/jobs.py` adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from batchkit.local.runtime.container import Container

Json = dict[str, Any]


class MotoBackend(Protocol):
    """
    Batch in one account and region.
    """

    account_id: str
    region_name: str


class MotoDefinition(Protocol):
    """
    A job definition that has container properties.
    """

    name: str
    backend: MotoBackend
    container_properties: Json
    platform_capabilities: list[str] | None
    _region: str


class MotoEnvironment(Protocol):
    """
    A compute environment.
    """

    name: str
    state: str
    ecs_arn: str
    compute_resources: Json | None


class MotoQueue(Protocol):
    """
    A job queue.
    """

    name: str
    environments: Sequence[MotoEnvironment]


class MotoJob(Protocol):
    """
    A job. *stop* is set when it has to end, *job_stopped* when it has ended.

    The patches add *retry_strategy*, *reason*, *container* (of the attempt that runs),
    *attempt_started_at* and *parent* (the array of a child job).
    """

    job_id: str
    job_name: str
    job_definition: MotoDefinition
    job_queue: MotoQueue
    container_overrides: Json
    depends_on: Sequence[Mapping[str, str]] | None
    array_properties: Mapping[str, int]
    all_jobs: Mapping[str, MotoJob]
    _child_jobs: Sequence[MotoJob] | None
    status: str
    stop: bool
    job_started_at: datetime
    job_stopped: bool
    job_stopped_at: datetime
    job_stopped_reason: str | None
    exit_code: int | None
    log_stream_name: str | None
    attempts: list[Json]

    retry_strategy: Json
    reason: str
    container: Container | None
    attempt_started_at: datetime
    parent: MotoJob | None

    def _add_parameters_to_command(self, command: list[str]) -> list[str]: ...

    def _get_attempt_duration(self) -> int | None: ...
