"""
The folder of one embedded AWS, and the removal of what a killed process has left.

A process that is killed can't tidy up. The lock on its folder goes with it, however it ends: a
folder whose lock can be had is nobody's, and so are its jobs' files, processes and containers.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from batchkit._docker.settings import daemon

PREFIX = "batchkit-local-"
LABEL = "batchkit.local-aws"
_LOCK = "lock"
_CONTAINERS = "containers"


class Home:
    """
    The folder of one embedded AWS. It is made when it is first asked for.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._lock = -1

    @property
    def folder(self) -> Path:
        """
        The folder, which is there after the call, and locked.
        """
        with self._guard:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
                new = self._folder / "new"
                self._lock = os.open(new, os.O_CREAT | os.O_RDWR, 0o600)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                new.rename(self._folder / _LOCK)  # nobody sees the file before it is locked
            return self._folder

    def job_prefix(self) -> str:
        """
        How the names of its jobs' folders begin.
        """
        return _job_prefix(self.folder)

    def labels(self) -> dict[str, str]:
        """
        The labels of a container of this embedded AWS; its folder says that there may be some.
        """
        (self.folder / _CONTAINERS).touch()
        return {LABEL: self.folder.name}

    def remove(self) -> None:
        """
        The folder is gone.
        """
        with self._guard:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                os.close(self._lock)
                self._folder = None


def _job_prefix(folder: Path) -> str:
    return f"batch-job-{folder.name.removeprefix(PREFIX)}-"


def sweep(docker: bool) -> None:
    """
    What killed processes of this user have left is gone: folders, processes, containers.

    A folder whose embedded AWS had containers waits for a start with *docker*.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with _taken(folder) as nobodys:
            if nobodys and (docker or not (folder / _CONTAINERS).exists()):
                _end_processes(folder)
                if not (folder / _CONTAINERS).exists() or _remove_containers(folder.name):
                    for one in (*folder.parent.glob(f"{_job_prefix(folder)}*"), folder):
                        shutil.rmtree(one, ignore_errors=True)


@contextmanager
def _taken(folder: Path) -> Iterator[bool]:
    """
    Whether *folder* is a folder of this user's that no process holds.
    """
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            yield False
            return
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _locked(lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _end_processes(folder: Path) -> None:
    """
    The jobs' processes have received SIGKILL: those that /proc tells to live in its folders.
    """
    start = folder.parent / _job_prefix(folder)
    marks = (f"HOME={start}".encode(), f"TMPDIR={start}".encode())
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if any(one.startswith(marks) for one in environ.read_bytes().split(b"\0")):
                os.kill(int(environ.parent.name), SIGKILL)
        except OSError:
            continue  # it has ended, or is another user's


def _remove_containers(owner: str) -> bool:
    """
    The containers of *owner* are gone. Returns False if Docker didn't do it.
    """
    import docker

    try:
        client = docker.DockerClient(**daemon())
    except docker.errors.DockerException:
        return False
    try:
        label = f"{LABEL}={owner}"
        for container in client.containers.list(
            all=True, filters={"label": label}, ignore_removed=True
        ):
            container.remove(force=True)
    except docker.errors.APIError:
        return False
    finally:
        client.close()
    return True
