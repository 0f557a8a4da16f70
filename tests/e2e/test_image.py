"""
Publishing an image to ECR: it is pushed once, and found later without a daemon.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import boto3
import pytest
from registries import Registry

from batchkit import Image, ImageSource, Repository, ensure_image, ensure_repository, local_aws

pytestmark = pytest.mark.docker


def test_an_image_in_ecr_needs_no_daemon(
    registry: Registry,
    tmp_path: Path,
    base: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    The first run pushes to the ECR-style name; the second needs no daemon for the same digest.

    The token is in no log, at any level.
    """
    if not registry.ecr_host:
        pytest.skip("the registry has no ECR-style name; start docker-up.sh with --as")
    caplog.set_level(logging.DEBUG)
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCMD ['true']\n")
    with local_aws(docker=False):
        session = boto3.Session(region_name="us-east-1")  # pushes, as one onto AWS does
        repository = ensure_repository(Repository(name="pushed"), session=session)
        source = ImageSource(tmp_path)
        desired = Image(
            name="pushed",
            repository=repository.uri,
            source=source,
            platform="linux/amd64",
            tag=source.tag("linux/amd64"),
        )
        pushed = ensure_image(desired, session=session)
        answer = registry.manifest("pushed", desired.tag)
        assert answer.headers["Docker-Content-Digest"] == pushed.digest
        session.client("ecr").put_image(  # moto's ECR doesn't see the registry
            repositoryName="pushed", imageTag=desired.tag, imageManifest=answer.text
        )
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        assert ensure_image(desired, session=session).uri == pushed.uri
    token = base64.b64encode(f"AWS:{registry.password}".encode()).decode()
    assert registry.password not in caplog.text
    assert token not in caplog.text
