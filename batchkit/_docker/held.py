"""
Temporary folders that are held, and those that a killed process has left.

A process that is killed can't tidy up. Its locks go with it, however it ends: a folder whose lock
can be had is nobody's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HELD = "held-"


class HeldFolder:
    """
    A new folder for temporary files, which this process holds until it closes it.
    """

    def __init__(self, prefix: str) -> None:
        made = Path(tempfile.mkdtemp(prefix=prefix))
        self._lock = os.open(made, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Nobody looks at the folder before it has the name, and is locked.
        name = f"{prefix}{_HELD}{made.name.removeprefix(prefix)}"
        self.path = made.rename(made.with_name(name))

    def close(self) -> None:
        """
        The folder is gone.
        """
        remove(self.path)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def remove(folder: Path) -> None:
    """
    *folder* is gone, also where folders in it keep even their owner from writing.
    """
    for at, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if not os.path.islink(path):
                with suppress(OSError):  # it is another user's, or has gone meanwhile
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def abandoned(prefix: str) -> Iterator[Path]:
    """
    The folders of this user that were made as held ones with *prefix*, and that nobody holds.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}{_HELD}*"):
        with _taken(folder) as nobodys:
            if nobodys:
                yield folder


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
