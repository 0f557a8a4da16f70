"""
Temporary folders that are held.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from batchkit._docker.held import HeldFolder, abandoned


def test_a_folder_is_abandoned_when_nobody_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither one that is held counts, nor a link or file of such a name.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "x-held-left").mkdir()
    (tmp_path / "x-held-file").touch()
    (tmp_path / "x-held-link").symlink_to(tmp_path / "x-held-left")
    with closing(HeldFolder("x-")) as held:
        assert held.path.is_dir()
        assert list(abandoned("x-")) == [tmp_path / "x-held-left"]
    assert not held.path.exists()


def test_a_folder_that_may_not_be_written_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As a context may have some; what a link in it points to is left as it is.
    """
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        with tempfile.TemporaryDirectory() as other, closing(HeldFolder("batchkit-test-")) as held:
            os.chmod(other, 0o750)
            (held.path / "a/b").mkdir(parents=True)
            (held.path / "a/link").symlink_to(other)
            (held.path / "a/b").chmod(0o500)
            (held.path / "a").chmod(0o500)
            held.close()
            assert not held.path.exists() and Path(other).stat().st_mode & 0o777 == 0o750
    finally:
        os.seteuid(user)
