"""
Runs the loaders in turn on the same servers and prints what each one takes.

    python -m tests.bench.loader [--rows 100000] [--runs 3] [--latency 5] [--throttle 0] [--arrays]

CPU (user and system, of the loader's process alone, start-up included) and peak memory come from
wait4. The server shares the machine's cores: trust the CPU seconds more than the rows a second.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .films import make_zip
from .servers import (
    Unavailable,
    build_null_server,
    ministack,
    null_server,
    rows_in,
)

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent


class Loader(NamedTuple):
    """
    One way to load the file.
    """

    name: str
    script: Path
    needs: str


class LoaderRun(NamedTuple):
    """
    What one run took.
    """

    wall: float
    cpu: float
    rss: float


JOB = {
    "LANG": "C.UTF-8",
    "BUCKET": "bucket",
    "FILE_PATH": "movies.zip",
    "TABLE_NAME": "movies",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
}
LOADERS = [
    Loader("the article's", HERE / "clients/article.py", "boto3"),
    Loader("awswrangler put_df", HERE / "clients/awswrangler_client.py", "awswrangler"),
    Loader("pydynox, 4 threads", HERE / "clients/pydynox_client.py", "pydynox"),
    Loader("job_image", ROOT / "job_image/main.py", "orjson"),
]


def measure(loader: Loader, endpoint: str, **more: str) -> LoaderRun:
    """
    One run of *loader*; a failed one ends the benchmark.
    """
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_ENDPOINT_URL": endpoint,
        **JOB,
        **more,
    }
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, str(loader.script)],
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(child, 0)
        wall = time.monotonic() - start
        if status:
            log.seek(0)
            raise Unavailable(f"it failed: {log.read()[-300:].decode(errors='replace')!r}")
    return LoaderRun(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def typical(
    loader: Loader, server: Callable[[], AbstractContextManager[str]], runs: int, stores: bool
) -> tuple[LoaderRun, str]:
    """
    The medians of some runs of *loader*, and the cell that says what is stored after them.
    """
    if importlib.util.find_spec(loader.needs) is None:
        raise Unavailable(f"pip install {loader.needs}")
    with server() as endpoint:
        all_runs = [measure(loader, endpoint) for _ in range(runs)]
        stored = f" {rows_in(endpoint)} |" if stores else ""
    return LoaderRun(*(median(values) for values in zip(*all_runs))), stored


def table(
    title: str,
    server: Callable[[], AbstractContextManager[str]],
    rows: int,
    runs: int,
    stores: bool = False,
    loaders: list[Loader] = LOADERS,
) -> None:
    """
    Prints one table: every loader on its own *server*.
    """
    print(f"\n{title}\n")
    print(f"| loader | CPU-s / 100k rows | rows/s | peak RSS, MB |{' stored |' if stores else ''}")
    print("|---|---|---|---|" + ("---|" if stores else ""))
    base: LoaderRun | None = None
    for loader in loaders:
        try:
            run, stored = typical(loader, server, runs, stores)
        except Unavailable as why:
            print(f"| {loader.name} | skipped: {why} | | |", flush=True)
            continue
        base = base or run
        print(
            f"| {loader.name} | {run.cpu * 1e5 / rows:.2f} ({base.cpu / run.cpu:.1f}x less) "
            f"| {rows / run.wall:,.0f} ({base.wall / run.wall:.1f}x) "
            f"| {run.rss:.0f} ({base.rss / run.rss:.1f}x less) |{stored}",
            flush=True,
        )


def array_table(endpoint: str, rows: int) -> None:
    """
    Prints what 1, 2 and 4 workers of an array take, one after the other.
    """
    print("\nArray jobs on the null server: each worker on its own, one after the other\n")
    print("| workers | wall of the slowest, s | CPU-s / 100k rows, all workers | peak RSS, MB |")
    print("|---|---|---|---|")
    for size in (1, 2, 4):
        runs = [
            measure(
                LOADERS[-1],
                endpoint,
                AWS_BATCH_JOB_ARRAY_INDEX=str(index),
                AWS_BATCH_JOB_ARRAY_SIZE=str(size),
            )
            for index in range(size)
        ]
        cpu = sum(run.cpu for run in runs) * 1e5 / rows
        print(
            f"| {size} | {max(run.wall for run in runs):.2f} | {cpu:.2f} "
            f"| {max(run.rss for run in runs):.0f} |",
            flush=True,
        )


def null_tables(
    given: argparse.Namespace, program: Path, file: Path, loaders: list[Loader]
) -> None:
    """
    Prints the tables of the null server.
    """
    limits = [("no latency", 0.0, 0.0), (f"{given.latency:g} ms a request", given.latency, 0.0)]
    if given.throttle:
        limits.append((f"{given.throttle:g} items a second", 0.0, given.throttle))
    for title, latency, limit in limits:
        table(
            f"Null server, {title}",
            lambda: null_server(program, file, latency, limit),
            given.rows,
            given.runs,
            loaders=loaders,
        )
    if given.arrays:
        with null_server(program, file, 0, 0) as endpoint:
            array_table(endpoint, given.rows)


def options() -> argparse.Namespace:
    """
    The command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loader")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=5, help="ms, for the second table")
    parser.add_argument("--throttle", type=float, default=0, help="items a second, 0: no table")
    parser.add_argument("--arrays", action="store_true", help="1, 2 and 4 workers too")
    parser.add_argument("--only", default="", help="a part of the loaders' names")
    return parser.parse_args()


def main() -> None:
    """
    Prints all tables that can be had here.
    """
    given = options()
    loaders = [loader for loader in LOADERS if given.only in loader.name]
    folder = Path(tempfile.gettempdir()) / "batchkit-bench"
    folder.mkdir(exist_ok=True)
    file = make_zip(given.rows, folder / f"films-{given.rows}.zip")
    print(f"{given.rows:,} rows, median of {given.runs} runs, Python {sys.version.split()[0]}")
    try:
        null_tables(given, build_null_server(folder), file, loaders)
    except Unavailable as why:
        print(f"\nNull server: skipped: {why}")
    table(
        "ministack, which stores: its own speed is the limit",
        lambda: ministack(file),
        given.rows,
        1,
        stores=True,
        loaders=loaders,
    )


if __name__ == "__main__":
    main()
