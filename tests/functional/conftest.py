"""
An account for each test.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from core_lab import Account, account


@pytest.fixture(scope="session", autouse=True)
def _models_are_kept(quick_moto: None) -> None:
    """
    What is loaded once for all tests, AWS's models above all, is not looked at by each collection.
    """
    with account() as first:
        for service in ("ec2", "iam", "batch", "ecr", "s3", "scheduler", "stepfunctions"):
            first.session.client(service)
    gc.freeze()


@pytest.fixture
def there() -> Iterator[Account]:
    """
    An empty account on an embedded AWS.
    """
    with account() as made:
        yield made
