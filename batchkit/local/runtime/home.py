"""
What an embedded AWS holds outside its process, and the removal of what a killed one has left.

A folder that nobody holds is abandoned, and so is what belongs to it: a job's process, containers.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from signal import SIGKILL
from typing import Final

from batchkit._docker.held import HeldFolder, abandoned, remove
from batchkit._docker.settings import daemon

JOB: Final = "batch-job-"
CONTAINERS: Final = "batch-containers-"
LABEL: Final = "batchkit.local-aws"


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
                self._folder.close()
                self._folder = None


def sweep(docker: bool) -> None:
    """
    What killed processes of this user have left is gone: folders, processes, containers.

    Containers wait for a start with *docker*.
    """
    for folder in abandoned(JOB):
        _end_processes(folder)
        remove(folder)
    for folder in abandoned(CONTAINERS) if docker else ():
        if _remove_containers(folder.name):
            remove(folder)


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
