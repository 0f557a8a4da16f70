"""
Builds on a fake of docker-py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from batchkit._docker.build import Built, build
from batchkit._docker.context import Context, read_context
from batchkit.errors import BuildFailed, DockerUnavailable
from docker_lab import IMAGE, FakeDocker, Script, error, in_pool, refused, shown
from fakes import FakeClock


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """
    A context of one Dockerfile.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return read_context(tmp_path)


def stream(*lines: str) -> Script:
    """
    Lines of output, as events.
    """
    return [{"stream": line} for line in lines]


def test_a_build_sends_the_context_and_gives_the_image(context: Context) -> None:
    """
    The base is not pulled again, containers are removed, and the tag is that of the sent files.
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
    Each stage reports its image; other auxiliary events are ignored.
    """
    aux = [{"aux": {"ID": "sha256:0"}}, {"aux": {"ID": IMAGE}}, {"aux": {}}, {"aux": "trace"}]
    assert build(FakeDocker([aux]), context).image == IMAGE


def test_output_comes_line_by_line(context: Context) -> None:
    """
    Pieces are joined, colours and overwritten text removed; progress of a pull is no line.
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
    ("", "the --chmod option requires BuildKit. Refer to https://docs.docker.com", "NeedsBuildKit"),
    ("", "failed to process x: unsupported modifier (#) in substitution", "NeedsBuildKit"),
    ("", "dockerfile parse error line 2: unknown instruction: RUNN", "DockerfileInvalid"),
]


@pytest.mark.parametrize(("output", "text", "reason"), BUILDS)
def test_each_failure_of_a_build_has_a_reason_and_advice(
    context: Context, output: str, text: str, reason: str
) -> None:
    """
    The error has the step, Docker's message, the reason and the output.
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
    The last twenty lines are kept, including an unfinished one.
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
    A stream that ends without an image is a failure.
    """
    with pytest.raises(BuildFailed, match="ended without an image"):
        build(FakeDocker([[]]), context)


def test_a_build_has_a_deadline(context: Context) -> None:
    """
    It ends the build both during output and during silence.
    """
    endless = stream(*["more\n"] * 99)
    for script in (endless, [in_pool("Read timed out.")]):
        with pytest.raises(BuildFailed) as caught:
            build(FakeDocker([script]), context, deadline=9, clock=FakeClock(step=1))
        assert caught.value.reason == "TimedOut"


def test_values_of_build_arguments_are_not_shown(context: Context) -> None:
    """
    Asterisks replace the values in all output; short values are no secrets and stay readable.
    """
    args = {"TOKEN": "tok-123456", "KEY": "-----BEGIN\nline-of-key\n", "PY": "3.13"}
    output = "on 3.13 with tok-123456 and line-of-key\n"
    lines: list[str] = []
    with pytest.raises(BuildFailed) as caught:
        script = [*stream(f"Step 1/1 : RUN {output}", output), error(f"tok-123456 {output}")]
        build(FakeDocker([script]), context, build_args=args, on_line=lines.append)
    assert lines[1] == "on 3.13 with *** and ***"
    assert "tok-123456" not in shown(caught.value)
    assert "line-of-key" not in shown(caught.value)
    lost = requests.ConnectionError("Max retries exceeded with url: /v1.41/build?a=tok-123456 (x)")
    with pytest.raises(DockerUnavailable) as unavailable:
        build(FakeDocker([[lost]]), context, build_args=args)
    assert "tok-123456" not in shown(unavailable.value)
