"""
One load from start to end: every row of the source is read, shaped, and written or accounted for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .bucket import S3Object, SourceBucket
from .checkpoint import Checkpoint
from .counts import Counts
from .faults import BadInput, EmptyFile, Fault, Terminated
from .members import SUFFIXES, Budget, Member, members
from .records import Records
from .rows import BLANK, LEFT_OUT, Rows, Shape
from .settings import Settings
from .source import S3File
from .table import TargetTable
from .writer import Writer

# What has one of these must be loadable; of other objects under a prefix the content decides.
_TOLD = (
    ".zip",
    *SUFFIXES,
    *(f"{one}{more}" for one in SUFFIXES for more in (".gz", ".bz2", ".xz")),
)


class Load:
    """
    What a job does; `counts` and `done` tell how far it has come.
    """

    def __init__(
        self,
        shape: Shape,
        settings: Settings,
        bucket: SourceBucket,
        table: TargetTable,
        writer: Writer[Any],
        counts: Counts,
        say: Callable[[str], None],
    ) -> None:
        self._shape = shape
        self._settings = settings
        self._bucket = bucket
        self._table = table
        self._writer = writer
        self._counts = counts
        self._say = say
        self._budget = Budget(settings.max_bytes)
        self._checkpoint: Checkpoint | None = None
        counts.strict = settings.bad_rows == "fail"
        self._saved_at = counts.seconds
        self._position = 0
        self._resume_at = 0
        self._file: S3File | None = None
        self._bytes_before = 0
        self._bytes = 1
        self._barren: list[str] = []  # files whose rows were all skipped
        self._empty: EmptyFile | None = None
        self._loaded = 0
        self.stopping = False

    @property
    def done(self) -> float:
        """
        The part of the source's bytes that was read.
        """
        here = self._file.position if self._file is not None else 0
        return min(1.0, (self._bytes_before + here) / self._bytes)

    def run(self) -> None:
        """
        Every row is in the table or has been skipped for a reason.
        """
        objects = self._objects()
        by_object = self._by_object(objects)
        if by_object:
            objects = objects[self._settings.index :: self._settings.size]
        self._bytes = max(1, sum(found.size for found in objects))
        self._open_checkpoint(objects)
        try:
            for found in objects:
                self._load_object(found, workers=1 if by_object else self._settings.size)
            if not self._loaded and not by_object:
                raise self._empty or self._nothing()
        except Fault:
            self._writer.flush()
            self._save()
            raise
        self._writer.flush()
        if self._checkpoint is not None:
            self._checkpoint.clear()
        self._judge()

    def _judge(self) -> None:
        """
        A load that wrote nothing, or too little, is none, nor is one of a file that lost all rows.
        """
        limit = self._settings.max_skipped
        fault = self._counts.verdict(limit)
        if fault is None and self._barren and limit != (100.0, True):
            fault = BadInput(
                f"{self._barren[0]}; what other files hold was written (MAX_SKIPPED=100% allows it)"
            )
        if fault is not None:
            raise fault

    def _objects(self) -> list[S3Object]:
        """
        The object that FILE_PATH names, or those under it.
        """
        path = self._settings.file_path
        if not path.endswith("/"):
            return [self._bucket.head(path)]
        found = [one for one in self._bucket.objects(path) if not self._is_aside(one.key)]
        if not found:
            raise self._nothing()
        self._say(f"{len(found)} objects under s3://{self._bucket.name}/{path}")
        return found

    def _nothing(self) -> BadInput:
        return BadInput(
            f"s3://{self._bucket.name}/{self._settings.file_path}: holds no .csv, .csv.gz, .zip "
            "object, nor any other that can be loaded"
        )

    def _is_aside(self, key: str) -> bool:
        """
        Whether *key* is a marker, as of Hadoop or a Mac, or this job's own.
        """
        name = key.rpartition("/")[2]
        mark = self._settings.checkpoint
        if mark and mark[0] == self._bucket.name and key.startswith(mark[1]):
            return True
        if name.startswith(("_", ".")):
            self._say(f"left out: s3://{self._bucket.name}/{key}: its name marks it as no data")
            return True
        return False

    def _by_object(self, objects: list[S3Object]) -> bool:
        """
        Whether each worker takes whole objects, rather than its share of every object's rows.
        """
        split, size = self._settings.split, self._settings.size
        return size > 1 and (split == "objects" or (split == "auto" and len(objects) >= size))

    def _open_checkpoint(self, objects: list[S3Object]) -> None:
        if self._settings.checkpoint is None:
            return
        name, key = self._settings.checkpoint
        bucket = self._bucket.beside(name)
        self._checkpoint = Checkpoint(
            bucket, key, self._settings, objects, self._table.identity, self._shape
        )
        self._resume_at = self._checkpoint.load()
        if self._resume_at:
            self._say(f"an earlier attempt has written the first {self._resume_at} rows")

    def _load_object(self, found: S3Object, workers: int) -> None:
        before = self._position
        with S3File(self._bucket, found) as file:
            self._file = file
            try:
                for member in members(found, file, self._settings, self._budget, self._say):
                    self._load_member(member, workers)
            except BadInput as fault:
                if self._position > before or not self._may_be_foreign(found, fault):
                    raise
                self._say(f"left out: {fault}")
        self._file = None
        self._bytes_before += found.size

    def _may_be_foreign(self, found: S3Object, fault: BadInput) -> bool:
        """
        Whether *found* lies under the prefix without anything that says it is for this job.
        """
        told = found.key.lower().endswith(_TOLD)
        return self._settings.file_path.endswith("/") and not told and type(fault) is BadInput

    def _load_member(self, member: Member, workers: int) -> None:
        try:
            records = Records(member, self._settings)
        except EmptyFile as empty:
            self._empty = self._empty or empty
            self._say(f"left out: {empty}")
            return
        rows = Rows(
            records.header,
            self._table.keys,
            self._settings,
            member.name,
            self._shape,
            self._table.indexed,
        )
        self._loaded += 1
        try:
            self._load_rows(records, rows, member.name, workers)
        finally:
            self._counts.kept_as_text += rows.kept_as_text

    def _load_rows(self, records: Records, rows: Rows, where: str, workers: int) -> None:
        counts, put, make, index = self._counts, self._writer.put, rows.make, self._settings.index
        began, lost = counts.rows, Counter[str]()
        for cells in records:
            if not self._position % 64:
                self._pause()
            self._position += 1
            if workers > 1 and rows.worker(cells, workers) != index:
                continue
            made = make(cells)
            if isinstance(made, str):
                if made == BLANK:
                    continue
                counts.rows += 1
                lost[made] += 1
                counts.skip(made, f"{where}, line {records.line}")
                continue
            counts.rows += 1
            if self._position <= self._resume_at:
                counts.assume(made.key)
            else:
                put(made)
        if counts.rows - began == lost.total() > lost[LEFT_OUT]:
            why = ", ".join(f"{reason}: {lost[reason]}" for reason in sorted(lost) if lost[reason])
            self._barren.append(f"{where}: none of its {lost.total()} rows was written: {why}")

    def _pause(self) -> None:
        """
        Looks up from the rows: is it time to stop, or to save the mark?
        """
        if self.stopping:
            raise Terminated("told to stop (SIGTERM)")
        seconds = self._counts.seconds
        if self._checkpoint and seconds - self._saved_at >= self._settings.checkpoint_seconds:
            self._saved_at = seconds
            self._writer.flush()
            self._save()

    def _save(self) -> None:
        # A row that DynamoDB has refused is not in the table: the next attempt tries it again.
        if self._counts.refusal:
            return
        if self._checkpoint is not None and self._position > self._resume_at:
            self._checkpoint.save(self._position)
