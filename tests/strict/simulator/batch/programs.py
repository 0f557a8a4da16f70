"""
What the programs of jobs do, and what they write.

The simulator runs no programs. A test says what the program of a command does (`Program`); a
command of which nothing is said succeeds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from ..account import Account, OverlayEntry


class Program(NamedTuple):
    """
    What a program does: for how long, with what exit code, with how many MiB, writing what.

    It may not be *there*, or be for a certain *machine*.  It *calls* AWS at its end, by actions.
    """

    exit: int = 0
    lines: Sequence[str] = ()
    seconds: float = 10
    memory: int = 0
    there: bool = True
    machine: str = ""
    calls: Sequence[str] = ()


def program_of(account: Account, job: OverlayEntry) -> Program:
    """
    What the program of a job does.
    """
    command = job["container"].get("command") or [""]
    held = account.find("program", command[0])
    usual = account.delays["job_done"] - account.delays["job_running"]
    found: Program = held["does"] if held else Program(seconds=usual)
    return found


def stream_of(job: OverlayEntry, number: str) -> str:
    """
    The name of the log stream of a job's container.
    """
    options = (job["container"].get("logConfiguration") or {}).get("options") or {}
    prefix = options.get("awslogs-stream-prefix", job["definition"]["jobDefinitionName"])
    return f"{prefix}/default/{number}"


def write_lines(account: Account, job: OverlayEntry, lines: Sequence[str]) -> None:
    """
    Put the lines of a container where its log configuration says.
    """
    options = (job["container"].get("logConfiguration") or {}).get("options") or {}
    group = options.get("awslogs-group", "/aws/batch/job")
    logs, stream = account.raw("logs"), job["stream"]
    if not lines or not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + place, "message": line} for place, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
