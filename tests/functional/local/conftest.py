"""
The fixtures of these tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_lab import Lab

from batchkit.local import local_aws


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """
    An embedded AWS whose jobs are child processes.
    """
    with local_aws(docker=False) as session:
        yield Lab(session, tmp_path)


@pytest.fixture
def job_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The folder in which jobs that are child processes have their files; only this test uses it.
    """
    folder = tmp_path_factory.mktemp("jobs")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
