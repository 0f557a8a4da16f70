"""
A writer on scripted connections and a clock that is set by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from loader.counts import Counts
from loader.rate import Rate
from loader.rows import KeyAttribute
from loader.table import Batch, BatchOutcome, TargetTable
from loader.writer import Writer

KEYS = [KeyAttribute("id", "S", 2048)]
TAKEN = (200, b'{"UnprocessedItems":{}}')
THROTTLED = (400, b'{"__type":"x#ThrottlingException"}')
BROKEN_500 = (500, b"")


class HandClock:
    """
    A clock that only waiting moves.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        """
        The time.
        """
        return self.seconds

    def wait(self, seconds: float) -> None:
        """
        *seconds* pass.
        """
        self.seconds += seconds


class Script:
    """
    A connection that answers as it is told: None never comes, and an exception is raised.
    """

    def __init__(self, *answers: tuple[int, bytes] | Exception | None) -> None:
        self.answers = list(answers)
        self.sent: list[list[Any]] = []
        self.log: list[str] = []

    def send(self, body: bytes) -> None:
        """
        Notes the values that are sent.
        """
        if self.log[-1:] == ["sent"]:
            raise AssertionError("sent before the answer came")
        self.log.append("sent")
        self.sent.append(json.loads(body))

    def receive(self) -> tuple[int, bytes]:
        """
        The next answer.
        """
        self.log.append("answered")
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    def close(self) -> None:
        """
        Notes it; the answer that did not come never will.
        """
        self.log.append("closed")
        if self.answers[:1] == [None]:
            self.answers.pop(0)

    def comes(self) -> bool:
        """
        Whether the next answer will come.
        """
        return self.answers[:1] != [None]


class ScriptedTable:
    """
    The table's way of speaking, with bodies that are easy to read.
    """

    def request_body(self, batch: Batch) -> bytes:
        """
        A list of the values.
        """
        return b"[" + b",".join(batch.values()) + b"]"

    def outcome(self, batch: Batch, status: int, answer: bytes) -> BatchOutcome:
        """
        As the real table has it.
        """
        return TargetTable.outcome(KEYED, batch, status, answer)


KEYED = TargetTable.__new__(TargetTable)
KEYED.keys = KEYS


def writer_of(clock: HandClock, *scripts: Script) -> Writer[Script]:
    """
    A writer over *scripts*.
    """

    def wait_for(channels: Sequence[Script], seconds: float) -> list[Script]:
        ready = [one for one in channels if one.comes()]
        if not ready:
            clock.wait(max(seconds, 0.01))
        return ready

    counts = Counts(clock.now, lambda line: None)
    return Writer(ScriptedTable(), scripts, wait_for, counts, Rate(None, clock.now), clock, 300)


def unprocessed(*keys: object) -> tuple[int, bytes]:
    """
    An answer that took all but *keys*.
    """
    items = [{"PutRequest": {"Item": {"id": {"S": str(key)}}}} for key in keys]
    return 200, json.dumps({"UnprocessedItems": {"t": items}}).encode()
