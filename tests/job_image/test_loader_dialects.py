"""
Any table of texts comes back equal, whoever has written it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from fake_state import FakeAws
from hypothesis import given, settings, strategies as st
from loader_lab import Ran

Run = Callable[..., Ran]
Table = list[list[str]]
DIALECTS: dict[str, tuple[Callable[[Table], bytes], dict[str, str]]] = {}
PLAIN = {"QUOTE": '"'}


def dialect(**more: str) -> Callable[[Callable[[Table], bytes]], Callable[[Table], bytes]]:
    """
    The function is one of the writers, whose files are read with the settings *more*.
    """

    def note(write: Callable[[Table], bytes]) -> Callable[[Table], bytes]:
        DIALECTS[write.__name__] = write, more
        return write

    return note


def by_python(table: Table, **options: object) -> str:
    """
    What Python's csv module makes of *table*.
    """
    out = io.StringIO(newline="")
    csv.writer(out, **options).writerows(table)  # type: ignore[arg-type]
    return out.getvalue()


@dialect(**PLAIN)
def python_excel(table: Table) -> bytes:
    """
    The csv module's own.
    """
    return by_python(table).encode()


@dialect()
def all_quoted(table: Table) -> bytes:
    """
    As `QUOTE_ALL` of Python and pandas: quotes in the header show that they quote.
    """
    return by_python(table, quoting=csv.QUOTE_ALL, lineterminator="\n").encode()


@dialect(ESCAPE="\\", **PLAIN)
def spark(table: Table) -> bytes:
    """
    A backslash before quotes, in place of a second one.
    """
    return by_python(
        table, quoting=csv.QUOTE_ALL, escapechar="\\", doublequote=False, lineterminator="\n"
    ).encode()


@dialect(ESCAPE="\\", QUOTE="none", DELIMITER="tab")
def python_escaped(table: Table) -> bytes:
    """
    No quotes at all, and a backslash before what would part rows or cells.
    """
    # The letters that PostgreSQL escapes are themselves here, and a backslash is never before one.
    return by_python(
        table, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, escapechar="\\"
    ).encode()


@dialect(**PLAIN)
def excel_unicode_text(table: Table) -> bytes:
    """
    Tabs, in UTF-16 with a mark.
    """
    return by_python(table, delimiter="\t").encode("utf-16")


@dialect(**PLAIN)
def excel_semicolons(table: Table) -> bytes:
    """
    With a mark of UTF-8, and a line that names the delimiter.
    """
    return b"\xef\xbb\xbfsep=;\r\n" + by_python(table, delimiter=";").encode()


@dialect(QUOTE="none", ESCAPE="\\", NULL="\\N", DELIMITER="tab", SPACES="keep")
def postgresql_text(table: Table) -> bytes:
    """
    `COPY ... TO` as it is by default, with a header.
    """
    names = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    told = {ord(character): text for character, text in {**names, "\v": "\\v"}.items()}
    rows = ["\t".join(cell.translate(told) or "\\N" for cell in row) for row in table]
    return "".join(row + "\n" for row in rows).encode()


@dialect(ESCAPE='"', **PLAIN)
def postgresql_csv(table: Table) -> bytes:
    """
    `COPY ... (FORMAT csv, HEADER, FORCE_QUOTE *)`: the header stays bare.
    """
    rows = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table[1:]]
    return "\n".join([",".join(table[0]), *rows, ""]).encode()


ODD = st.sampled_from(["\t", ",", ";", '"', "'", "\\", "\n", "\r", "\r\n", " ", "N", "#", "é", "x"])
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
CELL = st.lists(ODD | ANY, max_size=8).map("".join)
KEY = st.lists(ODD | ANY, min_size=1, max_size=8).map("".join)


@pytest.mark.parametrize("name", DIALECTS)
@settings(max_examples=60)
@given(rows=st.lists(st.tuples(KEY, CELL, CELL), max_size=6, unique_by=lambda row: row[0]))
def test_any_table_comes_back(
    name: str, aws: FakeAws, run: Run, rows: list[tuple[str, str, str]]
) -> None:
    """
    To the character; an empty cell is no attribute.
    """
    write, more = DIALECTS[name]
    aws.items.clear()
    aws.put("m.csv", write([["id", "a", "b"], *map(list, rows)]))
    ran = run(FILE_PATH="m.csv", NUMBER_COLUMNS="", **{"SPACES": "keep", **more})
    assert (ran.code, ran.err) == (0, "")
    assert aws.plain_items() == {
        row[0]: {key: cell for key, cell in zip(("id", "a", "b"), row) if cell} for row in rows
    }
