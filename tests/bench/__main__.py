"""
Runs every benchmark with its own settings: `python -m tests.bench`.
"""

from __future__ import annotations

import subprocess
import sys

BENCHES = {
    "Provisioning": ("-m", "tests.bench.provisioning"),
    "Import": ("tests/bench/import_time.py",),
    "Running a job": ("tests/bench/run_time.py",),
    "The loader": ("-m", "tests.bench.loader", "--arrays", "--throttle", "5000"),
}


def main() -> int:
    """
    Prints the tables of all; 1 if one of them failed.
    """
    failed = 0
    for title, command in BENCHES.items():
        print(f"\n## {title}", flush=True)
        failed |= bool(subprocess.run((sys.executable, *command), check=False).returncode)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
