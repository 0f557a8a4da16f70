"""
The settings of one job: stated once, for a stack, for a job definition and for a submission.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs
from attrs import frozen

from batchkit._model.checks import (
    ENVIRONMENT,
    SECRETS,
    Checked,
    Constraint,
    FieldRule,
    as_tuple,
    checked,
    each,
    one_of,
    optional,
    whole,
)
from batchkit._model.confidential import as_variables
from batchkit._model.values import can_be_sent
from batchkit.errors import Problem

VCPUS = Constraint(
    "a number of vCPUs, such as 0.25 or 4",
    lambda value: type(value) in (int, float) and math.isfinite(value) and value > 0,
)
MEMORY = Constraint("a whole number of MiB", lambda value: type(value) is int and value > 0)


def _named_once(job: Any) -> Iterator[Problem]:
    """
    A variable has its value from the definition or from a secret, not from both.
    """
    if both := job.environment.keys() & job.secrets.keys():
        yield Problem("secrets", sorted(both), "names that environment doesn't have")


ROOM: Final = 22 * 1024
"""
Bytes of a job definition that command, environment and secrets may take: 24 KiB are allowed
(https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html), and the rest needs some.
"""


def _has_room(job: Any) -> Iterator[Problem]:
    """
    A job definition has a certain size, the names of its keys included.
    """
    variables = [{"name": k, "value": v} for k, v in job.environment.items()]
    secrets = [{"name": k, "valueFrom": v} for k, v in job.secrets.items()]
    size = len(json.dumps([list(job.command), variables, secrets], ensure_ascii=False).encode())
    if size > ROOM:
        expects = f"command, environment and secrets of at most {ROOM} bytes together, as JSON"
        yield Problem("environment", f"{size} bytes", expects)


# Without slots, so that a job definition can be settings and a resource at once.
@frozen(kw_only=True, slots=False)
class JobSettings(Checked):
    """
    What one job runs, with how many vCPUs and how much memory, and how often it is tried.

    Args:
        vcpus: vCPUs of a job; what it runs on says which numbers there are.
        memory: MiB of a job; Fargate has certain sizes for each number of vCPUs.
        gpus: NVIDIA GPUs of a job, which only instances of EC2 have.
        command: What the container runs in place of the image's own command.
        environment: Environment variables of the job.
        secrets: Environment variables with the ARNs of the secrets or parameters that give their
            values.
        timeout: Seconds after which an attempt is ended.
        attempts: How often a job is tried if its program fails.  On Spot capacity an attempt that
            AWS takes back is tried again beside that: up to ten attempts in all if this is 1; a
            larger number is shared, as Batch has one count for both.
        architecture: X86_64 or ARM64.
        ephemeral_storage: GiB of disk; None for the 20 that come with it.
    """

    RULES: ClassVar[tuple[FieldRule, ...]] = (_named_once, _has_room)

    vcpus: float = checked(VCPUS, default=1)
    memory: int = checked(MEMORY, default=2048)
    gpus: int = checked(whole(0, 16), default=0)
    command: Sequence[str] = checked(
        each(Constraint("a text", can_be_sent)), default=(), converter=as_tuple
    )
    environment: Mapping[str, str] = checked(ENVIRONMENT, factory=dict, converter=as_variables)
    secrets: Mapping[str, str] = checked(SECRETS, factory=dict, converter=as_variables)
    # A timeout of less than 60 seconds is refused
    # (https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html).
    timeout: int = checked(
        whole(60, 14 * 86400, "seconds (Fargate ends a task after 14 days)"), default=3600
    )
    attempts: int = checked(whole(1, 10), default=1)
    architecture: str = checked(one_of("X86_64", "ARM64"), default="X86_64")
    # 20 GiB come with every task, so 21 is the least that can be asked for.
    ephemeral_storage: int | None = checked(optional(whole(21, 200, "GiB")), default=None)

    @property
    def settings(self) -> dict[str, Any]:
        """
        The fields that describe one job, by name: what other job settings are made from.
        """
        return {a.name: getattr(self, a.name) for a in attrs.fields(JobSettings)}
