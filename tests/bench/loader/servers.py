"""
What the loaders write to: a server that only says yes, and an emulator that stores.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


class Unavailable(Exception):
    """
    A part of the benchmark that can't run here, and why.
    """


def build_null_server(folder: Path) -> Path:
    """
    The null server as a program in *folder*.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise Unavailable("the null server needs a C compiler and Linux")
    program = folder / "null_server"
    subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / "null_server.c")], check=True)
    return program


@contextmanager
def null_server(program: Path, file: Path, latency_ms: float, per_second: float) -> Iterator[str]:
    """
    The address of a null server that serves *file*.
    """
    port = free_port()
    command = [str(program), str(port), str(file), str(latency_ms), str(per_second)]
    with _running(command, port, {}):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def ministack(file: Path) -> Iterator[str]:
    """
    The address of a ministack that holds *file* in a bucket, and an empty table.
    """
    program = Path(sys.executable).with_name("ministack")
    if not program.exists():
        raise Unavailable("pip install ministack")
    port = free_port()
    with _running(
        [str(program)],
        port,
        {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"},
    ):
        _in_a_child("fill", f"http://127.0.0.1:{port}", str(file))
        yield f"http://127.0.0.1:{port}"


def rows_in(endpoint: str) -> int:
    """
    How many items the table holds.
    """
    return int(_in_a_child("count", endpoint))


def _in_a_child(*arguments: str) -> str:
    """
    What contents.py says. It isn't imported, because wait4 gives a child at least the peak memory
    of the process that started it: this one has to stay small.
    """
    command = [sys.executable, str(HERE / "contents.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def free_port() -> int:
    """
    A port that nobody listens on.
    """
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, more: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Unavailable("the server did not start")
