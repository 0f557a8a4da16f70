"""
Pushes that fail, on a fake of docker-py.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
import urllib3
from docker.errors import StreamParseError

from batchkit._docker.push import LayerProgress
from batchkit.errors import DockerUnavailable, PushFailed
from docker_lab import (
    GOOD,
    PASSWORD,
    REPOSITORY,
    FakeDocker,
    Script,
    error,
    in_pool,
    pushed,
    refused,
    shown,
)
from fakes import FakeClock

NAMED = "The repository with name 'denied/eof' does not exist in the registry with id '1'"
IAM = "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:InitiateLayerUpload on y"
PUSHES = [
    ("unauthorized: authentication required", "Denied"),
    (f"denied: {IAM} because no identity-based policy allows it", "Denied"),
    ("denied: requested access to the resource is denied", "Denied"),
    ("error parsing HTTP 403 response body: invalid character '<'", "Denied"),
    ("no basic auth credentials", "NoCredentials"),
    ("denied: Your Authorization Token has expired. Reauthenticate and try again.", "TokenExpired"),
    (f"name unknown: {NAMED}", "RepositoryMissing"),
    (
        "tag invalid: The image tag 'v1' already exists in the 'x' repository and cannot be "
        "overwritten because the repository is immutable.",
        "TagExists",
    ),
    ("toomanyrequests: Rate exceeded", "Throttled"),
    ("An image does not exist locally with the tag: x", "ImageMissing"),
    ("tag does not exist: x:v1", "ImageMissing"),
    (
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        "Unreachable",
    ),
    ('Get "https://x/v2/": dial tcp: lookup x: no such host', "Unreachable"),
    ('Get "https://x/v2/denied/eof": net/http: TLS handshake timeout', "Unreachable"),
    ('Get "https://x/v2/": http: server gave HTTP response to HTTPS client', "Unreachable"),
    ("x509: certificate signed by unknown authority", "Unreachable"),
    ('Get "https://x/v2/": EOF', "Dropped"),
    ("write tcp 1.1.1.1:1: write: broken pipe", "Dropped"),
    ("error parsing HTTP 405 response body: invalid character 'M' looking for", "NotWritable"),
    ("received unexpected HTTP status: 500 Internal Server Error", "RegistryFailed"),
    ("received unexpected HTTP status: 503 Service Unavailable", "RegistryFailed"),
    ("write /var/lib/docker/tmp/x: no space left on device", "DiskFull"),
    ("something that nobody has seen before", "Unknown"),
]


@pytest.mark.parametrize(("text", "reason"), PUSHES)
@pytest.mark.parametrize("form", ["both", "error", "detail"])
def test_each_failure_of_a_push_has_a_reason_and_advice(form: str, text: str, reason: str) -> None:
    """
    The error has Docker's own text, the repository, a reason for programs and advice for people.
    """
    event = error(text)
    if form != "both":
        del event["errorDetail" if form == "error" else "error"]
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([[event]] * 9))
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"Pushing {REPOSITORY}:v1 failed: {text.rstrip('.')}. ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "raised",
    [
        in_pool("Read timed out. (read timeout=60)"),
        requests.ConnectionError(in_pool("Read timed out.")),
        requests.ReadTimeout("HTTPConnectionPool: Read timed out."),
        TimeoutError("timed out"),
    ],
)
def test_a_registry_that_hangs_is_a_time_out(raised: Exception) -> None:
    """
    A daemon that waits for the registry for too long is a PushFailed.
    """
    with pytest.raises(PushFailed, match="its last status: Waiting") as caught:
        pushed(FakeDocker([[{"status": "Waiting", "id": "a"}, raised]]))
    assert caught.value.reason == "TimedOut"


def test_the_deadline_ends_a_push_that_retries_for_ever() -> None:
    """
    The deadline is for all events together, and the message has the last status.
    """
    retrying = [{"status": f"Retrying in {n} seconds", "id": "a"} for n in range(99, 0, -1)]
    with pytest.raises(PushFailed, match="its last status: Retrying in 9") as caught:
        pushed(FakeDocker([retrying]), FakeClock(step=1), deadline=9)
    assert caught.value.reason == "TimedOut"


def test_no_read_waits_longer_than_the_deadline() -> None:
    """
    The client's own timeout is shortened during the push, and restored.
    """
    docker = FakeDocker([GOOD, GOOD], timeout=60.0)
    pushed(docker, deadline=10)
    pushed(docker, deadline=1000)
    assert (docker.timeouts, docker.timeout) == ([10.0, 60.0], 60.0)
    docker = FakeDocker([GOOD], timeout=None)
    pushed(docker, deadline=10)
    assert (docker.timeouts, docker.timeout) == ([10.0], None)


@pytest.mark.parametrize(
    "raised",
    [
        urllib3.exceptions.ProtocolError("Connection broken: InvalidChunkLength"),
        requests.ConnectionError("('Connection aborted.', FileNotFoundError(2, 'No such file'))"),
        ConnectionResetError(104, "Connection reset by peer"),
        StreamParseError("Expecting value"),
    ],
)
def test_a_daemon_that_goes_away_is_unavailable(raised: Exception) -> None:
    """
    A daemon that is lost during a push is DockerUnavailable, not PushFailed.
    """
    with pytest.raises(DockerUnavailable, match="stopped answering"):
        pushed(FakeDocker([[{"status": "x", "id": "a"}, raised]]))


def test_a_refusal_of_the_daemon_is_in_the_message() -> None:
    """
    An answer that is not 200 is a failure event.
    """
    with pytest.raises(PushFailed, match="No such image: x") as caught:
        pushed(FakeDocker([[refused(404, "No such image: x")]]))
    assert caught.value.reason == "ImageMissing"


@pytest.mark.parametrize(
    "script",
    [
        [error(f"denied: {PASSWORD} is not it")],
        [error(f"header was {PASSWORD!r}")],
        [{"status": f"Sending {PASSWORD}", "id": "a"}, error("no")],
        [{"status": f"Sending {PASSWORD}", "id": "a"}, in_pool(f"{PASSWORD} timed out")],
        [refused(500, f"bad header: {PASSWORD}")],
        [],
    ],
)
def test_the_password_is_shown_nowhere(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """
    It is not in errors, their chains, progress or logs, even if Docker repeats it.
    """
    caplog.set_level(0)
    layers: list[LayerProgress] = []
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([script]), on_layer=layers.append)
    assert PASSWORD not in shown(caught.value) + repr(layers) + caplog.text
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_an_anonymous_push_is_possible() -> None:
    """
    An empty password is not masked.
    """
    with pytest.raises(PushFailed, match="no basic auth"):
        pushed(FakeDocker([[error("no basic auth credentials")]]), auth=lambda: ("", ""))


def test_errors_of_the_callers_own_functions_pass() -> None:
    """
    Errors that *auth* and *on_layer* raise reach the caller.
    """

    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pushed(FakeDocker([GOOD]), auth=broken)
    with pytest.raises(ZeroDivisionError):
        pushed(FakeDocker([[{"status": "x", "id": "a"}]]), on_layer=broken)
