"""
Docker's answers and what becomes of them, on a fake of docker-py's low-level client.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
import urllib3
from attrs import Factory, define, field
from docker.errors import APIError, StreamParseError

from batchkit._image.build import Built, build, check_architecture, connect, resolve_local
from batchkit._image.context import Context, read_context
from batchkit._image.push import BACKOFF, LayerProgress, push
from batchkit.errors import BuildFailed, DockerUnavailable, PushFailed, WrongArchitecture

PASSWORD = "eyJwYXlsb2FkIjoi-very-secret-token"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/job"
DIGEST = "sha256:" + "d" * 64
IMAGE = "sha256:" + "1" * 64
GOOD = [{"status": "v1: digest: ..."}, {"aux": {"Tag": "v1", "Digest": DIGEST, "Size": 1}}]

Script = list[Any]


@define
class FakeClock:
    """
    A clock that only moves when somebody sleeps, or by *step* with each look at it.
    """

    now: float = 0.0
    step: float = 0.0
    slept: list[float] = Factory(list)

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@define
class FakeDocker:
    """
    Answers each push and build with its next script: events, and exceptions to be raised.
    """

    scripts: list[Script] = Factory(list)
    images: dict[str, dict[str, Any]] = Factory(dict)
    timeout: float | None = 60.0
    calls: list[tuple[str, dict[str, Any]]] = Factory(list)
    timeouts: list[float | None] = field(factory=list)
    closed: bool = False

    def build(self, **options: Any) -> Iterator[Any]:
        options["sent"] = options["fileobj"].read()
        return self._play("build", options)

    def push(self, repository: str, **options: Any) -> Iterator[Any]:
        return self._play("push", {"repository": repository, **options})

    def tag(self, image: str, repository: str, tag: str) -> bool:
        self.calls.append(("tag", {"image": image, "name": f"{repository}:{tag}"}))
        return True

    def inspect_image(self, image: str) -> dict[str, Any]:
        if image not in self.images:
            raise refused(404, f"No such image: {image}")
        return self.images[image]

    def close(self) -> None:
        self.closed = True

    def _play(self, name: str, options: dict[str, Any]) -> Iterator[Any]:
        self.calls.append((name, options))
        self.timeouts.append(self.timeout)
        for event in self.scripts.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


def refused(status: int, message: str, url: str = "http+docker://localhost/v1.41/x") -> APIError:
    """
    docker-py's exception for an answer that is not 200.
    """
    response = requests.Response()
    response.status_code, response.url, response.reason = status, url, "Refused"
    return APIError("refused", response=response, explanation=message)


def error(text: str) -> dict[str, Any]:
    """
    The event in which Docker tells of a failure.
    """
    return {"errorDetail": {"message": text}, "error": text}


def in_pool(text: str) -> urllib3.exceptions.HTTPError:
    """
    A time-out as urllib3 raises it through docker-py.
    """
    pool = urllib3.HTTPConnectionPool("localhost")
    return urllib3.exceptions.ReadTimeoutError(pool, "/v1.41", text)


def shown(raised: BaseException) -> str:
    """
    All that a log or a traceback could show of an exception, its arguments and its chain.
    """
    chain: list[BaseException] = []
    while raised and raised not in chain:
        chain.append(raised)
        raised = raised.__cause__ or raised.__context__  # type: ignore[assignment]
    texts = [f"{one!r} {one} {one.__dict__!r} {one.args!r}" for one in chain]
    return "\n".join([*texts, *traceback.format_exception(chain[0])])


def pushed(docker: FakeDocker, clock: FakeClock | None = None, **options: Any) -> str:
    """
    The digest of a push of the image to the repository.
    """
    options.setdefault("auth", lambda: ("AWS", PASSWORD))
    return push(docker, IMAGE, REPOSITORY, "v1", clock=clock or FakeClock(), **options)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """
    A context of one Dockerfile.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return read_context(tmp_path)


# --- push: what goes well -------------------------------------------------------------------


def test_a_push_tags_the_image_and_gives_its_digest() -> None:
    """
    The digest is the registry's; the password went with this one push.
    """
    docker = FakeDocker([GOOD])
    assert pushed(docker) == DIGEST
    assert docker.calls == [
        ("tag", {"image": IMAGE, "name": f"{REPOSITORY}:v1"}),
        (
            "push",
            {
                "repository": REPOSITORY,
                "tag": "v1",
                "stream": True,
                "decode": True,
                "auth_config": {"username": "AWS", "password": PASSWORD},
            },
        ),
    ]


def test_progress_is_told_layer_by_layer() -> None:
    """
    Events that are about a layer become progress, "Retrying" among them; others don't.
    """
    told: list[LayerProgress] = []
    events = [
        {"status": "The push refers to repository [x]"},
        {"status": "Preparing", "progressDetail": {}, "id": "a"},
        {"status": "Pushing", "progressDetail": {"current": 5, "total": 9}, "id": "a"},
        {"status": "Pushing", "progressDetail": {"current": 7}, "id": "b"},
        {"status": "Retrying in 5 seconds", "id": "b"},
    ]
    pushed(FakeDocker([events + GOOD]), on_layer=told.append)
    assert told == [
        LayerProgress("a", "Preparing"),
        LayerProgress("a", "Pushing", 5, 9),
        LayerProgress("b", "Pushing", 7, 0),
        LayerProgress("b", "Retrying in 5 seconds"),
    ]


def test_a_digest_that_was_not_told_is_looked_up() -> None:
    """
    The daemon knows the digest of what it pushed, also if no event has it.
    """
    held = {"RepoDigests": [f"other/repo@{IMAGE}", f"{REPOSITORY}@{DIGEST}"]}
    docker = FakeDocker([[{"aux": {"manifestPushedInsteadOfIndex": True}}, {"aux": "text"}]])
    docker.images[f"{REPOSITORY}:v1"] = held
    assert pushed(docker) == DIGEST


@pytest.mark.parametrize("events", [[], [{"status": "x", "id": "a"}]])
def test_a_push_without_a_digest_failed(events: Script) -> None:
    """
    A stream that just ends is no success.
    """
    with pytest.raises(PushFailed, match="ended without a digest"):
        pushed(FakeDocker([events]))


def test_an_expired_token_is_replaced_once() -> None:
    """
    The push goes on with the token of a second call; a second refusal is the end.
    """
    expired = [error("denied: Your authorization token has expired. Reauthenticate and try again.")]
    fresh = iter(["first-token", "second-token"])
    docker = FakeDocker([expired, GOOD])
    assert pushed(docker, auth=lambda: ("AWS", next(fresh))) == DIGEST
    used = [options["auth_config"]["password"] for name, options in docker.calls if name == "push"]
    assert used == ["first-token", "second-token"]
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([expired, expired]))
    assert caught.value.reason == "TokenExpired"


def test_a_throttled_push_waits_and_goes_on() -> None:
    """
    Each wait is longer than the one before; after the last the push failed.
    """
    throttled = [error("toomanyrequests: Rate exceeded")]
    clock = FakeClock()
    assert pushed(FakeDocker([throttled, throttled, GOOD]), clock) == DIGEST
    assert clock.slept == list(BACKOFF[:2])
    clock = FakeClock()
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([throttled] * 9), clock)
    assert (caught.value.reason, clock.slept) == ("Throttled", list(BACKOFF))


def test_no_wait_goes_past_the_deadline() -> None:
    """
    A push that could only go on too late gives up at once.
    """
    clock = FakeClock()
    with pytest.raises(PushFailed):
        pushed(FakeDocker([[error("Too Many Requests")]] * 9), clock, deadline=2.5)
    assert clock.slept == [1.0]


# --- push: what goes wrong ------------------------------------------------------------------

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
    The error has Docker's own text, where it was to go, a reason for code and advice for people.
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
    A daemon that says nothing for too long, waiting for the registry, ends in PushFailed.
    """
    with pytest.raises(PushFailed, match="its last word: Waiting") as caught:
        pushed(FakeDocker([[{"status": "Waiting", "id": "a"}, raised]]))
    assert caught.value.reason == "TimedOut"


def test_the_deadline_ends_a_push_that_retries_for_ever() -> None:
    """
    The deadline counts over all events, and says what the last of them was.
    """
    retrying = [{"status": f"Retrying in {n} seconds", "id": "a"} for n in range(99, 0, -1)]
    with pytest.raises(PushFailed, match="its last word: Retrying in 9") as caught:
        pushed(FakeDocker([retrying]), FakeClock(step=1), deadline=9)
    assert caught.value.reason == "TimedOut"


def test_no_read_waits_longer_than_the_deadline() -> None:
    """
    The client's own time-out is shortened for the push, and put back.
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
    That the daemon is lost in the middle is not the registry's fault.
    """
    with pytest.raises(DockerUnavailable, match="stopped answering"):
        pushed(FakeDocker([[{"status": "x", "id": "a"}, raised]]))


def test_what_the_daemon_refuses_at_once_is_told_in_its_words() -> None:
    """
    An answer that is not 200 counts as a failure event.
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
    Neither errors with their chains nor progress nor logs have it, even if Docker repeats it.
    """
    caplog.set_level(0)
    told: list[LayerProgress] = []
    with pytest.raises(PushFailed) as caught:
        pushed(FakeDocker([script]), on_layer=told.append)
    assert PASSWORD not in shown(caught.value) + repr(told) + caplog.text
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_an_anonymous_push_is_possible() -> None:
    """
    No password is nothing to hide.
    """
    with pytest.raises(PushFailed, match="no basic auth"):
        pushed(FakeDocker([[error("no basic auth credentials")]]), auth=lambda: ("", ""))


def test_errors_of_the_callers_own_functions_pass() -> None:
    """
    What *auth* and *on_layer* raise is the caller's to handle.
    """

    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pushed(FakeDocker([GOOD]), auth=broken)
    with pytest.raises(ZeroDivisionError):
        pushed(FakeDocker([[{"status": "x", "id": "a"}]]), on_layer=broken)


# --- build ----------------------------------------------------------------------------------


def stream(*lines: str) -> Script:
    """
    Lines of output, as events.
    """
    return [{"stream": line} for line in lines]


def test_a_build_sends_the_context_and_gives_the_image(context: Context) -> None:
    """
    The base is not pulled anew, containers are removed, and the tag is that of what was sent.
    """
    docker = FakeDocker([[*stream("Step 1/1 : FROM x\n"), {"aux": {"ID": IMAGE}}]])
    args = {"A": "1"}
    built = build(docker, context, platform="linux/arm64", build_args=args, target="t", tag="n:1")
    assert built == Built(IMAGE, context.tag(args, "t", "linux/arm64"))
    [(_, options)] = docker.calls
    del options["fileobj"]
    assert b"FROM scratch" in options.pop("sent")
    assert options == {
        "custom_context": True,
        "dockerfile": "Dockerfile",
        "decode": True,
        "pull": False,
        "rm": True,
        "forcerm": True,
        "timeout": 3600.0,
        "platform": "linux/arm64",
        "buildargs": {"A": "1"},
        "target": "t",
        "tag": "n:1",
    }


def test_the_last_image_of_several_stages_is_the_one(context: Context) -> None:
    """
    Each stage tells its image; other auxiliary events don't count.
    """
    aux = [{"aux": {"ID": "sha256:0"}}, {"aux": {"ID": IMAGE}}, {"aux": {}}, {"aux": "trace"}]
    assert build(FakeDocker([aux]), context).image == IMAGE


def test_output_comes_line_by_line(context: Context) -> None:
    """
    Pieces are joined, colours and overwritten text dropped; a pull's bars are not lines.
    """
    lines: list[str] = []
    script = [
        *stream("one", " line\n\n", "two\nthr", "ee\n", "\x1b[91mred\x1b[0m\n", "10%\r99%\n"),
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "abc"},
        {"status": "Downloading", "progressDetail": {"current": 1}, "id": "abc"},
        {"aux": {"ID": IMAGE}},
        "not an object",
    ]
    build(FakeDocker([script]), context, on_line=lines.append)
    assert lines == ["one line", "two", "three", "red", "99%", "Pulling fs layer abc"]


RUN = "Step 2/3 : RUN make\n"
FROM = "Step 1/3 : FROM nowhere:1\n"
CODE = "The command '/bin/sh -c make' returned a non-zero code"
BUILDS = [
    (RUN, f"{CODE}: 2", "StepFailed"),
    (RUN, f"{CODE}: 137", "OutOfMemory"),
    (RUN, "The command 'echo parse error' returned a non-zero code: 1", "StepFailed"),
    (RUN, "write /x: no space left on device", "DiskFull"),
    (RUN + "OSError: [Errno 28] No space left on device\n", f"{CODE}: 1", "DiskFull"),
    (RUN + "exec /bin/sh: exec format error\n", f"{CODE}: 1", "NoEmulation"),
    (FROM, "manifest for nowhere:1 not found: manifest unknown", "BaseImageMissing"),
    (FROM, "pull access denied for nowhere, repository does not exist", "BaseImageMissing"),
    (FROM, 'Get "https://nowhere/v2/": dial tcp: lookup x: no such host', "BaseImageMissing"),
    (
        FROM,
        "image with reference x was found but does not match the specified platform: wanted y",
        "BasePlatform",
    ),
    (FROM, "no matching manifest for linux/arm64 in the manifest list entries", "BasePlatform"),
    ("Step 2/3 : COPY x /\n", "COPY failed: file not found in build context", "FileMissing"),
    ("", "failed to reach build target nope in Dockerfile", "TargetMissing"),
    ("", "dockerfile parse error line 2: unknown instruction: RUNN", "DockerfileInvalid"),
]


@pytest.mark.parametrize(("output", "text", "reason"), BUILDS)
def test_each_failure_of_a_build_has_a_reason_and_advice(
    context: Context, output: str, text: str, reason: str
) -> None:
    """
    The error has the step, Docker's words, the reason and the output.
    """
    with pytest.raises(BuildFailed) as caught:
        build(FakeDocker([[*stream(output), error(text)]]), context)
    lines = [line for line in output.splitlines() if line]
    assert caught.value.reason == reason
    assert caught.value.step == (lines[0] if lines else "")
    assert caught.value.log == tuple(lines)
    assert text in str(caught.value)


def test_a_failed_build_shows_its_last_lines(context: Context) -> None:
    """
    Twenty lines are kept, the unfinished last one with them.
    """
    script = [*stream(*[f"{n}\n" for n in range(99)], "no end"), error("x")]
    with pytest.raises(BuildFailed) as caught:
        build(FakeDocker([script]), context)
    assert caught.value.log == (*map(str, range(80, 99)), "no end")
    assert str(caught.value).endswith("  | 98\n  | no end")


def test_a_dockerfile_that_is_refused_at_once_failed_to_build(context: Context) -> None:
    """
    Docker answers 400 to a Dockerfile that it can't read.
    """
    url = "http+docker://localhost/v1.41/build?t=x&buildargs=%7B%22A%22%3A+%22my-secret%22%7D"
    raised = refused(400, "dockerfile parse error line 1: unknown instruction: FORM", url)
    args = {"A": "my-secret"}
    with pytest.raises(BuildFailed) as caught:
        build(FakeDocker([[raised]]), context, build_args=args)
    assert caught.value.reason == "DockerfileInvalid"
    assert "my-secret" not in shown(caught.value)
    assert "buildargs" not in shown(caught.value)


def test_a_build_that_ends_without_an_image_failed(context: Context) -> None:
    """
    A stream that just ends is no success.
    """
    with pytest.raises(BuildFailed, match="ended without an image"):
        build(FakeDocker([[]]), context)


def test_a_build_has_a_deadline(context: Context) -> None:
    """
    It counts over all output, and over silence.
    """
    endless = stream(*["more\n"] * 99)
    for script in (endless, [in_pool("Read timed out.")]):
        with pytest.raises(BuildFailed) as caught:
            build(FakeDocker([script]), context, deadline=9, clock=FakeClock(step=1))
        assert caught.value.reason == "TimedOut"


def test_values_of_build_arguments_are_not_shown(context: Context) -> None:
    """
    Whatever repeats a value shows asterisks; values too short to be secrets stay readable.
    """
    args = {"TOKEN": "tok-123456", "KEY": "-----BEGIN\nline-of-key\n", "PY": "3.13"}
    said = "on 3.13 with tok-123456 and line-of-key\n"
    lines: list[str] = []
    with pytest.raises(BuildFailed) as caught:
        script = [*stream(f"Step 1/1 : RUN {said}", said), error(f"tok-123456 {said}")]
        build(FakeDocker([script]), context, build_args=args, on_line=lines.append)
    assert lines[1] == "on 3.13 with *** and ***"
    assert "tok-123456" not in shown(caught.value)
    assert "line-of-key" not in shown(caught.value)
    lost = requests.ConnectionError("Max retries exceeded with url: /v1.41/build?a=tok-123456 (x)")
    with pytest.raises(DockerUnavailable) as gone:
        build(FakeDocker([[lost]]), context, build_args=args)
    assert "tok-123456" not in shown(gone.value)


# --- the daemon -----------------------------------------------------------------------------


def test_a_daemon_at_an_address_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A daemon elsewhere is found by DOCKER_HOST as well, or not.
    """
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(DockerUnavailable, match="Connection refused"):
        connect(1)
    gc.collect()


def test_a_socket_at_which_nobody_speaks_docker_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A daemon that takes the connection and says nothing is given up when the time is over.
    """
    with TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{folder}/s")
        sock.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/s")
        with pytest.raises(DockerUnavailable, match="timed out"):
            connect(0.05)
    gc.collect()


@pytest.mark.parametrize(
    ("held", "platform"),
    [
        ({"Os": "linux", "Architecture": "amd64"}, "linux/amd64"),
        ({"Os": "linux", "Architecture": "arm64", "Variant": "v8"}, "linux/arm64"),
        ({"Os": "linux", "Architecture": "arm64"}, "linux/arm64/v8"),
        ({"Architecture": "x86_64"}, "linux/amd64"),
    ],
)
def test_an_image_for_the_wanted_platform_is_let_pass(held: dict[str, str], platform: str) -> None:
    """
    The variant does not count, and a name has its aliases.
    """
    check_architecture(FakeDocker(images={IMAGE: held}), IMAGE, platform)


@pytest.mark.parametrize(
    ("held", "got"),
    [
        ({"Os": "linux", "Architecture": "amd64"}, "linux/amd64"),
        ({"Os": "windows", "Architecture": "arm64"}, "windows/arm64"),
        ({}, "linux/unknown"),
    ],
)
def test_an_image_for_another_platform_is_refused(held: dict[str, str], got: str) -> None:
    """
    The message says what it is, what was wanted, and how to get that.
    """
    with pytest.raises(WrongArchitecture) as caught:
        check_architecture(FakeDocker(images={IMAGE: held}), IMAGE, "linux/arm64")
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
    Nothing at the socket: start Docker, or do without.
    """
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    with pytest.raises(DockerUnavailable, match="Start Docker .*DOCKER_HOST.* URI of an image"):
        connect(1)
    gc.collect()  # an unclosed socket would be told now, and fail the test


def test_without_the_right_to_the_socket_the_message_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A socket of another user's: join the group.
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
    The Docker SDK may be missing: nothing else needs it.
    """
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(DockerUnavailable, match="pip install docker"):
        connect(1)


def test_importing_needs_no_docker() -> None:
    """
    The package loads docker-py only when there is something to build.
    """
    code = (
        "import sys, batchkit, batchkit._image.push\n"
        "sys.exit(bool({'docker', 'requests'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_layer_says_how_far_it_is() -> None:
    """
    The share is told where Docker gives a total, and left out where it doesn't.
    """
    assert str(LayerProgress("5f70bf18a086", "Pushing", 30, 120)) == "5f70bf18a086 Pushing 25 %"
    assert str(LayerProgress("", "Retrying in 5 seconds")) == "Retrying in 5 seconds"
