from __future__ import annotations

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
