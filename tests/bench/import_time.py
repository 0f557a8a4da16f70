"""
How long starting takes, beside importing boto3: `python tests/bench/import_time.py`.

Each statement runs in a process of its own, in turns; the fastest of each counts.
"""

from __future__ import annotations

import subprocess
import sys

ROUNDS = 15
BASE = "import boto3"
MOST: dict[str, float | None] = {
    "import batchkit": 1.25,
    "from batchkit import StackSpec, ensure_stack": None,
    "import batchkit.cli": None,
    "from batchkit import local_aws; local_aws().__enter__()": 10,
}
TIMER = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def seconds(statement: str) -> float:
    """
    How long *statement* takes in a fresh process.
    """
    command = [sys.executable, "-c", TIMER.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    """
    Prints the times and their ratios; 1 if one is above its limit.
    """
    statements = (BASE, *MOST)
    times = {statement: float("inf") for statement in statements}
    for _ in range(ROUNDS):
        for statement in statements:
            times[statement] = min(times[statement], seconds(statement))
    failed = 0
    for statement in statements:
        ratio, most = times[statement] / times[BASE], MOST.get(statement)
        limit = f" (at most {most})" if most else ""
        print(f"{times[statement] * 1000:7.0f} ms  {ratio:5.2f} x{limit}  {statement}")
        failed |= most is not None and ratio > most
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
