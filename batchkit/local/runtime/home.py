"""
The folders of an embedded AWS, and the removal of what a killed process has left.

A process that is killed can't tidy up. Its locks go with it, however it ends: a folder whose lock
can be had is nobody's, and neither is what belongs to it, a job's process or containers.
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
from typing import Final

from batchkit._docker.settings import daemon

JOB: Final = "batch-job-"
CONTAINERS: Final = "batch-containers-"
LABEL: Final = "batchkit.local-aws"
_HELD = "held-"


class HeldFolder:
    """
    A new folder for temporary files, which this process holds until it removes it.
    """

    def __init__(self, prefix: str) -> None:
        made = Path(tempfile.mkdtemp(prefix=prefix))
        self._lock = os.open(made, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Nobody looks at the folder before it has the name, and is locked.
        name = f"{prefix}{_HELD}{made.name.removeprefix(prefix)}"
        self.path = made.rename(made.with_name(name))

    def remove(self) -> None:
        """
        The folder is gone.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class ContainerLabels:
    """
    The labels of one embedded AWS's containers: they name a folder, which is held as long as it is.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._folder: HeldFolder | None = None

    def labels(self) -> dict[str, str]:
        """
        The labels for a container that is about to be made.
        """
        with self._guard:
            self._folder = self._folder or HeldFolder(CONTAINERS)
            return {LABEL: self._folder.path.name}

    def release(self) -> None:
        """
        The folder is gone. No container of these labels must be left.
        """
        with self._guard:
            if self._folder is not None:
                self._folder.remove()
                self._folder = None


def sweep(docker: bool) -> None:
    """
    What killed processes of this user have left is gone: folders, processes, containers.

    Containers wait for a start with *docker*.
    """
    temporary = Path(tempfile.gettempdir())
    for folder in temporary.glob(f"{JOB}{_HELD}*"):
        with _taken(folder) as nobodys:
            if nobodys:
                _end_processes(folder)
                shutil.rmtree(folder, ignore_errors=True)
    for folder in temporary.glob(f"{CONTAINERS}{_HELD}*") if docker else ():
        with _taken(folder) as nobodys:
            if nobodys and _remove_containers(folder.name):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _taken(folder: Path) -> Iterator[bool]:
    """
    Whether *folder* is a folder of this user's that no process holds.
    """
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield os.fstat(lock).st_uid == os.getuid() and _locked(lock)
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
    A job's processes have received SIGKILL: those that /proc tells to live in *folder*.
    """
    marks = {f"HOME={folder}".encode(), f"TMPDIR={folder}/tmp".encode()}
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marks & set(environ.read_bytes().split(b"\0")):
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
