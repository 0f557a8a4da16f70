"""
Makes, checks, changes and removes a stack with each tool, and prints what that takes.

    python -m tests.bench.provisioning [--latency 60] [--runs 3] [--scale 0.1] [--full]

Each tool is a process of its own, interpreter and imports included, and talks over HTTP to an
embedded AWS behind a proxy that delays every call.  The slow states of a real account follow,
`--scale` times as long, or with `--full` as they are (five minutes).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

from . import terraform
from .proxy import LatencyProxy, Log
from .slow import FULL, Delays

HERE = "tests.bench.provisioning"
PHASES = {
    "create": ("ensure", "4"),
    "no-op": ("ensure", "4"),
    "drift": ("ensure", "8"),
    "destroy": ("destroy",),
}
PYTHON = {
    "plain boto3": (sys.executable, "-m", f"{HERE}.sequential"),
    "batchkit": (sys.executable, "-m", f"{HERE}.with_batchkit"),
}


class ProvisioningRun(NamedTuple):
    """
    What one process took, and the calls that it made.
    """

    wall: float
    cpu: float
    log: Log


def measure(proxy: LatencyProxy, command: Sequence[str], latency: float) -> ProvisioningRun:
    """
    One process; a failed one ends the benchmark.
    """
    proxy.reset(latency)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTHON"))}
    environ = {
        **kept,
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    began = time.monotonic()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return ProvisioningRun(wall, used.ru_utime + used.ru_stime, proxy.log)


def cycle(proxy: LatencyProxy, tool: Sequence[str], latency: float) -> dict[str, ProvisioningRun]:
    """
    Each phase once.
    """
    return {
        phase: measure(proxy, (*tool, *arguments), latency) for phase, arguments in PHASES.items()
    }


@contextmanager
def embedded() -> Iterator[LatencyProxy]:
    """
    A proxy in front of an embedded AWS that is warm: its first calls load much.
    """
    server = subprocess.Popen(
        (sys.executable, "-m", f"{HERE}.server"),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        with LatencyProxy(server.stdout.readline().strip()) as proxy:
            for tool in PYTHON.values():
                cycle(proxy, tool, 0.0)
            yield proxy
    finally:
        server.communicate()


def latency_table(proxy: LatencyProxy, latency: float, runs: int) -> None:
    """
    Prints every phase of every tool with *latency* a call: the medians of the times.
    """
    taken: dict[str, list[dict[str, ProvisioningRun]]] = {}
    with terraform.prepared() as more:
        for _ in range(runs):  # in turn: what else the machine does meets all alike
            for name, tool in {**PYTHON, **more}.items():
                taken.setdefault(name, []).append(cycle(proxy, tool, latency))
    print(
        f"\n{latency * 1000:.0f} ms a call, median of {runs}, " f"load {os.getloadavg()[0]:.1f}\n",
        flush=True,
    )
    print("| phase | tool | wall, s | | CPU, s | calls (reads + mutations) | depth | in flight |")
    print("|---|---|---|---|---|---|---|---|")
    for phase in PHASES:
        base = median(each[phase].wall for each in taken["plain boto3"])
        for name, cycles in taken.items():
            print(row(phase, name, [each[phase] for each in cycles], base), flush=True)


def row(phase: str, name: str, runs: list[ProvisioningRun], base: float) -> str:
    """
    A line of the table; *base* is what the plain script took.
    """
    wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
    log = min((run.log for run in runs), key=lambda log: log.depth)
    calls = f"{len(log.calls)} ({log.reads} + {len(log.calls) - log.reads})"
    return (
        f"| {phase} | {name} | {wall:.2f} | {base / wall:.1f}x | {cpu:.2f} "
        f"| {calls} | {log.depth} | {log.most_in_flight} |"
    )


def slow_table(proxy: LatencyProxy, latency: float, scale: float) -> None:
    """
    Prints create and destroy with slow states, beside the longest chain of those.
    """
    delays = FULL.scaled(scale)
    paths = {"create": creating(delays), "destroy": destroying(delays)}
    print(f"\n{latency * 1000:.0f} ms a call and slow states, {scale:g} of {FULL}\n", flush=True)
    print("| phase | tool | wall, s | its critical path, s | ratio | beyond it, s |")
    print("|---|---|---|---|---|---|")
    for name, tool in PYTHON.items():
        proxy.reset(latency, delays)
        for phase, path in paths.items():
            wall = measure(proxy, (*tool, *PHASES[phase]), latency).wall
            print(
                f"| {phase} | {name} | {wall:.2f} | {path:.1f} | {wall / path:.3f} "
                f"| {wall - path:.2f} |",
                flush=True,
            )
    proxy.reset(0.0, Delays())


def creating(delays: Delays) -> float:
    """
    The NAT gateway, or what Batch makes one after the other.
    """
    return max(delays.nat_create, delays.computeenvironment_create + delays.jobqueue_create)


def destroying(delays: Delays) -> float:
    """
    The NAT gateway, or the queue and then its environment, which is disabled meanwhile.
    """
    queue = delays.jobqueue_update + delays.jobqueue_delete
    return max(delays.nat_delete, queue + delays.computeenvironment_delete)


def main() -> None:
    """
    Prints both tables.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {HERE}", description=__doc__.split("\n")[1])
    parser.add_argument("--latency", type=float, default=60, help="milliseconds a call")
    parser.add_argument("--runs", type=int, default=3, help="cycles of each tool")
    parser.add_argument("--scale", type=float, default=0.1, help="of the slow states")
    parser.add_argument("--full", action="store_true", help="slow states as they are")
    given = parser.parse_args()
    with embedded() as proxy:
        latency_table(proxy, given.latency / 1000, given.runs)
        slow_table(proxy, given.latency / 1000, 1.0 if given.full else given.scale)


if __name__ == "__main__":
    main()
