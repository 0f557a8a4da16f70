"""
A daemon that doesn't answer, and the images of one that does.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
from tempfile import TemporaryDirectory

import pytest

from batchkit._docker.build import check_architecture, connect, resolve_local
from batchkit._docker.push import LayerProgress
from batchkit.errors import DockerUnavailable, WrongArchitecture
from docker_lab import DIGEST, IMAGE, REPOSITORY, FakeDocker


def test_a_daemon_at_an_address_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    DOCKER_HOST is followed, and a refused connection is DockerUnavailable.
    """
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(DockerUnavailable, match="Connection refused"):
        connect(1)
    gc.collect()


def test_a_socket_at_which_nobody_speaks_docker_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A daemon that accepts the connection and sends nothing is given up after the timeout.
    """
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{folder}/s")
        sock.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/s")
        with pytest.raises(DockerUnavailable, match="timed out"):
            connect(0.05)
    gc.collect()


@pytest.mark.parametrize(
    ("actual", "platform"),
    [
        ({"Os": "linux", "Architecture": "amd64"}, "linux/amd64"),
        ({"Os": "linux", "Architecture": "arm64", "Variant": "v8"}, "linux/arm64"),
        ({"Os": "linux", "Architecture": "arm64"}, "linux/arm64/v8"),
        ({"Architecture": "x86_64"}, "linux/amd64"),
    ],
)
def test_an_image_for_the_wanted_platform_is_let_pass(
    actual: dict[str, str], platform: str
) -> None:
    """
    The variant is ignored, and aliases of an architecture are equal.
    """
    check_architecture(FakeDocker(images={IMAGE: actual}), IMAGE, platform)


@pytest.mark.parametrize(
    ("actual", "got"),
    [
        ({"Os": "linux", "Architecture": "amd64"}, "linux/amd64"),
        ({"Os": "windows", "Architecture": "arm64"}, "windows/arm64"),
        ({}, "linux/unknown"),
    ],
)
def test_an_image_for_another_platform_is_refused(actual: dict[str, str], got: str) -> None:
    """
    The message has the actual and the desired platform, and how to get the base.
    """
    with pytest.raises(WrongArchitecture) as caught:
        check_architecture(FakeDocker(images={IMAGE: actual}), IMAGE, "linux/arm64")
    assert f"is for {got}, and linux/arm64 is wanted" in str(caught.value)
    assert "docker pull --platform linux/arm64" in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "digest"),
    [
        (f"{REPOSITORY}:v1", f"{REPOSITORY}@{DIGEST}"),
        ("localhost:5000/x", f"localhost:5000/x@{DIGEST}"),
        (f"any@{DIGEST}", f"any@{DIGEST}"),
        ("local:only", None),
        ("missing:1", None),
    ],
)
def test_a_local_image_is_resolved_if_a_registry_has_it(reference: str, digest: str | None) -> None:
    """
    The digest is that of the same repository; an image that was never pushed has none.
    """
    digests = [f"other@{IMAGE}", f"localhost:5000/x@{DIGEST}", f"{REPOSITORY}@{DIGEST}"]
    docker = FakeDocker(
        images={
            f"{REPOSITORY}:v1": {"RepoDigests": digests},
            "localhost:5000/x": {"RepoDigests": digests},
            "local:only": {"RepoDigests": None},
        }
    )
    assert resolve_local(docker, reference) == digest


def test_without_a_daemon_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a socket the advice is to start Docker, or to give the URI of an image.
    """
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(DockerUnavailable, match="Start Docker .*DOCKER_HOST.* URI of an image"):
        connect(1)
    gc.collect()  # an unclosed socket would be reported now, and fail the test


def test_without_the_right_to_the_socket_the_message_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    If the socket belongs to another user, the advice is to join the group.
    """
    user = os.geteuid()
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as sock:
        os.chmod(folder, 0o755)
        sock.bind(f"{folder}/s")
        os.chmod(f"{folder}/s", 0)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/s")
        os.seteuid(65534 if user == 0 else user)
        try:
            with pytest.raises(DockerUnavailable, match="usermod -aG docker"):
                connect(1)
        finally:
            os.seteuid(user)


def test_without_the_package_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The Docker SDK may be missing: only builds need it.
    """
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(DockerUnavailable, match="pip install docker"):
        connect(1)


def test_importing_needs_no_docker() -> None:
    """
    The package loads docker-py only when there is something to build.
    """
    code = (
        "import sys, batchkit, batchkit._docker.push\n"
        "sys.exit(bool({'docker', 'requests'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_layer_says_how_far_it_is() -> None:
    """
    The percentage is shown if Docker gives a total.
    """
    assert str(LayerProgress("5f70bf18a086", "Pushing", 30, 120)) == "5f70bf18a086 Pushing 25 %"
    assert str(LayerProgress("", "Retrying in 5 seconds")) == "Retrying in 5 seconds"
