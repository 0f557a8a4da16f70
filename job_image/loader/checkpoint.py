"""
How far a job has come, kept in S3, so that its next attempt goes on near there.

Rows before the mark are read and counted again but not written. The mark only ever counts rows
that are in the table, and holds only for the same objects, table, share of the work, and code of
what makes the rows.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .bucket import S3Object, SourceBucket
from .rows import Shape
from .settings import Settings

# Settings that may be others in the next attempt: they leave the rows as they are.
_ASIDE = {
    "connections",
    "wcu_budget",
    "max_ratio",
    "max_bytes",
    "max_skipped",
    "bad_rows",
    "give_up_seconds",
    "log_seconds",
    "checkpoint",
    "checkpoint_seconds",
    "number_columns",  # sets, whose order is chance
    "null",
    "region",
}


class Checkpoint:
    """
    The mark of one worker.
    """

    def __init__(
        self,
        bucket: SourceBucket,
        key: str,
        settings: Settings,
        objects: list[S3Object],
        table: str,
        shape: Shape,
    ) -> None:
        self._bucket = bucket
        self._key = key if settings.size == 1 else f"{key}.{settings.index}-of-{settings.size}"
        self._work = _fingerprint(settings, objects, table, shape)

    def load(self) -> int:
        """
        How many rows an earlier attempt has certainly written; 0 where there was none.
        """
        held: Any = self._bucket.get_json(self._key)
        if not isinstance(held, dict) or held.get("work") != self._work:
            return 0
        rows = held.get("rows")
        return rows if isinstance(rows, int) else 0

    def save(self, rows: int) -> None:
        """
        The first *rows* rows are in the table.
        """
        self._bucket.put_json(self._key, {"work": self._work, "rows": rows})

    def clear(self) -> None:
        """
        The load is complete: the next run of the job starts anew.
        """
        # Overwritten, so that the job role needs no s3:DeleteObject.
        self._bucket.put_json(self._key, {"work": self._work, "rows": 0})


def _fingerprint(settings: Settings, objects: list[S3Object], table: str, shape: Shape) -> str:
    """
    What must be the same for a mark to mean the same rows.
    """
    work = [
        # What isn't named here may be part of the rows' meaning.
        {name: repr(value) for name, value in asdict(settings).items() if name not in _ASIDE},
        sorted(settings.number_columns),
        sorted(settings.null),
        table,
        [list(found) for found in objects],
        [path.read_text() for path in _sources(shape)],
    ]
    return hashlib.sha256(json.dumps(work).encode()).hexdigest()


def _sources(shape: Shape) -> list[Path]:
    """
    The files that say what a row becomes: those beside *shape*'s own, too.
    """
    beside = Path(inspect.getfile(shape)).parent
    return [*sorted(beside.glob("*.py")), Path(__file__).parent / "rows.py"]
