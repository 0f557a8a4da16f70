"""
A real Docker daemon and a real registry, as `tests/e2e/docker-up.sh up` starts them.

Without them the tests are skipped, or fail if BATCHKIT_REQUIRE_DOCKER=1 is set (as in CI).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from registries import Registry

from batchkit._docker.build import connect
from batchkit._docker.stream import DockerClient
from batchkit.errors import DockerUnavailable

HOW = "start one with: tests/e2e/docker-up.sh up && . /tmp/batchkit-e2e/env"


def absent(what: str) -> NoReturn:
    """
    Skips the test; fails it where Docker is required.
    """
    if os.environ.get("BATCHKIT_REQUIRE_DOCKER") == "1":
        pytest.fail(f"{what} (and BATCHKIT_REQUIRE_DOCKER=1)")
    pytest.skip(f"{what}; {HOW}")


@pytest.fixture(scope="session")
def docker_client() -> Iterator[DockerClient]:
    """
    A client of the daemon.
    """
    try:
        client = connect(30)
    except DockerUnavailable as error:
        absent(str(error).partition(". ")[0])
    yield client
    client.close()


@pytest.fixture(scope="session")
def registry(docker_client: DockerClient) -> Registry:
    """
    The registry beside the daemon.
    """
    address = os.environ.get("BATCHKIT_E2E_REGISTRY")
    if not address:
        absent("no registry is named in BATCHKIT_E2E_REGISTRY")
    return Registry(
        address=address,
        ecr_host=os.environ.get("BATCHKIT_E2E_ECR_HOST", ""),
        password=os.environ["BATCHKIT_E2E_TOKEN"],
    )


@pytest.fixture(scope="session")
def base(registry: Registry) -> str:
    """
    The name of an image that the daemon holds, with a Python in it.
    """
    return os.environ["BATCHKIT_E2E_BASE"]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    An empty home: a test sees no Docker configuration, and sees it if one is written.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    return home
