"""
What a user states about a stack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from batchkit._model.checks import (
    ENVIRONMENT,
    SECRETS,
    TAGS,
    Checked,
    Constraint,
    a_bool,
    as_dict,
    as_tuple,
    checked,
    each,
    instance,
    network,
    one_of,
    optional,
    text,
    whole,
)
from batchkit._model.image_uri import is_image_uri
from batchkit.errors import Problem, SpecError
from batchkit.grants import Grant, flatten
from batchkit.resources.definitions import (
    ARCHITECTURE,
    ATTEMPTS,
    STORAGE,
    TIMEOUT,
    VCPUS,
    memory_problems,
)
from batchkit.resources.dynamodb import TABLE_NAME, Table
from batchkit.resources.image import ImageSource
from batchkit.resources.logs import RETENTION
from batchkit.resources.s3 import BUCKET_NAME, Bucket
from batchkit.resources.schedule import EXPRESSION, TIME_ZONE

STACK_NAME = text(
    r"(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "1-40 lower-case letters, digits and single hyphens, starting with a letter",
)


def _image(value: Any) -> Any:
    """
    A folder becomes an `ImageSource`; the URI of an image stays a text.
    """
    if isinstance(value, Path) or (isinstance(value, str) and os.path.isdir(value)):
        return ImageSource(Path(value))
    return value


def _is_image(value: Any) -> bool:
    if isinstance(value, ImageSource):
        return True
    # A bare word is more likely a folder that isn't there than an image without registry and tag.
    return is_image_uri(value) and any(mark in value for mark in "/:@")


def _named(kind: type[Table] | type[Bucket]) -> Callable[[Any], Any]:
    """
    A converter of names; one that AWS would refuse is left to the field's check.
    """

    def convert(value: Any) -> Any:
        try:
            return kind(name=value) if isinstance(value, str) else value
        except SpecError:
            return value

    return convert


@frozen(kw_only=True)
class StackSpec(Checked):
    """
    A Batch job with everything that it needs.

    Args:
        name: Names the stack and, with suffixes, its resources.
        image: A folder with a Dockerfile, an `ImageSource`, or the URI of an image with its
            registry or tag.
        vcpus: vCPUs of a job: 0.25, 0.5, 1, 2, 4, 8 or 16.
        memory: MiB of a job; Fargate has certain sizes for each number of vCPUs.
        command: What the container runs in place of the image's own command.
        environment: Environment variables of the job.
        secrets: Environment variables with the ARNs of the secrets that give their values.
        grants: What the job may do, such as `s3_read("bucket", "key")`.
        timeout: Seconds after which an attempt is ended.
        attempts: How often a job is tried.
        architecture: X86_64 or ARM64.
        ephemeral_storage: GiB of disk; None for the 20 that come with it.
        max_vcpus: vCPUs that all running jobs may have together.  A new account has 6 at first.
        spot: Whether Spot capacity is tried first; jobs that it can't hold run on demand.
        service_role: "dedicated" makes a role for Batch; "linked" uses the service-linked one.
        boundary: The ARN of a permissions boundary for every role.
        cidr: The VPC's network.
        availability_zones: How many zones have a private subnet.
        log_retention: Days to keep log lines; None for ever.
        priority: The queue's priority.
        runnable_limit: Seconds after which Batch cancels a job that can't be run.
        run_timeout: Seconds for a whole run of the state machine; None for the sum of the queue's
            limit and all attempts.
        schedule: `cron(...)`, `rate(...)` or `at(...)`; None for no schedule.
        time_zone: The clock of the schedule.
        table: A DynamoDB table to make, or its name; a teardown keeps it unless told not to.
        bucket: An S3 bucket to make, or its name; likewise.
        tags: Tags for every resource.
    """

    name: str = checked(STACK_NAME)
    image: str | Path | ImageSource = checked(
        Constraint(
            "a folder with a Dockerfile, or an image URI with its registry or tag", _is_image
        ),
        converter=_image,
    )
    vcpus: float = checked(VCPUS, default=1)
    memory: int = checked(instance(int, expects="a whole number of MiB"), default=2048)
    command: Sequence[str] = checked(
        each(instance(str, expects="a text")), default=(), converter=as_tuple
    )
    environment: Mapping[str, str] = checked(ENVIRONMENT, factory=dict, converter=as_dict)
    secrets: Mapping[str, str] = checked(SECRETS, factory=dict, converter=as_dict)
    grants: Sequence[Grant | Sequence[Grant]] = checked(
        each(instance(Grant, expects="a grant such as s3_read(...)")), default=(), converter=flatten
    )
    timeout: int = checked(TIMEOUT, default=3600)
    attempts: int = checked(ATTEMPTS, default=1)
    architecture: str = checked(ARCHITECTURE, default="X86_64")
    ephemeral_storage: int | None = checked(STORAGE, default=None)
    max_vcpus: int = checked(whole(1, 100_000), default=4)
    spot: bool = checked(a_bool(), default=False)
    service_role: str = checked(one_of("dedicated", "linked"), default="dedicated")
    boundary: str | None = checked(optional(text(r"arn:.+", "a policy's ARN")), default=None)
    cidr: str = checked(network(16, 24), default="10.1.0.0/16")
    availability_zones: int = checked(whole(1, 3), default=1)
    log_retention: int | None = checked(RETENTION, default=30)
    priority: int = checked(whole(0, 1000), default=1)
    runnable_limit: int = checked(whole(600, 86400, "seconds"), default=3600)
    run_timeout: int | None = checked(optional(whole(60, 366 * 86400, "seconds")), default=None)
    schedule: str | None = checked(optional(EXPRESSION), default=None)
    time_zone: str = checked(TIME_ZONE, default="UTC")
    table: Table | str | None = checked(
        optional(instance(Table, expects=f"a Table, or its name: {TABLE_NAME.expects}")),
        default=None,
        converter=_named(Table),
    )
    bucket: Bucket | str | None = checked(
        optional(instance(Bucket, expects=f"a Bucket, or its name: {BUCKET_NAME.expects}")),
        default=None,
        converter=_named(Bucket),
    )
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)

    def problems(self) -> Iterator[Problem]:
        yield from memory_problems(self.vcpus, self.memory)
        if isinstance(self.vcpus, (int, float)) and isinstance(self.max_vcpus, int):
            if self.max_vcpus < self.vcpus:
                expects = f"at least vcpus, which is {self.vcpus:g}"
                yield Problem("max_vcpus", self.max_vcpus, expects)
        if isinstance(self.image, ImageSource) and len(str(self.name)) == 1:
            yield Problem("name", self.name, "at least 2 characters with a folder, as ECR does")
        if isinstance(self.environment, Mapping) and isinstance(self.secrets, Mapping):
            if both := self.environment.keys() & self.secrets.keys():
                yield Problem(
                    "secrets", sorted(both, key=str), "names that environment doesn't have"
                )

    @property
    def whole_timeout(self) -> int:
        """
        Seconds for a run of the state machine: in the queue, and all attempts.
        """
        return self.run_timeout or self.runnable_limit + self.attempts * self.timeout
