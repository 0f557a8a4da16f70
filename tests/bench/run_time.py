"""
What `stack.run(wait=True)` on the embedded AWS adds to the time of the job itself.

    python tests/bench/run_time.py [--runs 10]

The baseline is the job's own time, from its start to its end, as AWS tells it.  The first run of a
process stands apart: it loads what later ones find there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from batchkit import Stack, StackSpec, ensure_stack, local_aws

MOST = 0.3
"""Seconds that a run may add."""
DOCKERFILE = "FROM python:3\nWORKDIR /app\nCOPY . .\nCMD python main.py\n"


def added(stack: Stack) -> tuple[float, float]:
    """
    The seconds that one run took, and those of its job.
    """
    began = time.monotonic()
    run = stack.run(wait=True)
    taken = time.monotonic() - began
    attempt = run.jobs[0].attempts[-1]
    assert attempt.started is not None and attempt.stopped is not None
    return taken, attempt.stopped - attempt.started


def main() -> int:
    """
    Prints the table; 1 if the later runs add more than they may.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="runs after the first")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, local_aws() as session:
        Path(folder, "Dockerfile").write_text(DOCKERFILE)
        Path(folder, "main.py").write_text("print('hello')\n")
        stack = ensure_stack(StackSpec(name="bench", image=Path(folder)), session=session)
        first, *later = [added(stack) for _ in range(given.runs + 1)]
    print("| run | whole, s | the job itself, s | added, s |")
    print("|---|---|---|---|")
    usual = median(run - job for run, job in later)
    print(f"| first | {first[0]:.2f} | {first[1]:.2f} | {first[0] - first[1]:.2f} |")
    whole, job = (median(column) for column in zip(*later))
    print(f"| later, median of {len(later)} | {whole:.2f} | {job:.2f} | {usual:.2f} |")
    return int(usual > MOST)


if __name__ == "__main__":
    sys.exit(main())
