"""
Bytes become text, text becomes records: encoding, delimiter and quoting are found or given.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from faults import BadInput
from members import MAX_ROW_BYTES, Member
from settings import Settings

DELIMITERS = ",;\t|"
_SAMPLE_RECORDS = 40


class Records:
    """
    The records of one CSV file; `header` is read at once.
    """

    def __init__(self, member: Member, settings: Settings) -> None:
        csv.field_size_limit(MAX_ROW_BYTES)  # the csv module's own limit is 128 KB
        self._member = member
        head = member.peek()
        encoding = _find_encoding(head, settings.encoding)
        text = io.TextIOWrapper(member, encoding, newline="")
        text._CHUNK_SIZE = 64 * 1024  # type: ignore[attr-defined]  # 8 KB is slow when unzipping
        self._text = text
        sample = codecs.getincrementaldecoder(encoding)("replace").decode(head)
        self._reader = csv.reader(text, strict=True, **_dialect(sample, settings))
        self.header = self._read_header()

    @property
    def line(self) -> int:
        """
        The line of the file that the last record ended on.
        """
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        """
        Every record after the header; blank lines are none.
        """
        member = self._member
        try:
            for cells in self._reader:
                member.row_bytes = 0
                if cells:
                    yield cells
        except (csv.Error, UnicodeError) as error:
            raise self._fault(error) from error

    def _read_header(self) -> list[str]:
        records = iter(self)
        header = next(records, None)
        if header and header[0].startswith("sep="):  # Excel's word for the delimiter
            header = next(records, None)
        if header is None or not any(header):
            raise BadInput(f"{self._member.name}: is empty, without even a header")
        return header

    def _fault(self, error: csv.Error | UnicodeError) -> BadInput:
        name = self._member.name
        if isinstance(error, UnicodeDecodeError):
            at = self._member.count - len(error.object) + error.start
            return BadInput(
                f"{name}: byte {at} is not {error.encoding}: {error.reason}; "
                "say what it is with ENCODING"
            )
        return BadInput(f"{name}, line {self.line}: {error}")


def _find_encoding(head: bytes, given: str | None) -> str:
    """
    UTF-16 tells itself by its first bytes; what isn't *given* is taken as UTF-8.
    """
    marked = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked and given in (None, "utf-16-le", "utf-16-be"):
        return "utf-16"  # which leaves the mark out
    return given or "utf-8-sig"


def _dialect(sample: str, settings: Settings) -> dict[str, Any]:
    """
    How cells are parted and quoted.
    """
    quote = settings.quote or _find_quote(sample)
    return {"delimiter": settings.delimiter or _find_delimiter(sample, quote), "quotechar": quote}


def _find_quote(sample: str) -> str:
    """
    The double quote, unless all names of the header stand in single ones.
    """
    first = sample.lstrip("\ufeff\r\n").splitlines()[:1]
    names = [first[0].split(one) for one in DELIMITERS] if first else []
    single = any(
        all(len(name) > 1 and name[0] == name[-1] == "'" for name in part) for part in names
    )
    return "'" if single else '"'


def _find_delimiter(sample: str, quote: str) -> str:
    """
    The character that parts the header in two or more, and most of the records alike; of two such
    characters the one that makes more columns.
    """
    told = re.match("\ufeff?sep=([^\r\n])\r?\n", sample)
    if told:
        return told[1]
    best, most = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter, quote)
        alike = sum(width == widths[0] for width in widths) / len(widths) if widths else 0.0
        if widths and widths[0] > 1 and (alike, widths[0]) > most:
            best, most = delimiter, (alike, widths[0])
    return best


def _widths(sample: str, delimiter: str, quote: str) -> list[int]:
    """
    The number of cells in each of the sample's first records.
    """
    widths: list[int] = []
    # The sample's last line is most likely cut.
    lines = io.StringIO(sample, newline="").readlines()
    reader = csv.reader(lines[:-1] or lines, delimiter=delimiter, quotechar=quote, strict=True)
    try:
        for cells in reader:
            if cells:
                widths.append(len(cells))
            if len(widths) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # the records until here are sample enough; the load itself will tell
    return widths
