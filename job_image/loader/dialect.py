"""
How a file is written: its encoding, and what parts and quotes its cells, found where not given.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import Any, NamedTuple

from .settings import Settings

DELIMITERS = ",;\t|"
_SAMPLE_RECORDS = 40
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins as UTF-16's mark does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Dialect(NamedTuple):
    """
    What parts cells, what quotes them (nothing, where it is empty), and what stands for both.
    """

    delimiter: str
    quote: str
    escape: str | None = None
    spaces: bool = False  # those after a delimiter are no part of the cell

    def reader_options(self) -> dict[str, Any]:
        """
        The same in the words of the csv module.
        """
        quoting: dict[str, Any] = (
            {"quotechar": self.quote}
            if self.quote
            else {"quoting": csv.QUOTE_NONE, "quotechar": None}
        )
        return {
            "delimiter": self.delimiter,
            "escapechar": self.escape,
            "skipinitialspace": self.spaces,
            "strict": True,
            **quoting,
        }


def find_encoding(head: bytes, given: str | None) -> str:
    """
    UTF-16 and UTF-32 tell themselves by their marks; what isn't *given* is taken as UTF-8.
    """
    for mark, name in _MARKS:
        if head.startswith(mark) and given in (None, f"{name}-le", f"{name}-be"):
            return name  # which leaves the mark out
    return given or "utf-8-sig"


def sample_lines(sample: str, settings: Settings) -> list[str]:
    """
    The whole lines of *sample* in which records can be.
    """
    lines = io.StringIO(sample.removeprefix("\ufeff"), newline="").readlines()
    lines = (lines[:-1] or lines)[settings.skip_lines :]  # the last line is most likely cut
    comment = settings.comment
    return [line for line in lines if not (comment and line.lstrip(" ").startswith(comment))]


def find_dialect(lines: list[str], settings: Settings) -> Dialect:
    """
    The dialect of *lines*, as far as the settings don't give it.
    """
    quote = _find_quote(lines) if settings.quote is None else settings.quote
    found = Dialect(settings.delimiter or "", quote, settings.escape)
    if not found.delimiter:
        found = found._replace(delimiter=_find_delimiter(lines, found))
    return found._replace(spaces=_has_spaces(lines, found, settings))


def quotes_are_sure(lines: list[str], dialect: Dialect, width: int) -> bool:
    """
    Whether the header or a line of its own shows that quotes quote: without them it has no sense.
    """
    if not lines or not dialect.quote or dialect.quote in lines[0]:
        return True
    for line in lines:
        if dialect.quote in line and line.count(dialect.delimiter) != width - 1:
            if [len(cells) for cells in _cells([line], dialect)] == [width]:
                return True
    return False


def _find_quote(lines: list[str]) -> str:
    """
    The double quote, unless all names of the header stand in single ones.
    """
    first = next((line.strip("\r\n") for line in lines if line.strip("\r\n")), "")
    single = any(
        all(len(name) > 1 and name[0] == name[-1] == "'" for name in first.split(one))
        for one in DELIMITERS
    )
    return "'" if single else '"'


def _find_delimiter(lines: list[str], dialect: Dialect) -> str:
    """
    The character that parts the header in two or more, and most of the records alike; of two such
    characters the one that makes more columns.
    """
    told = re.match("sep=([^\r\n])\r?\n", lines[0]) if lines else None
    if told:
        return told[1]
    best, most = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        widths = _widths(_cells(lines, dialect._replace(delimiter=delimiter)))
        alike = sum(width == widths[0] for width in widths) / len(widths) if widths else 0.0
        if widths and widths[0] > 1 and (alike, widths[0]) > most:
            best, most = delimiter, (alike, widths[0])
    return best


def _widths(records: list[list[str]]) -> list[int]:
    """
    The number of cells in each of *records*; empty ones beyond the header's are none.
    """
    first = len(records[0]) if records else 0
    return [len(cells) if any(cells[first:]) else min(len(cells), first) for cells in records]


def _has_spaces(lines: list[str], dialect: Dialect, settings: Settings) -> bool:
    """
    Whether spaces after a delimiter part the cells, too: a quote stands behind one, or all have it.
    """
    if settings.spaces != "auto" or dialect.delimiter == " ":
        return settings.spaces == "strip" and dialect.delimiter != " "
    records = _cells(lines, dialect)
    later = [cell for cells in records for cell in cells[1:] if cell]
    behind = re.compile(" +" + re.escape(dialect.quote or "\n")).match
    text = "".join(lines)
    # A quoted cell that begins like that doesn't stand in the text as it is.
    if any(behind(cell) and dialect.delimiter + cell in text for cell in later):
        return True
    return len(records) > 1 and bool(later) and all(re.match(" +[^ ]", cell) for cell in later)


def _cells(lines: list[str], dialect: Dialect) -> list[list[str]]:
    """
    The first records of *lines*.
    """
    records: list[list[str]] = []
    reader = csv.reader(lines, **dialect.reader_options())
    try:
        for cells in reader:
            if cells:
                records.append(cells)
            if len(records) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # the records until here are sample enough; the load itself will tell
    return records
