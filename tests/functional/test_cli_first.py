"""
The command, as a new user types it for the first time; the embedded AWS is this test's own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from batchkit import local_aws
from batchkit.cli.terminal import Exit
from command import Cli


def test_a_first_stack_from_nothing_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    init, plan, up, plan, run, status, list, outputs, down: what the help tells a new user.
    """
    monkeypatch.chdir(tmp_path)
    with local_aws(docker=False) as session:
        cli = Cli(session)
        assert cli("init").stdout.split() == ["batchkit.toml", "job/Dockerfile", "job/main.py"]
        assert "Vpc hello" in cli("plan", code=Exit.CHANGES).stdout
        made = cli("up")
        assert "hello stands" in made.stdout and "+ create Vpc hello" in made.stderr
        assert "to keep" in cli("plan").stdout
        assert "0 changes" in cli("up").stdout
        assert cli("run", "--wait").stderr == "  | Hello!\nSUCCEEDED\n"
        assert "SUCCEEDED" in cli("status").stdout
        assert cli("list").stdout == "hello\n"
        assert "deleted" in cli("down", "--yes").stdout
        assert cli("list").stdout == "no stacks here\n"
