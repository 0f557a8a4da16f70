"""
Build and push on a real daemon: the image, the registry's content, and each failure.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from registries import DROP, HANG, Answer, Registry, Rule, fake_registry, refusal

from batchkit._docker.build import build, check_architecture, connect, resolve_local
from batchkit._docker.context import Context, read_context
from batchkit._docker.push import LayerProgress, push
from batchkit._docker.stream import DockerClient
from batchkit.errors import BuildFailed, PushFailed, WrongArchitecture
from fakes import FakeClock

pytestmark = pytest.mark.docker

TREE = Path(__file__).parents[2]
SECRET = f"s3cret-{uuid4().hex}"


Made = Callable[..., Context]


@pytest.fixture
def make(tmp_path: Path, base: str) -> Made:
    """
    Makes a context of a Dockerfile that starts from the base image, and files.
    """

    def made(*lines: str, start: str = f"FROM {base}", files: dict[str, str] | None = None) -> Any:
        for name, text in {"Dockerfile": "\n".join([start, *lines]), **(files or {})}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return read_context(tmp_path)

    return made


@pytest.fixture
def image(docker_client: DockerClient, make: Made) -> str:
    """
    A small image that is not in any registry.
    """
    return build(docker_client, make("LABEL batchkit=e2e")).image


# --- build ----------------------------------------------------------------------------------


LIST = (
    "import os; [print('has', p[2:], oct(os.stat(p).st_mode)[-3:]) "
    "for d, _, names in os.walk('.') for n in sorted(names) for p in [os.path.join(d, n)]]"
)


@pytest.mark.parametrize(
    ("rules", "has"),
    [
        ("", {".dockerignore 644", "Dockerfile 644", "a 644", "sub/b 711", "sub/x.log 644"}),
        ("**/*.log", {".dockerignore 644", "Dockerfile 644", "a 644", "sub/b 711"}),
        ("**/*.log\nDockerfile\n.dockerignore", {"a 644", "sub/b 711"}),
        ("*\n!sub\nsub/*.log", {"sub/b 711"}),
        ("*\n!**/*.log", {"sub/x.log 644"}),
    ],
)
def test_what_is_built_is_the_context(
    docker_client: DockerClient, make: Made, rules: str, has: set[str]
) -> None:
    """
    COPY sees the files that are not ignored, with their modes.
    """
    files = {"a": "A", "sub/b": "B", "sub/x.log": "", ".dockerignore": rules}
    (make(files=files).folder / "sub/b").chmod(0o711)
    lines: list[str] = []
    context = make("COPY . /c", "ARG ONCE", f'RUN cd /c && python -c "{LIST}"', files=files)
    once = {"ONCE": uuid4().hex}  # or the cache has the step, and it prints nothing
    built = build(docker_client, context, on_line=lines.append, build_args=once)
    assert {line[4:] for line in lines if line.startswith("has ")} == has
    assert built.tag == context.tag(once)


def test_a_dockerfile_from_outside_leaves_nothing_in_the_image(
    docker_client: DockerClient, make: Made, tmp_path: Path
) -> None:
    """
    A Dockerfile outside the context is used, and COPY does not see it.
    """
    make("COPY . /c", "ARG ONCE", f'RUN cd /c && python -c "{LIST}"', files={"ctx/a": "A"})
    lines: list[str] = []
    once = {"ONCE": uuid4().hex}
    context = read_context(tmp_path / "ctx", "../Dockerfile")
    build(docker_client, context, on_line=lines.append, build_args=once)
    assert [line for line in lines if line.startswith("has ")] == ["has a 644"]


def test_the_same_context_is_the_same_image(docker_client: DockerClient, make: Made) -> None:
    """
    Docker's cache has all layers of a context that differs only in its dates.
    """
    context = make("COPY . /c", files={"a": "1"})
    first = build(docker_client, context)
    os.utime(context.folder / "a", (1, 1))
    assert build(docker_client, make("COPY . /c", files={"a": "1"})) == first


def test_arguments_and_target_reach_the_build(
    docker_client: DockerClient, make: Made, base: str
) -> None:
    """
    The target's stage is the image; an argument is set, and its value is not shown.
    """
    context = make(
        "ARG WORD",
        'RUN echo "it is $WORD of ${#WORD}"',
        "LABEL stage=one",
        f"FROM {base} AS two",
        "LABEL stage=two",
        start=f"FROM {base} AS one",
    )
    lines: list[str] = []
    options: dict[str, Any] = {"build_args": {"WORD": SECRET}, "target": "one"}
    built = build(docker_client, context, on_line=lines.append, **options)
    assert docker_client.inspect_image(built.image)["Config"]["Labels"]["stage"] == "one"
    assert f"it is *** of {len(SECRET)}" in lines
    assert SECRET not in "".join(lines)


def test_the_job_image_of_this_project_builds(docker_client: DockerClient, base: str) -> None:
    """
    `job_image/` builds as it is, without a network.
    """
    context = read_context(TREE / "job_image")
    built = build(docker_client, context, deadline=300)
    check_architecture(docker_client, built.image, "linux/amd64")


RUNS = [
    (["RUN echo to-out; echo to-err >&2; exit 3"], "StepFailed", "non-zero code: 3"),
    (["RUN cat /etc/passwd > /dev/full"], "DiskFull", "No space left on device"),
    (["COPY nowhere /"], "FileMissing", "nowhere"),
    (["RUNN true"], "DockerfileInvalid", "unknown instruction: RUNN"),
]


@pytest.mark.parametrize(("lines", "reason", "text"), RUNS)
def test_a_dockerfile_that_fails(
    docker_client: DockerClient, make: Made, lines: list[str], reason: str, text: str
) -> None:
    """
    The error has the reason, the step and Docker's own message.
    """
    context = make(*lines)
    with pytest.raises(BuildFailed) as caught:
        build(docker_client, context, deadline=60, build_args={"WORD": SECRET})
    assert caught.value.reason == reason
    assert text in str(caught.value)
    assert SECRET not in str(caught.value)
    if reason == "StepFailed":
        assert {"to-out", "to-err"} <= set(caught.value.log)


@pytest.mark.parametrize("name", ["127.0.0.1:1/nowhere:1", "{registry}/nowhere:1"])
def test_a_base_image_that_is_not_there(
    docker_client: DockerClient, make: Made, registry: Registry, name: str
) -> None:
    """
    A base that the daemon doesn't have and can't pull is BaseImageMissing.
    """
    context = make("RUN true", start=f"FROM {name.format(registry=registry.address)}")
    with pytest.raises(BuildFailed) as caught:
        build(docker_client, context, deadline=60)
    assert caught.value.reason == "BaseImageMissing"
    assert caught.value.step.startswith("Step 1/2 : FROM ")


def test_a_target_that_is_not_there(docker_client: DockerClient, make: Made) -> None:
    """
    A wrong name of a stage is TargetMissing.
    """
    with pytest.raises(BuildFailed) as caught:
        build(docker_client, make(), target="nope", deadline=60)
    assert caught.value.reason == "TargetMissing"


def test_a_build_that_hangs_is_ended(docker_client: DockerClient, make: Made) -> None:
    """
    The deadline ends a build whose step prints nothing.
    """
    with pytest.raises(BuildFailed) as caught:
        build(docker_client, make("RUN sleep 30"), deadline=1)
    assert caught.value.reason == "TimedOut"


def test_an_image_of_another_architecture_is_refused(
    docker_client: DockerClient, make: Made
) -> None:
    """
    The builder accepts a local base for any platform; the check after it does not.
    """
    try:
        built = build(docker_client, make("LABEL a=b"), platform="linux/arm64", deadline=60)
    except BuildFailed as error:  # newer daemons do look
        assert error.reason in ("BasePlatform", "BaseImageMissing")
        return
    with pytest.raises(WrongArchitecture, match="is for linux/amd64, and linux/arm64 is wanted"):
        check_architecture(docker_client, built.image, "linux/arm64")


# --- push -----------------------------------------------------------------------------------


def test_the_registry_has_what_was_pushed(
    docker_client: DockerClient, registry: Registry, image: str
) -> None:
    """
    The digest is the manifest's, whose config is the image; a second push changes nothing.
    """
    repository, seen = f"{registry.address}/team/job", set[str]()
    digest = push(
        docker_client, image, repository, "v1", auth=registry.auth, deadline=120,
        on_layer=lambda layer: seen.add(layer.status),
    )  # fmt: skip
    actual = registry.manifest("team/job", "v1")
    assert actual.headers["Docker-Content-Digest"] == digest
    assert actual.json()["config"]["digest"] == image
    assert registry.manifest("team/job", digest).status_code == 200
    assert seen & {"Pushed", "Layer already exists"}
    assert resolve_local(docker_client, f"{repository}:v1") == f"{repository}@{digest}"
    again = push(docker_client, image, repository, "v1", auth=registry.auth, deadline=120)
    assert again == digest


def test_an_ecr_style_repository_is_pushed_to(
    docker_client: DockerClient, registry: Registry, image: str
) -> None:
    """
    The repository has a URI like those of ECR, over TLS.
    """
    if not registry.ecr_host:
        pytest.skip("the registry has no ECR-style name; start docker-up.sh with --as")
    repository = f"{registry.ecr_host}/team/ecr-job"
    digest = push(docker_client, image, repository, "v1", auth=registry.auth, deadline=120)
    actual = registry.manifest("team/ecr-job", "v1")
    assert actual.headers["Docker-Content-Digest"] == digest
    assert actual.json()["config"]["digest"] == image


def test_the_password_is_left_nowhere(
    registry: Registry, image: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is not in Docker's configuration, the image, its history or any log, at any level.
    """
    caplog.set_level(0)
    with cast(Any, connect(30)) as client:
        push(client, image, f"{registry.address}/team/x", "v1", auth=registry.auth, deadline=120)
        with pytest.raises(PushFailed) as caught:
            wrong = lambda: ("AWS", registry.password + "-wrong")  # noqa: E731
            push(client, image, f"{registry.address}/team/y", "v1", auth=wrong, deadline=120)
        described = [client.inspect_image(image), client.history(image), client.info()]
    assert caught.value.reason == "Denied"
    assert not list(home.rglob("*"))
    log = os.environ.get("BATCHKIT_E2E_LOG", "")
    daemon = Path(log).read_text() if os.path.exists(log) else ""
    texts = [json.dumps(described), caplog.text, str(caught.value), repr(caught.value), daemon]
    assert registry.password not in "\n".join(texts)


IAM = "User: arn:aws:iam::1:user/u is not authorized to perform: ecr:InitiateLayerUpload"
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."
NAMED = "The repository with name 'team/job' does not exist in the registry with id '1'"
TAKEN = "The image tag 'v1' already exists in the 'team/job' repository and cannot be overwritten"


def uploads(answer: Answer) -> Rule:
    """
    A rule: the registry has no layer, and answers uploads of one with *answer*.
    """

    def rule(method: str, path: str, _: str) -> Answer | None:
        if "/blobs/" not in path:
            return None
        return (404, "text/plain", "") if method == "HEAD" else answer

    return rule


def manifests(answer: Answer) -> Rule:
    """
    A rule: the registry answers uploads of a manifest with *answer*.
    """
    return lambda method, path, _: answer if method == "PUT" and "/manifests/" in path else None


def everything(answer: Answer) -> Rule:
    """
    A rule: the registry answers every request with *answer*.
    """
    return lambda *_: answer


REFUSALS = [
    (uploads(refusal(403, "DENIED", IAM)), "Denied"),
    (uploads(refusal(403, "DENIED", EXPIRED)), "TokenExpired"),
    (uploads(refusal(404, "NAME_UNKNOWN", NAMED)), "RepositoryMissing"),
    (uploads(refusal(429, "TOOMANYREQUESTS", "Rate exceeded")), "Throttled"),
    (uploads((405, "text/plain", "Method Not Allowed")), "NotWritable"),
    (manifests(refusal(400, "TAG_INVALID", TAKEN)), "TagExists"),
    (manifests(refusal(403, "DENIED", IAM)), "Denied"),
    (everything(DROP), "Dropped"),
]


@pytest.mark.parametrize(("rule", "reason"), REFUSALS)
def test_each_refusal_of_a_registry_has_its_reason(
    docker_client: DockerClient, image: str, rule: Rule, reason: str
) -> None:
    """
    Through the real daemon, each refusal is at once a PushFailed with its reason.
    """
    with fake_registry(rule) as address, pytest.raises(PushFailed) as caught:
        push(
            docker_client, image, f"{address}/team/job", "v1", auth=lambda: ("AWS", "pw"),
            clock=FakeClock(), deadline=30,
        )  # fmt: skip
    assert caught.value.reason == reason
    assert "pw" not in str(caught.value).split()


@pytest.mark.parametrize(
    ("repository", "login", "reason"),
    [
        ("{registry}/team/job", ("AWS", "wrong"), "Denied"),
        ("{registry}/team/job", ("", ""), "NoCredentials"),
        ("127.0.0.1:1/team/job", ("AWS", "x"), "Unreachable"),
        ("nowhere.invalid/team/job", ("AWS", "x"), "Unreachable"),
    ],
)
def test_wrong_logins_and_missing_registries(
    docker_client: DockerClient,
    registry: Registry,
    image: str,
    repository: str,
    login: tuple[str, str],
    reason: str,
) -> None:
    """
    The reason distinguishes the login from the network.
    """
    where = repository.format(registry=registry.address)
    with pytest.raises(PushFailed) as caught:
        push(docker_client, image, where, "v1", auth=lambda: login, deadline=30)
    assert caught.value.reason == reason


def test_an_image_that_is_not_there(docker_client: DockerClient, registry: Registry) -> None:
    """
    An image that was not built can't be pushed.
    """
    with pytest.raises(PushFailed) as caught:
        push(docker_client, "nope:1", f"{registry.address}/x", "v1", auth=registry.auth)
    assert caught.value.reason == "ImageMissing"


def test_an_expired_token_is_replaced(docker_client: DockerClient, image: str) -> None:
    """
    The registry refuses the old token, takes the new one, and has the image.
    """
    tokens = iter(["old", "new"])

    def rule(_: str, path: str, password: str) -> Answer | None:
        return refusal(403, "DENIED", EXPIRED) if password == "old" and path != "/v2/" else None

    with fake_registry(rule) as address:
        digest = push(
            docker_client, image, f"{address}/team/job", "v1",
            auth=lambda: ("AWS", next(tokens)), deadline=30,
        )  # fmt: skip
    assert digest.startswith("sha256:")
    assert next(tokens, None) is None


def test_a_busy_registry_is_asked_again(docker_client: DockerClient, image: str) -> None:
    """
    After two refusals for too many requests the push succeeds.
    """
    clock, refused = FakeClock(), iter(range(2))

    def rule(method: str, path: str, _: str) -> Answer | None:
        busy = method == "PUT" and next(refused, None) is not None
        return refusal(429, "TOOMANYREQUESTS", "Rate exceeded") if busy else None

    with fake_registry(rule) as address:
        where = f"{address}/team/job"
        assert push(docker_client, image, where, "v1", auth=lambda: ("AWS", "x"), clock=clock)
    assert clock.now == 3.0


def test_retries_of_the_daemon_are_shown_and_ended(docker_client: DockerClient, image: str) -> None:
    """
    The daemon repeats failed requests for most of a minute, but not beyond the deadline.
    """
    clock, shown = FakeClock(), list[str]()

    def watch(layer: LayerProgress) -> None:
        shown.append(layer.status)
        clock.now += 100 * layer.status.startswith("Retrying")

    broken = uploads((500, "text/plain", "no space left"))
    with fake_registry(broken) as address, pytest.raises(PushFailed, match="Retrying") as caught:
        push(
            docker_client, image, f"{address}/team/job", "v1", auth=lambda: ("AWS", "x"),
            on_layer=watch, clock=clock, deadline=60,
        )  # fmt: skip
    assert caught.value.reason == "TimedOut"
    assert shown[-1].startswith("Retrying in ")
    gc.collect()


def test_a_registry_that_hangs_is_given_up(docker_client: DockerClient, image: str) -> None:
    """
    The deadline ends a push to a registry that sends nothing.
    """
    with fake_registry(everything(HANG)) as address, pytest.raises(PushFailed) as caught:
        where = f"{address}/team/job"
        push(docker_client, image, where, "v1", auth=lambda: ("AWS", "x"), deadline=1)
    assert caught.value.reason == "TimedOut"
    gc.collect()
