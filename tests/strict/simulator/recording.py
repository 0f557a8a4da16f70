"""
The record of every call: what was asked and answered, how often, and whether time passed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

READS = ("Describe", "Get", "List", "Head", "Check", "BatchGet", "BatchCheck", "Validate", "Query")
SAME_INSTANT = 200


class Record(NamedTuple):
    """
    One call as it was made: when, what, and how it was answered.

    `error` is the code that the caller saw, "" for none; `effect` is whether AWS did it.
    """

    time: float
    process: int
    service: str
    operation: str
    params: dict[str, Any]
    error: str
    effect: bool

    @property
    def mutates(self) -> bool:
        """
        Whether the operation is one that changes something.
        """
        return not self.operation.startswith(READS)


class CallLog:
    """
    All the calls of all processes, in the order in which they were answered.
    """

    def __init__(self) -> None:
        self.calls: list[Record] = []
        self._instant: Counter[tuple[int, str, str]] = Counter()
        self._instant_of = 0.0

    def add(self, record: Record) -> None:
        """
        Enter a call; fail a caller that polls without ever sleeping, which would never end.
        """
        self.calls.append(record)
        if record.time != self._instant_of:
            self._instant_of = record.time
            self._instant.clear()
        key = (record.process, record.operation, repr(record.params))
        self._instant[key] += 1
        if self._instant[key] > SAME_INSTANT:
            msg = f"{record.operation} was called {SAME_INSTANT} times without any time passing"
            raise AssertionError(msg)

    def polls(self) -> Counter[tuple[int, str, str]]:
        """
        How often, at most, each read was repeated within a second of simulated time.
        """
        times: dict[tuple[int, str, str], list[float]] = defaultdict(list)
        for call in self.calls:
            if not call.mutates:
                key = (call.process, f"{call.service}:{call.operation}", repr(call.params))
                times[key].append(call.time)
        return Counter({key: _densest(found) for key, found in times.items()})


def _densest(times: list[float]) -> int:
    """
    The most of the (ascending) *times* that lie within one second.
    """
    return max(
        sum(1 for later in times[place:] if later < time + 1) for place, time in enumerate(times)
    )
