"""
Lines of text on their way to the csv module: without comments, and with escapes undone where no
quotes are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from .dialect import Dialect

# What PostgreSQL and MySQL write for characters that would part rows or cells.
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}


class RecordReader(Protocol):
    """
    What parts text into records.
    """

    @property
    def line_num(self) -> int:
        """
        How many lines were taken.
        """

    def __iter__(self) -> Iterator[list[str]]: ...


class RecordLines:
    """
    The lines of *text*; one that begins with *comment* where a record may begin is none.
    """

    def __init__(
        self, text: Iterator[str], comment: str | None, change: Callable[[str], str] | None
    ) -> None:
        self._text = text
        self._comment = comment
        self._change = change
        self.number = 0
        self.between = True  # no record is begun

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._text)
            self.number += 1
            if self.between and self._comment and line.lstrip(" ").startswith(self._comment):
                continue
            self.between = False
            return self._change(line) if self._change else line


def keep_markers(null: frozenset[str], dialect: Dialect) -> Callable[[str], str] | None:
    """
    What saves markers such as `\\N` from being taken for an escaped letter, or None.
    """
    escape, part = dialect.escape, re.escape(dialect.delimiter)
    marked = [re.escape(one) for one in null if escape and one.startswith(escape)]
    if not marked or escape is None:
        return None
    cell = re.compile(rf"(^|{part} *)({'|'.join(marked)})(?=\r?\n?$|{part})")
    return lambda line: cell.sub(lambda match: match[1] + str(escape) + match[2], line)


class EscapedRecords:
    """
    The records of lines without quotes, where an escape takes the meaning from what follows.
    """

    def __init__(self, lines: RecordLines, dialect: Dialect, null: frozenset[str]) -> None:
        self._lines = lines
        self._null = null
        escape = re.escape(dialect.escape or "")
        part = re.escape(dialect.delimiter)
        self._strip = dialect.spaces
        # A cell is anything but the delimiter, where what follows an escape belongs to it.
        self._cells = re.compile(rf"((?:{escape}.|[^{escape}{part}])*)(?:{part}|\Z)", re.DOTALL)
        self._escaped = re.compile(rf"{escape}(.)", re.DOTALL)
        self._open = re.compile(rf"(?:\A|[^{escape}])(?:{escape}{escape})*{escape}\Z", re.DOTALL)

    @property
    def line_num(self) -> int:
        """
        How many lines were taken.
        """
        return self._lines.number

    def __iter__(self) -> Iterator[list[str]]:
        """
        Every record; a blank line is one without cells.
        """
        for line in self._lines:
            whole = ""
            while line and self._open.search(_body(line)):
                if line.endswith("\r\n"):
                    # The carriage return is escaped, the line feed alone is the end.
                    whole, line = whole + line[:-1], ""
                    break
                whole += line
                line = next(self._lines, "")
            yield self._record(whole + _body(line))

    def _record(self, text: str) -> list[str]:
        if not text:
            return []
        cells, at = [], 0
        while at <= len(text):
            match = self._cells.match(text, at)
            if match is None:  # an escape at the end of the file escapes nothing
                cells.append(text[at:])
                break
            cells.append(self._cell(match[1]))
            if match.end() == len(text) and match.end() == match.end(1):
                break
            at = match.end()
        return cells

    def _cell(self, raw: str) -> str:
        raw = raw.lstrip(" ") if self._strip else raw
        if raw in self._null:
            return ""
        return self._escaped.sub(lambda match: _ESCAPES.get(match[1], match[1]), raw)


def _body(line: str) -> str:
    """
    *line* without its end.
    """
    return line.removesuffix("\n").removesuffix("\r")
