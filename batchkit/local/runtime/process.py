"""
A job's container as a child process. It has the image's files and the job's environment only.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, Signals

from batchkit.local.runtime.container import CannotStart, Container
from batchkit.local.runtime.images import FakeImage, inside

_PYTHON = re.compile(r"(/usr(/local)?/bin/)?python(3(\.\d+)?)?")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProcessContainer(Container):
    """
    A process group with its own file tree, which is removed with it.
    """

    def __init__(
        self,
        image: FakeImage,
        command: Sequence[str],
        environment: Mapping[str, str],
        prefix: str = "batch-job-",
    ) -> None:
        super().__init__()
        self._root = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            self._process = _start(self._root, image, command, environment)
        except OSError as error:
            self.remove()
            msg = f"CannotStartContainerError: failed to create new container runtime task: {error}"
            raise CannotStart(msg) from error

    def lines(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            yield from output

    def ended(self) -> int:
        code = self._process.wait()
        # As in a container, the other processes end with the first one.
        self._signal_group(SIGKILL)
        return code if code >= 0 else 128 - code

    def signal(self, number: Signals) -> None:
        if self._process.poll() is None:
            self._signal_group(number)

    def _signal_group(self, number: Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def remove(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)


def _start(
    root: Path, image: FakeImage, command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    workdir = image.unpack(root)
    (root / "tmp").mkdir(exist_ok=True)
    argv = [_here(root, word) for word in image.recipe.argv(tuple(command))]
    if not argv:
        raise FileNotFoundError("no command specified")
    if _PYTHON.fullmatch(argv[0]):
        argv[0] = sys.executable
    return subprocess.Popen(
        argv,
        cwd=workdir,
        env={**_base(root, image), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _base(root: Path, image: FakeImage) -> dict[str, str]:
    baked = {name: _paths_here(root, value) for name, value in image.recipe.environment.items()}
    # The shell form's `python` must be this one too; a link would lose its virtual environment.
    path = f"{os.path.dirname(sys.executable)}:{_PATH}"
    return {**baked, "PATH": path, "HOME": str(root), "TMPDIR": f"{root}/tmp", "LANG": "C.UTF-8"}


def _here(root: Path, word: str) -> str:
    if not word.startswith("/") or word.startswith("//"):
        return word
    path = inside(root, word)
    return str(path) if path.exists() else word


def _paths_here(root: Path, value: str) -> str:
    return ":".join(_here(root, part) for part in value.split(":"))


def words(command: str | Sequence[str] | None) -> list[str]:
    """
    A job's command as a list.
    """
    return shlex.split(command) if isinstance(command, str) else list(command or ())
