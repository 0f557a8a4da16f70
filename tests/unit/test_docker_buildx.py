"""
Dockerfiles for BuildKit: what makes one, and their builds by a docker command that writes down
how it was called.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from docker_lab import IMAGE, FakeDocker, shown
from hypothesis import given, strategies as st

from batchkit._docker.build import Built, build
from batchkit._docker.buildx import installed
from batchkit._docker.context import read_context
from batchkit._docker.dockerfile import features
from batchkit.errors import BuildFailed

SECRET = "tok-123456"
MANIFEST = "sha256:" + "2" * 64
NEEDY = "FROM scratch\nRUN --mount=type=cache,target=/c make\n"

NEEDED = [
    ("FROM a\nRUN <<EOF\nCOPY --link a b\nEOF\n", ["RUN <<EOF in line 2"]),
    (
        "FROM a\nRUN cat <<-'A' <<B > /x \\\n && y\nz\n\tA\nB\nADD --link x y",
        ["<<A in line 2", "ADD --link in line 7"],
    ),
    ("FROM a\nCOPY <<f.txt /b\nADD --link\nf.txt\nRUN x", ["COPY <<f.txt in line 2"]),
    ("FROM a\nRUN --mount=type=cache,target=/x \\\n # c\n\\\n  pip", ["RUN --mount in line 2"]),
    ("FROM a\nonbuild run --mount=type=ssh x", ["RUN --mount in line 2"]),
    (
        "FROM a\nRUN --network=none x\nRUN --security=insecure x",
        ["RUN --network", "RUN --security"],
    ),
    ("FROM a\nCOPY --chown=1 --chmod=644 a b", ["COPY --chmod in line 2"]),
    (
        "FROM a\nCOPY --from=x --link --parents --exclude=c a b",
        ["COPY --link", "--parents", "--excl"],
    ),
    ("FROM --platform=$BUILDPLATFORM a", ["FROM with $BUILDPLATFORM in line 1"]),
    ("FROM --platform=linux/${TARGETARCH} a", ["FROM with $TARGETARCH in line 1"]),
    ("FROM a\nARG TARGETARCH\nRUN get-$TARGETARCH", ["ARG TARGETARCH in line 2"]),
    ("FROM a\nADD https://h/a/b.git#v1 /x", ["ADD of a Git repository in line 2"]),
    ("FROM a\nADD git@github.com:a/b /x", ["ADD of a Git repository in line 2"]),
    ("FROM a\nADD --checksum=sha256:1 http://x /y", ["ADD --checksum in line 2"]),
    ("FROM a\nADD --keep-git-dir=true x /y", ["ADD --keep-git-dir in line 2"]),
    ("# syntax = my/frontend\nFROM a", ["# syntax= in line 1"]),
    ("# escape=`\nFROM a\nRUN x `\n --mount\nRUN --mount=type=ssh y", ["RUN --mount in line 5"]),
]
CLASSIC = [
    "FROM --platform=linux/amd64 a AS b\nCOPY --from=b --chown=1 x y\nRUN ls --all\n",
    "ARG BUILDPLATFORM=linux/amd64\nFROM --platform=${BUILDPLATFORM} a\nARG TARGETARCH=arm64\n",
    'FROM a\nRUN echo $((1 << 3)) <<< x && cat "<<EOF"\nRUN ["cat", "<<EOF"]\nCMD cat <<EOF\n',
    "# hi\n# syntax=my/frontend\nFROM a\n# RUN --mount=x\nHEALTHCHECK --interval=5s CMD x\n",
    "# syntax=docker/dockerfile:1.7\nFROM a\nENV A=${B:-1} C=${D:+2}\nRUN echo ${A#x} 'don\\'t\n",
    "FROM a\nADD https://h/a.tar.gz /x\nRUN echo \\\n --mount=1 \\\n\n --mount=2\n",
]


@pytest.mark.parametrize(("text", "words"), NEEDED)
def test_what_only_buildkit_builds_is_found(text: str, words: list[str]) -> None:
    """
    With its word and line; what stands in a heredoc or a comment doesn't count.
    """
    found = [str(one) for one in features(text) if one.needed]
    assert len(found) == len(words)
    assert all(word in one for one, word in zip(found, words, strict=True))


@pytest.mark.parametrize("text", CLASSIC)
def test_what_the_daemon_builds_by_itself_needs_no_buildkit(text: str) -> None:
    """
    A comment `# syntax=docker/dockerfile` alone doesn't need it.
    """
    assert [str(one) for one in features(text) if one.needed] == []


@pytest.mark.parametrize("text", ["# syntax=docker/dockerfile:1\nFROM a", "FROM a\nENV A=${B#x}"])
def test_what_buildkit_builds_better_is_found(text: str) -> None:
    """
    It builds that too where it is there; without it, the daemon may.
    """
    assert [one.needed for one in features(text)] == [False]


def test_an_argument_that_is_given_needs_no_buildkit() -> None:
    """
    Only BuildKit has TARGETARCH of itself.
    """
    text = "FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH\n"
    assert features(text, {"TARGETARCH", "BUILDPLATFORM"}) == []


@given(st.text(st.sampled_from("FROM RUNADD<>-=$#{}\\\"'\n\tEOF")))
def test_any_text_is_read(text: str) -> None:
    """
    What is no Dockerfile is left to Docker's own words.
    """
    assert all(one.line >= 1 for one in features(text))


COMMAND = """#!{python}
import json, os, stat, sys
from pathlib import Path
home, words = Path({home!r}), sys.argv[1:]
if words[:2] == ["buildx", "version"]:
    sys.exit(0)
root = Path(words[-1])
listed = {{str(p.relative_to(root)): oct(stat.S_IMODE(p.stat().st_mode)) for p in root.rglob("*")}}
(home / "called.json").write_text(json.dumps([words, dict(os.environ), listed, str(root)]))
script = json.loads((home / "script.json").read_text())
print(*script["lines"], sep="\\n", flush=True)
os.execvp("sleep", ["sleep", "60"]) if script["code"] is None else None
Path(words[words.index("--metadata-file") + 1]).write_text(json.dumps(script["metadata"]))
sys.exit(script["code"])
"""


class Command:
    """
    The docker command with buildx, as a program that plays its script.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        path = home / "bin/docker"
        path.parent.mkdir()
        path.write_text(COMMAND.format(python=sys.executable, home=str(home)))
        path.chmod(0o755)

    def plays(self, *lines: str, code: int | None = 0, **metadata: str) -> None:
        known = {f"containerimage.{name.replace('_', '.')}": v for name, v in metadata.items()}
        script = {"lines": lines, "code": code, "metadata": known}
        (self.home / "script.json").write_text(json.dumps(script))

    @property
    def called(self) -> Any:
        return json.loads((self.home / "called.json").read_text())


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """
    buildx is installed.
    """
    made = Command(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A context whose Dockerfile needs BuildKit.
    """
    made = tmp_path / "context"
    made.mkdir()
    (made / "Dockerfile").write_text(NEEDY)
    (made / "key").write_text("k")
    (made / "key").chmod(0o600)
    return made


def test_buildx_builds_what_needs_it(command: Command, folder: Path) -> None:
    """
    From exactly the files of the context, with their modes; the daemon's id of the image is told.
    """
    command.plays("#5 [2/2] RUN make", "#5 0.3 made", config_digest=IMAGE, digest=MANIFEST)
    docker = FakeDocker(images={IMAGE: {"Id": IMAGE}})
    lines: list[str] = []
    context, args = read_context(folder), {
        "A": "1",
        "TOKEN": "tok-123456",
        "HTTP_PROXY": "http://p",
    }
    built = build(docker, context, build_args=args, target="t", tag="n:1", on_line=lines.append)
    assert built == Built(IMAGE, context.tag(args, "t"))
    assert lines == ["#5 [2/2] RUN make", "#5 0.3 made"] and docker.calls == []
    words, variables, listed, root = command.called
    assert words[:5] == ["buildx", "build", "--load", "--progress", "plain"]
    text = " ".join(words)
    assert "--platform linux/amd64" in text and "--target t --tag n:1" in text
    assert "--build-arg TOKEN " in text and "--build-arg HTTP_PROXY=http://p" in text
    assert "tok-123456" not in text and variables["TOKEN"] == "tok-123456"
    assert set(listed) == {"Dockerfile", "key"} and listed["key"] == "0o600"
    assert not Path(root).exists()


def test_a_daemon_may_know_the_image_by_its_manifest(command: Command, folder: Path) -> None:
    """
    As with containerd's store of images; one that the daemon doesn't have is a failure.
    """
    command.plays(config_digest=IMAGE, digest=MANIFEST)
    docker = FakeDocker(images={MANIFEST: {"Id": MANIFEST}})
    assert build(docker, read_context(folder)).image == MANIFEST
    with pytest.raises(BuildFailed, match="ended without an image"):
        build(FakeDocker(), read_context(folder))


RUN = 'process "/bin/sh -c tok-123456 parse error" did not complete successfully: exit code: '
FAILURES = [
    (f"ERROR: failed to solve: {RUN}2", "StepFailed", "[2/2] RUN make ***"),
    (f"ERROR: failed to build: failed to solve: {RUN}137", "OutOfMemory", "[2/2] RUN make ***"),
    (
        "ERROR: failed to solve: dockerfile parse error on line 2: unknown x",
        "DockerfileInvalid",
        "",
    ),
    ("ERROR: error getting credentials - err: exec: docker-credential-x", "HelperMissing", ""),
]


@pytest.mark.parametrize(("text", "reason", "step"), FAILURES)
def test_a_failure_of_buildkit_has_reason_step_and_lines(
    command: Command, folder: Path, text: str, reason: str, step: str
) -> None:
    """
    The step is the one that failed, and no value of a build argument is shown.
    """
    failed = ["#6 [2/2] RUN make tok-123456", "#7 [other 1/2] RUN x"] if step else []
    error = ["#6 ERROR: exit code"] if step else []
    command.plays(*failed, "#6 0.1 on tok-123456", *error, text, code=1)
    args = {"T": SECRET}
    with pytest.raises(BuildFailed) as caught:
        build(FakeDocker(), read_context(folder), build_args=args)
    assert (caught.value.reason, caught.value.step) == (reason, step)
    assert "#6 0.1 on ***" in caught.value.log
    assert SECRET not in shown(caught.value)


def test_a_build_with_buildx_has_a_deadline(command: Command, folder: Path) -> None:
    """
    The command has ended after it, and its files are gone.
    """
    command.plays("#1 begun", code=None)
    with pytest.raises(BuildFailed) as caught:
        build(FakeDocker(), read_context(folder), deadline=1)
    assert caught.value.reason == "TimedOut"
    assert not Path(command.called[3]).exists()


def test_without_buildx_the_word_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Before anything is sent; what needs no BuildKit goes to the daemon.
    """
    monkeypatch.setenv("PATH", "/nowhere")
    assert not installed()
    with pytest.raises(BuildFailed, match=r"needs BuildKit \(RUN --mount in line 2\)") as caught:
        build(FakeDocker(), read_context(folder))
    assert caught.value.reason == "NeedsBuildKit"
    (folder / "Dockerfile").write_text("# syntax=docker/dockerfile:1\nFROM scratch\n")
    docker = FakeDocker([[{"aux": {"ID": IMAGE}}]])
    assert build(docker, read_context(folder)).image == IMAGE


def test_a_docker_command_without_buildx_is_found_out(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The command may be there without its plugin, or be no program.
    """
    assert installed()
    (command.home / "bin/docker").write_text("#!/bin/sh\nexit 1\n")
    assert not installed()
    (command.home / "bin/docker").write_text("\0")
    assert not installed()
