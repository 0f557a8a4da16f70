"""
What lies under the rules: moto, started fresh, with what every real account has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import boto3
from moto import mock_aws
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from .memory import Memory

ACCOUNT = "123456789012"
# Loading all of AWS's managed policies takes most of a second for each account.
MANAGED = (
    "AWSBatchServiceRole",
    "AmazonECSTaskExecutionRolePolicy",
    "AmazonEC2ContainerServiceforEC2Role",
    "AmazonEC2SpotFleetTaggingRole",
    "AmazonS3ReadOnlyAccess",
    "ReadOnlyAccess",
)


@contextmanager
def moto_base(region: str = "us-east-1") -> Iterator[boto3.Session]:
    """
    An empty embedded account, as a session onto it.
    """
    with _without_images(), mock_aws(config={"batch": {"use_docker": False}}):
        session, memory = _session(region)
        memory.forget()
        _add_managed_policies(session.get_partition_for_region(region), region)
        yield session


@contextmanager
def _without_images() -> Iterator[None]:
    """
    Spare each fresh account the reading of more than a thousand machine images.
    """
    name = "MOTO_EC2_LOAD_DEFAULT_AMIS"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@lru_cache
def _session(region: str) -> tuple[boto3.Session, Memory]:
    session, memory = (
        boto3.Session(
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="not-a-secret",
            region_name=region,
        ),
        Memory(),
    )
    memory.attach(session)
    return session, memory


@lru_cache
def _managed() -> dict[str, Any]:
    every = json.loads(aws_managed_policies_data)
    return {name: every[name] for name in MANAGED if name in every}


def _add_managed_policies(partition: str, region: str) -> None:
    backend = iam_backends[ACCOUNT][partition]
    for name, data in _managed().items():
        policy = AWSManagedPolicy.from_data(name, ACCOUNT, region, data)
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[policy.arn] = policy
