"""
What a user states about a stack.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
from attrs import frozen

from batchkit._model.checks import (
    TAGS,
    Constraint,
    as_dict,
    checked,
    constraints,
    each,
    instance,
    optional,
    passes,
    text,
    whole,
)
from batchkit._model.image_uri import is_image_uri
from batchkit.compute.base import Compute
from batchkit.compute.choices import COMPUTE_TEXTS, COMPUTES, as_compute
from batchkit.compute.fargate import Fargate
from batchkit.errors import Problem, SpecError
from batchkit.grants import Grant, flatten, policy_fits, secrets_read
from batchkit.networks.base import NetworkMode
from batchkit.networks.choices import NETWORK_TEXTS, NETWORKS, as_network
from batchkit.networks.nat import Nat
from batchkit.resources.dynamodb import TABLE_NAME, Table
from batchkit.resources.image import ImageSource
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.logs import RETENTION
from batchkit.resources.s3 import BUCKET_NAME, Bucket
from batchkit.resources.schedule import EXPRESSION, TIME_ZONE

S = TypeVar("S", Table, Bucket)

STACK_NAME = text(
    r"(?!sg-)(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "1-40 lower-case letters, digits and single hyphens, starting with a letter, and not with sg-, "
    "with which no security group's name may start",
)


def _image(value: str | Path | ImageSource) -> str | ImageSource:
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


def _usual_network(spec: StackSpec) -> NetworkMode | None:
    """
    The network that the compute usually has; a compute that isn't one is refused by its own check.
    """
    if not isinstance(spec.compute, Compute):
        return Nat()
    usual = spec.compute.NETWORK
    return None if usual is None else usual()


def _listed(texts: Iterable[str], classes: Iterable[type]) -> str:
    """
    What a field expects that has texts for the defaults of some classes.
    """
    values = [f"a {one.__name__}(...)" for one in classes]
    return "one of " + ", ".join([*map(repr, texts), *values])


_IMAGE = Constraint(
    "a folder with a Dockerfile, or an image URI with its registry or tag", _is_image
)
_GRANT = instance(Grant, expects="a grant such as s3_read(...)")
_COMPUTE = instance(Compute, expects=_listed(COMPUTE_TEXTS, COMPUTES.values()))
_NETWORK = instance(NetworkMode, expects=_listed(NETWORK_TEXTS, NETWORKS.values()))
_TABLE = instance(Table, expects=f"a Table, or its name: {TABLE_NAME.expects}")
_BUCKET = instance(Bucket, expects=f"a Bucket, or its name: {BUCKET_NAME.expects}")


def _table(value: Table | str | None) -> Table | None:
    return _store(Table, value)


def _bucket(value: Bucket | str | None) -> Bucket | None:
    return _store(Bucket, value)


def _store(store: type[S], value: S | str | None) -> S | None:
    """
    The store that a text names; one that AWS would refuse is left to the field's check.
    """
    try:
        return store(name=value) if isinstance(value, str) else value
    except SpecError:
        return cast(S, value)


def _runs_there(spec: Any) -> Iterator[Problem]:
    """
    The job can run on the compute, and the compute's jobs in the network.
    """
    yield from spec.compute.problems_with(spec)
    if spec.compute.NETWORK is None and spec.network is not None:
        yield Problem("network", spec.network, f"none with a {type(spec.compute).__name__}(...)")
    elif spec.compute.NETWORK is not None and spec.network is None:
        yield Problem("network", None, _NETWORK.expects)
    elif spec.network is not None:
        yield from spec.network.problems_with(spec.compute.demand([spec]))


def _can_be_called(spec: Any) -> Iterator[Problem]:
    """
    The name of the stack is a name that ECR takes for a repository.
    """
    # EventBridge Scheduler has a group of that name in each account, which can't be made or tagged
    # (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html).
    if spec.schedule is not None and spec.name == "default":
        yield Problem("name", spec.name, "another name with a schedule: Scheduler has that group")
    if isinstance(spec.image, ImageSource) and len(spec.name) == 1:
        yield Problem("name", spec.name, "at least 2 characters with a folder, as ECR does")


def _policies_fit(spec: Any) -> Iterator[Problem]:
    """
    IAM takes an inline policy of a certain size.
    """
    yield from policy_fits("grants", spec.grants)
    secrets = secrets_read(spec.secrets.values())
    if spec.execution_grants:
        yield from policy_fits("execution_grants", [*spec.execution_grants, *secrets])
    else:
        yield from policy_fits("secrets", secrets)


def _tags_fit(spec: Any) -> Iterator[Problem]:
    """
    A store has the stack's tags beneath its own.
    """
    for field, store in (("table", spec.table), ("bucket", spec.bucket)):
        if store is not None and not passes(TAGS, {**spec.tags, **store.tags}):
            yield Problem(field, [*store.tags], f"with the stack's tags: {TAGS.expects}")


@frozen(kw_only=True)
class StackSpec(JobSettings):
    """
    A Batch job with everything that it needs.

    Args:
        name: Names the stack and, with suffixes, its resources.
        image: A folder with a Dockerfile, an `ImageSource`, or the URI of an image with its
            registry or tag.
        grants: What the job may do, such as `s3_read("bucket", "key")`.
        execution_grants: What starts the container may do beside reading the job's secrets, such as
            `kms_decrypt("alias/films")` where these have a key of the customer's.
        compute: What jobs run on: `Fargate(...)`, `Ec2(...)` or `Unmanaged()`; "fargate",
            "fargate-spot", "ec2", "ec2-spot" and "unmanaged" stand for their defaults.
        network: Where jobs run: `Nat(...)`, or "nat" for its defaults; `Unmanaged()` has none.
        boundary: The ARN of a permissions boundary for every role.
        log_retention: Days to keep log lines; None for ever.
        priority: The queue's priority.
        runnable_limit: Seconds after which Batch cancels a job that can't be run.
        run_timeout: Seconds for a whole run of the state machine; None for the sum of the queue's
            limit and all attempts, those after reclaims included.
        schedule: `cron(...)`, `rate(...)` or `at(...)`; None for no schedule.
        time_zone: The clock of the schedule.
        table: A DynamoDB table to make, or its name; a teardown keeps it unless `delete_data=True`.
        bucket: An S3 bucket to make, or its name; a teardown keeps it unless `delete_data=True`.
        tags: Tags for every resource.

    The other fields are those of one job, as `JobSettings` has them: vcpus, memory, gpus, command,
    environment, secrets, timeout, attempts, architecture, ephemeral_storage.
    """

    RULES = (*JobSettings.RULES, _runs_there, _can_be_called, _policies_fit, _tags_fit)

    name: str = checked(STACK_NAME)
    image: str | ImageSource = attrs.field(converter=_image, metadata=constraints(_IMAGE))
    grants: Sequence[Grant] = attrs.field(
        default=(), converter=flatten, metadata=constraints(each(_GRANT))
    )
    execution_grants: Sequence[Grant] = attrs.field(
        default=(), converter=flatten, metadata=constraints(each(_GRANT))
    )
    compute: Compute = attrs.field(
        factory=Fargate, converter=as_compute, metadata=constraints(_COMPUTE)
    )
    network: NetworkMode | None = attrs.field(
        default=attrs.Factory(_usual_network, takes_self=True),
        converter=as_network,
        metadata=constraints(optional(_NETWORK)),
    )
    boundary: str | None = checked(optional(text(r"arn:.+", "a policy's ARN")), default=None)
    log_retention: int | None = checked(RETENTION, default=30)
    priority: int = checked(whole(0, 1000), default=1)
    runnable_limit: int = checked(whole(600, 86400, "seconds"), default=3600)
    run_timeout: int | None = checked(optional(whole(60, 366 * 86400, "seconds")), default=None)
    schedule: str | None = checked(optional(EXPRESSION), default=None)
    time_zone: str = checked(TIME_ZONE, default="UTC")
    table: Table | None = attrs.field(
        default=None, converter=_table, metadata=constraints(optional(_TABLE))
    )
    bucket: Bucket | None = attrs.field(
        default=None, converter=_bucket, metadata=constraints(optional(_BUCKET))
    )
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)
