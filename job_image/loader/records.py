"""
Bytes become text, text becomes records: what parts and quotes them is found or given.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain, islice

from .dialect import Dialect, find_dialect, find_encoding, quotes_are_sure, sample_lines
from .faults import BadInput, EmptyFile
from .lines import EscapedRecords, RecordLines, RecordReader, keep_markers
from .members import MAX_ROW_BYTES, Member
from .settings import Settings

_NO_QUOTES = "if quotes are no quotes in this file, set QUOTE=none"


class Records:
    """
    The records of one CSV file; `header` is read at once.
    """

    def __init__(self, member: Member, settings: Settings) -> None:
        csv.field_size_limit(MAX_ROW_BYTES)  # the csv module's own limit is 128 KB
        self._member = member
        self._settings = settings
        head = member.peek()
        encoding = find_encoding(head, settings.encoding)
        text = io.TextIOWrapper(member, encoding, newline="")
        text._CHUNK_SIZE = 64 * 1024  # type: ignore[attr-defined]  # 8 KB is slow when unzipping
        self._text = text
        sample = sample_lines(
            codecs.getincrementaldecoder(encoding)("replace").decode(head), settings
        )
        self._dialect = find_dialect(sample, settings)
        self._lines: RecordLines | None = None
        self._reader = self._open()
        self._null = frozenset() if self._unescapes else settings.null
        self._width = 0
        self._first: list[str] | None = None
        self._records = self._read()
        self.header = self._read_header()
        self._width = len(self.header)
        self._sure = settings.quote is not None or quotes_are_sure(
            sample, self._dialect, self._width
        )

    @property
    def line(self) -> int:
        """
        The line of the file that the last record ended on.
        """
        taken = self._lines.number if self._lines else self._reader.line_num
        return self._settings.skip_lines + taken

    def __iter__(self) -> Iterator[list[str]]:
        """
        Every record after the header; blank lines are none.
        """
        first = [] if self._first is None else [self._without_markers(self._first)]
        return chain(first, self._records) if first else self._records

    @property
    def _unescapes(self) -> bool:
        return not self._dialect.quote and self._dialect.escape is not None

    def _open(self) -> RecordReader:
        """
        What parts the text that stands after the lines to be skipped.
        """
        settings = self._settings
        try:
            for _ in range(settings.skip_lines):
                self._text.readline()
                self._member.row_bytes = 0
        except UnicodeError as error:
            raise self._fault(error) from error
        change = None if self._unescapes else keep_markers(settings.null, self._dialect)
        if settings.comment or change or self._unescapes:
            self._lines = RecordLines(self._text, settings.comment, change)
        if self._lines and self._unescapes:
            return EscapedRecords(self._lines, self._dialect, settings.null)
        return csv.reader(self._lines or self._text, **self._dialect.reader_options())

    def _read(self) -> Iterator[list[str]]:
        """
        Every record, the header's too.
        """
        member, lines, null, reader = self._member, self._lines, self._null, self._reader
        before = 0
        try:
            for cells in reader:
                member.row_bytes = 0
                taken = reader.line_num
                if taken - before > 1 and self._width:
                    self._check(cells, before)
                before = taken
                if lines:
                    lines.between = True
                if null and self._width:
                    cells = self._without_markers(cells)
                if cells:
                    yield cells
        except (csv.Error, UnicodeError) as error:
            raise self._fault(error) from error

    def _without_markers(self, cells: list[str]) -> list[str]:
        """
        A cell that is a marker for no value is empty.
        """
        null = self._null
        return cells if null.isdisjoint(cells) else ["" if cell in null else cell for cell in cells]

    def _read_header(self) -> list[str]:
        given, records = self._settings.header, self._records
        header = next(records, None)
        if header and header[0].startswith("sep=") and len(header[0]) < 6:
            header = next(records, None)  # that was Excel's word for the delimiter
        if header is None or (given is None and not any(header)):
            raise EmptyFile(f"{self._member.name}: is empty, without even a header")
        if given is not None:
            if header != list(given):
                self._first = header
            header = list(given) or self._numbered(len(header))
        for _ in islice(records, self._settings.skip_rows):
            pass
        return header

    def _numbered(self, width: int) -> list[str]:
        """
        Names for the columns of a file that has none; the first one may be the key.
        """
        names = [f"column_{at}" for at in range(1, width + 1)]
        return names if self._settings.key_column else ["", *names[1:]]

    def _check(self, cells: list[str], before: int) -> None:
        """
        A record of several lines is no heap of rows that a stray quote holds together.
        """
        if self._sure and len(cells) == self._width or self._unescapes:
            return
        if _swallowed(cells, self._dialect, self._width):
            first = self._settings.skip_lines + before + 1
            raise BadInput(
                f"{self._member.name}, lines {first} to {self.line}: one cell holds whole rows: "
                f"{_NO_QUOTES}; if they are, set QUOTE='{self._dialect.quote}'"
            )

    def _fault(self, error: csv.Error | UnicodeError) -> BadInput:
        name = self._member.name
        if isinstance(error, UnicodeDecodeError):
            at = self._member.count - len(error.object) + error.start
            return BadInput(
                f"{name}: byte {at} is not {error.encoding}: {error.reason}; "
                "say what it is with ENCODING"
            )
        return BadInput(f"{name}, line {self.line}: {error}; {_NO_QUOTES}")


def _swallowed(cells: list[str], dialect: Dialect, width: int) -> bool:
    """
    Whether a cell holds line breaks and as many delimiters as the header has, as rows would.
    """
    delimiter = dialect.delimiter
    held = [cell for cell in cells if "\n" in cell or "\r" in cell]
    # A quote in such a cell was two in the file: whoever wrote them meant them as quotes.
    if width < 2 or any(dialect.quote in cell for cell in held):
        return False
    if len(cells) != width:
        return any(cell.count(delimiter) >= width - 1 for cell in held)
    lines = delimiter.join(cells).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    counts = {line.count(delimiter) for line in lines}
    # In prose a space follows a comma, and its lines have no number of them in common.
    prose = not dialect.spaces and any(delimiter + " " in cell for cell in held)
    return len(counts) == 1 and counts <= {width - 1, width} and not prose
