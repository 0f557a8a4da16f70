"""
Programs with an embedded AWS, to be stopped or killed while a job of theirs runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = f"""
import os, sys, threading
from pathlib import Path
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent.parent)!r}]
from local_lab import Lab
from batchkit.local import local_aws

with local_aws(docker=bool(sys.argv[2:])) as session:
    lab = Lab(session, Path(sys.argv[1]), image=(sys.argv[2:] or ["local/job:v1"])[0])
    job = lab.submit("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    lab.running(job)
    print(lab.until(lambda: lab.lines(lab.job(job)))[0], flush=True)
    threading.Event().wait()
"""


@contextmanager
def job_runs(temporary: Path, *image: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """
    A program in whose embedded AWS a job runs, and the job's process id as the job sees it.
    """
    folder = temporary.parent / f"folder-of-{time.monotonic_ns()}"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), *image],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            yield program, int(program.stdout.readline())
        finally:
            program.kill()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The folder for temporary files, of this process too.
    """
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made
