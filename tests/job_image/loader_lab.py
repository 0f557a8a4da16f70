"""
The loader run in this process or as a child, on a fake AWS.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
JOB_IMAGE = HERE.parent.parent / "job_image"
sys.path[:0] = [str(JOB_IMAGE), str(HERE)]

from fake_aws import fake_aws  # noqa: E402
from fake_state import ACCESS_KEY, SECRET_KEY, TOKEN, FakeAws  # noqa: E402


class Ran(NamedTuple):
    """
    What a run of the loader left behind.
    """

    code: int
    summary: dict[str, Any]
    out: str
    err: str


class SkippingClock:
    """
    A clock whose waits take no time.
    """

    def __init__(self) -> None:
        self.skipped = 0.0

    def now(self) -> float:
        """
        The time with all waits added.
        """
        return time.monotonic() + self.skipped

    def wait(self, seconds: float) -> None:
        """
        *seconds* are over at once.
        """
        self.skipped += seconds


def start_child(environ: dict[str, str], *command: str) -> subprocess.Popen[str]:
    """
    The loader, or another *command* of Python's, as a process of its own, which gets only *environ*
    and what any process has.
    """
    bare = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(JOB_IMAGE),
    }
    return subprocess.Popen(
        [sys.executable, *(command or [str(JOB_IMAGE / "main.py")])],
        env={**bare, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def end_child(child: subprocess.Popen[str]) -> Ran:
    """
    What *child* left behind.
    """
    out, err = child.communicate(timeout=60)
    lines = out.splitlines()
    return Ran(child.returncode, json.loads(lines[-1]) if lines else {}, out, err)


def csv_of(rows: list[tuple[object, object]]) -> bytes:
    """
    A file of keys and values.
    """
    return b"id,n\n" + "".join(f"{key},{value}\n" for key, value in rows).encode()


def stored(aws: FakeAws) -> dict[str, str]:
    """
    Keys and values that the table holds.
    """
    return {key: item["n"] for key, item in aws.plain_items().items()}


def last_of(rows: list[tuple[object, object]]) -> dict[str, str]:
    """
    What the table should hold.
    """
    return {str(key): str(value) for key, value in rows}


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """
    A zip archive of *members*.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def damaged(data: bytes, at: int, bits: int = 1) -> bytes:
    """
    *data* with some bits of the byte *at* flipped.
    """
    whole = bytearray(data)
    whole[at] ^= bits
    return bytes(whole)


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
