"""
The loader run in this process or as a child, on a fake AWS.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_aws import ACCESS_KEY, SECRET_KEY, TOKEN, FakeAws, fake_aws  # noqa: E402
from loader_lab import Ran, SkippingClock  # noqa: E402


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    """
    A strict AWS on loopback.
    """
    with fake_aws() as fake:
        yield fake


@pytest.fixture
def run(
    aws: FakeAws,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Ran]]:
    """
    Runs the loader in this process, with the variables that are given.
    """
    from main import main

    held = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)

    def go(**more: str) -> Ran:
        code = main(aws.environ(**more), SkippingClock())
        out, err = capfd.readouterr()
        return Ran(code, json.loads(out.splitlines()[-1]), out, err)

    yield go
    signal.signal(signal.SIGTERM, held)
