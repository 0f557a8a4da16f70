"""
Builds with BuildKit, by docker's own command `docker buildx`, where it is installed.

BuildKit takes its files and answers over a session that Docker's API and docker-py don't have.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from batchkit._docker.context import Context, Packed
from batchkit._docker.dockerfile import Feature, features
from batchkit.errors import ContextError

# The docker command itself reads variables of these names.
_OWN = re.compile(r"(?i)(DOCKER|BUILDX|BUILDKIT|SSH|XDG)_\w*|PATH|HOME|TMPDIR|\w*_PROXY")
_PATIENCE = 20.0
_VERTEX = re.compile(r"#(\d+) (.*)")
_STEP = re.compile(r"\[(?:\S+ )*\d+/\d+\] .*")
_FAILED = re.compile(r"ERROR: (?:failed to build: )?(?:failed to solve: )?(.*)")


@frozen
class Order:
    """
    What is to be built; the values of *args* are shown nowhere, not even in the list of processes.
    """

    platform: str
    target: str | None
    tag: str | None
    args: Mapping[str, str] = field(repr=False)
    deadline: float = 3600.0


def wanted(context: Context, given: Collection[str] = ()) -> list[Feature]:
    """
    What in the Dockerfile of *context* is for BuildKit.
    """
    data = next(one.data for one in context.entries if one.path == context.dockerfile)
    if data is None:
        path = context.folder / context.dockerfile
        try:
            data = path.read_bytes()
        except OSError as error:
            msg = f"{path} can't be read: {error.strerror}. Make it readable."
            raise ContextError(msg) from error
    return features(data.decode("utf-8", "replace"), given)


def installed() -> bool:
    """
    Whether the docker command is there, and buildx with it.
    """
    command = shutil.which("docker")
    if command is None:
        return False
    try:
        done = subprocess.run(
            [command, "buildx", "version"], capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def build(packed: Packed, order: Order, line: Callable[[str, str], None]) -> tuple[list[str], str]:
    """
    Builds the files of *packed*. Returns the ids under which the daemon may have the image, or
    the text of the failure.

    Args:
        line: Called with each line of the output, and with its step if it is the first of one.
    """
    with tempfile.TemporaryDirectory(prefix="batchkit-build-") as folder:
        root, about = Path(folder, "context"), Path(folder, "metadata.json")
        with tarfile.open(fileobj=packed.file, encoding="utf-8") as tar:
            # The files are the user's own, and keep their modes.
            tar.extraction_filter = lambda member, path: member
            tar.extractall(root)
        failure = _run(_command(packed, order, root, about), order, line)
        return ([], failure) if failure else (_ids(about), "")


def _command(packed: Packed, order: Order, root: Path, about: Path) -> list[str]:
    passed = [name if _aside(name) else f"{name}={value}" for name, value in order.args.items()]
    return [
        *("docker", "buildx", "build", "--load", "--progress", "plain"),
        *("--platform", order.platform, "--metadata-file", str(about)),
        *("--file", str(root / packed.dockerfile)),
        *(("--target", order.target) if order.target else ()),
        *(("--tag", order.tag) if order.tag else ()),
        *(word for name in passed for word in ("--build-arg", name)),
        str(root),
    ]


def _aside(name: str) -> bool:
    """
    Whether the value of a build argument can be given as a variable, which others can't read.
    """
    return not _OWN.fullmatch(name) and name not in os.environ


def _run(command: list[str], order: Order, line: Callable[[str, str], None]) -> str:
    variables = {name: value for name, value in order.args.items() if _aside(name)}
    # Attestations would make the image a list, which `--load` can't load into every daemon.
    variables["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
    failure, late = "", threading.Event()
    with _process(command, variables) as process:
        timer = threading.Timer(order.deadline, _end, (process, late))
        timer.daemon = True
        timer.start()
        try:
            for shown, step, text in _read(process):
                line(shown, step)
                failure = text or failure
            code = process.wait()
        finally:
            timer.cancel()
    if late.is_set():
        return "not done when the time allowed was over"
    return (failure or f"docker buildx ended with {code}") if code else ""


@contextmanager
def _process(command: list[str], variables: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """
    The running command; it has ended when the block ends, however that is.
    """
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes], late: threading.Event | None = None) -> None:
    if process.poll() is None:
        if late is not None:
            late.set()
        os.killpg(process.pid, signal.SIGKILL)


def _read(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, str, str]]:
    """
    Each line of the output, the step that it begins or fails in, and the failure that it tells.
    """
    assert process.stdout is not None
    steps: dict[str, str] = {}
    for raw in process.stdout:
        text = raw.decode("utf-8", "replace").rstrip("\n")
        step, failed = "", _FAILED.match(text)
        if vertex := _VERTEX.match(text):
            number, said = vertex.groups()
            if _STEP.match(said):
                step = steps[number] = said
            elif said.startswith("ERROR: "):
                step = steps.get(number, "")
        yield text, step, failed[1] if failed else ""


def _ids(about: Path) -> list[str]:
    """
    What the metadata say of the image: the id of its configuration, and that of its manifest.
    """
    # A daemon with containerd's image store knows it by the second
    # (https://docs.docker.com/engine/storage/containerd/).
    known = json.loads(about.read_text("utf-8"))
    keys = ("containerimage.config.digest", "containerimage.digest")
    return [known[key] for key in keys if known.get(key)]
