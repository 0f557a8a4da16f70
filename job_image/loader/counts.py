"""
What happened so far: for the progress lines, and for the summary at the end.
"""

from __future__ import annotations

import io
import tempfile
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, BinaryIO

from .faults import BadInput, Fault, Refused
from .rows import LEFT_OUT

REFUSED = "refused by DynamoDB"
_BUCKETS = 256
_BUCKET_WIDTH = 2**64 // _BUCKETS


class Counts:
    """
    The numbers of one load. Every row that was read is written or skipped, for a reason.
    """

    def __init__(self, now: Callable[[], float], warn: Callable[[str], None]) -> None:
        self._now = now
        self._warn = warn
        self.started = now()
        self.rows = 0
        self.superseded = 0  # rows that a later row of their key replaced before they were sent
        self.accepted = 0
        self.requests = 0
        self.retried = 0
        self.throttled = 0
        self.kept_as_text = 0
        self.resumed_rows = 0
        self.reasons: Counter[str] = Counter()
        self.refusal = ""  # why DynamoDB refused an item: of all such the first by the alphabet
        self.strict = False  # the first row that is skipped ends the job
        self._distinct = Distinct()

    def skip(self, reason: str, where: str) -> None:
        """
        A row is skipped; the first three of each reason are told.
        """
        self.reasons[reason] += 1
        if self.reasons[reason] <= 3:
            self._warn(f"skipped: {reason}: {where}")
        if self.strict:
            raise BadInput(f"{where}: {reason} (BAD_ROWS=fail)")

    def refuse(self, why: str) -> None:
        """
        A row is skipped since DynamoDB refuses its item.
        """
        # The order of answers is chance: the message that is told at the end isn't.
        self.refusal = min(self.refusal or why, why)
        self.skip(REFUSED, why)

    def verdict(self, limit: tuple[float, bool]) -> Fault | None:
        """
        What is wrong with a load that came to its end: nothing was written, or too much skipped.
        """
        bad = +Counter({why: self.reasons[why] for why in self.reasons if why != LEFT_OUT})
        told = ", ".join(f"{why}: {bad[why]}" for why in sorted(bad)) or f"all {LEFT_OUT}"
        why = told + (f"; DynamoDB says of {self.refusal}" if self.refusal else "")
        kind: type[Fault] = Refused if self.refusal else BadInput
        if self.rows and not self.accepted:
            return kind(f"none of {self.rows} rows was written: {why}")
        most = limit[0] * self.rows / 100 if limit[1] else limit[0]
        if bad.total() <= most:
            return None
        given = f"{limit[0]:g}{'%' if limit[1] else ''}"
        return kind(f"{bad.total()} of {self.rows} rows were skipped (MAX_SKIPPED={given}): {why}")

    def sent(self, keys: Iterable[Hashable], left: int, throttled: bool) -> None:
        """
        A request ended: the table holds *keys*, and *left* items are to be sent again.
        """
        hashes = array("q", map(hash, keys))
        self.requests += 1
        self.accepted += len(hashes)
        self.retried += left
        self.throttled += left if throttled else 0
        self._distinct.add(hashes)

    def assume(self, key: Hashable) -> None:
        """
        A row that the table has held since an earlier attempt.
        """
        self.resumed_rows += 1
        self.accepted += 1
        self._distinct.add(array("q", (hash(key),)))

    def close(self) -> None:
        """
        Nothing more is counted.
        """
        self._distinct.close()

    @property
    def seconds(self) -> float:
        """
        How long the load has been running.
        """
        return self._now() - self.started

    @property
    def skipped(self) -> int:
        """
        Rows skipped until now, duplicates that are known not counted.
        """
        return sum(self.reasons.values())

    def summary(self, error: str | None) -> dict[str, Any]:
        """
        The last line of the job: rows == written + skipped, always.
        """
        written = self._distinct.count()
        reasons = +Counter(
            {
                **self.reasons,
                "duplicate key": self.superseded + self.accepted - written,
                "not written": self.rows - self.skipped - self.superseded - self.accepted,
            }
        )
        seconds = self.seconds
        told: dict[str, Any] = {
            "rows": self.rows,
            "written": written,
            "skipped": sum(reasons.values()),
            "skipped_by_reason": dict(sorted(reasons.items())),
            "kept_as_text": self.kept_as_text,
            "requests": self.requests,
            "retried": self.retried,
            "throttled": self.throttled,
            "resumed_rows": self.resumed_rows,
            "seconds": round(seconds, 3),
            "rows_per_second": round(self.rows / seconds) if seconds else 0,
        }
        return {**told, "error": error} if error else told


class Distinct:
    """
    Counts distinct 64-bit hashes of any number in flat memory: 8 bytes each, on disk.

    Two of ten million keys share a hash with a chance of 3 in a million; only the split between
    "written" and "duplicate key" would be off by one.
    """

    def __init__(self, hold: int = 65_536) -> None:
        self._hold = hold
        self._held = array("q")
        self._file: BinaryIO | None = None
        self._runs: list[list[tuple[int, int]]] = [[] for _ in range(_BUCKETS)]

    def add(self, hashes: array[int]) -> None:
        """
        More hashes, seen before or not.
        """
        self._held.extend(hashes)
        if len(self._held) >= self._hold:
            self._spill()

    def count(self) -> int:
        """
        How many different hashes there were.
        """
        if self._file is None:
            return len(set(self._held))
        self._spill()
        return sum(len(self._bucket(runs)) for runs in self._runs)

    def close(self) -> None:
        """
        The file is gone.
        """
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        """
        Moves what is held to the file, sorted, so that a bucket is one piece of it.
        """
        if self._file is None:
            self._file = _scratch()
        held = array("q", sorted(self._held))
        start = self._file.seek(0, io.SEEK_END)
        self._file.write(held.tobytes())
        edges = [bisect_left(held, -(2**63) + at * _BUCKET_WIDTH) for at in range(_BUCKETS)]
        for runs, low, high in zip(self._runs, edges, [*edges[1:], len(held)]):
            if low < high:
                runs.append((start + low * 8, (high - low) * 8))
        self._held = array("q")

    def _bucket(self, runs: list[tuple[int, int]]) -> set[int]:
        assert self._file is not None
        found: set[int] = set()
        for offset, length in runs:
            self._file.seek(offset)
            piece = array("q")
            piece.frombytes(self._file.read(length))
            found.update(piece)
        return found


def _scratch() -> BinaryIO:
    """
    A file without a name; memory, where the container's file system is read-only.
    """
    try:
        # A job definition may set readonlyRootFilesystem.
        return tempfile.TemporaryFile()
    except OSError:
        return io.BytesIO()
