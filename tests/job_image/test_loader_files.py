"""
Files as people have them: what public bug reports tell of, and its kin.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pytest
from fake_state import FakeAws
from loader_lab import Ran, zipped

Run = Callable[..., Ran]
TABLE = "id,title,year\n1,Heat,1995\n2,Alien,1979\n"
ITEMS = {
    "1": {"id": "1", "title": "Heat", "year": "1995"},
    "2": {"id": "2", "title": "Alien", "year": "1979"},
}
IMDB = 'id\ttitle\tyear\n2\t"Alice\t2009\n3\tHeat\t1995\n4\tBob"\t1996\n5\tAlien\t\\N\n'
POSTGRES = 'id\ttitle\tyear\n1\ta\\tb\\nc\\\\N\t\\N\n2\t"x\t1979\n'
MYSQL = "id\ttitle\tyear\n1\ta\\\tb\\\nc\\\\\t\\N\n"


def tar(data: bytes) -> bytes:
    """
    A tar archive with one file.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("movies.csv")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


GOOD: dict[str, tuple[str, dict[str, str], dict[str, dict[str, str]]]] = {
    "quotes that are none": (
        IMDB,
        {"QUOTE": "none", "NULL": "\\N"},
        {
            "2": {"id": "2", "title": '"Alice', "year": "2009"},
            "3": {"id": "3", "title": "Heat", "year": "1995"},
            "4": {"id": "4", "title": 'Bob"', "year": "1996"},
            "5": {"id": "5", "title": "Alien"},
        },
    ),
    "a comma more in each row": (TABLE.replace("5\n", "5,\n").replace("9\n", "9,\n"), {}, ITEMS),
    "commas more in some rows": (TABLE.replace("5\n", "5,,,\n"), {}, ITEMS),
    "a comma more in the header": (TABLE.replace("year", "year,"), {}, ITEMS),
    "rows of nothing but commas": (TABLE + ",,\n,,\n,\n,,,\n" * 3, {}, ITEMS),
    "lines before the header": ("Source\nas of 2020\n\n\n" + TABLE, {"SKIP_LINES": "4"}, ITEMS),
    "lines before a header with another delimiter": (
        "a,b,c,d\n" + TABLE.replace(",", ";"),
        {"SKIP_LINES": "1"},
        ITEMS,
    ),
    "comments": (
        "# it's \"new\n" + TABLE.replace("2,A", "#3,x,y\n  # and so on\n2,A"),
        {"COMMENT": "#"},
        ITEMS,
    ),
    "a comment's mark within a cell": (
        'id,title,year\n1,"a\n#b",1995\n',
        {"COMMENT": "#"},
        {"1": {"id": "1", "title": "a\n#b", "year": "1995"}},
    ),
    "no header": (TABLE.partition("\n")[2], {"HEADER": "id,title,year"}, ITEMS),
    "a header that is given, and there": (TABLE, {"HEADER": "id,title,year"}, ITEMS),
    "other names than the header's": (
        TABLE,
        {"HEADER": "id,name,y", "SKIP_LINES": "1"},
        {key: {"id": key, "name": one["title"], "y": one["year"]} for key, one in ITEMS.items()},
    ),
    "no header, no names": (
        TABLE.partition("\n")[2],
        {"HEADER": "none"},
        {k: {"id": k, "column_2": v["title"], "column_3": v["year"]} for k, v in ITEMS.items()},
    ),
    "no header, another column is the key": (
        "Heat,1\nAlien,2\n",
        {"HEADER": "none", "KEY_COLUMN": "column_2"},
        {"1": {"id": "1", "column_1": "Heat"}, "2": {"id": "2", "column_1": "Alien"}},
    ),
    "a row of units": (TABLE.replace("\n1", "\n-,text,year\n1"), {"SKIP_ROWS": "1"}, ITEMS),
    "several words for no value": (
        "id,title,year\n1,NA,1995\n2,Alien,-\n",
        {"NULL": "NA,-"},
        {"1": {"id": "1", "year": "1995"}, "2": {"id": "2", "title": "Alien"}},
    ),
    "an escaped quote": (
        'id,title,year\n1,"a \\"b\\", c",1995\n2,"x\\\\",\\N\n',
        {"ESCAPE": "\\", "NULL": "\\N"},
        {
            "1": {"id": "1", "title": 'a "b", c', "year": "1995"},
            "2": {"id": "2", "title": "x\\"},
        },
    ),
    "PostgreSQL's text": (
        POSTGRES,
        {"QUOTE": "none", "ESCAPE": "\\", "NULL": "\\N"},
        {
            "1": {"id": "1", "title": "a\tb\nc\\N"},
            "2": {"id": "2", "title": '"x', "year": "1979"},
        },
    ),
    "MySQL's text": (
        MYSQL,
        {"QUOTE": "none", "ESCAPE": "\\", "NULL": "\\N"},
        {"1": {"id": "1", "title": "a\tb\nc\\"}},
    ),
    "spaces after all commas": (TABLE.replace(",", ", "), {}, ITEMS),
    "spaces before quotes": (
        'id,title,year\n1, "Heat", 1995\n2, "a, b", 1979\n',
        {},
        {"1": ITEMS["1"], "2": {"id": "2", "title": "a, b", "year": "1979"}},
    ),
    "spaces in the header alone": (TABLE.replace(",", ", ", 2), {"SPACES": "strip"}, ITEMS),
    "spaces that are part of the cells": (
        "id,title\n1, Heat\n",
        {"SPACES": "keep"},
        {"1": {"id": "1", "title": " Heat"}},
    ),
    "prose with line breaks and commas": (
        'id,address\n1,"12 Main St\nSpringfield, IL"\n',
        {},
        {"1": {"id": "1", "address": "12 Main St\nSpringfield, IL"}},
    ),
    "cells like rows, where quotes are said to quote": (
        'id,a\n1,"x\n2,y"\n',
        {"QUOTE": '"'},
        {"1": {"id": "1", "a": "x\n2,y"}},
    ),
    "cells like rows, where another line shows that quotes quote": (
        'id,a\n0,"a,b"\n1,"x\n2,y"\n',
        {},
        {"0": {"id": "0", "a": "a,b"}, "1": {"id": "1", "a": "x\n2,y"}},
    ),
    "cells like rows, with quotes that were two": (
        'id,a\n1,"x\n""2"",y"\n',
        {},
        {"1": {"id": "1", "a": 'x\n"2",y'}},
    ),
    "a quoted cell that begins with a space and a quote": (
        'id,a\n1," ""x"""\n',
        {},
        {"1": {"id": "1", "a": ' "x"'}},
    ),
    "a quote that is its own escape": (
        'id,title,year\n1,"He""at",1995\n',
        {"ESCAPE": '"'},
        {"1": {"id": "1", "title": 'He"at', "year": "1995"}},
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_comes_through_exactly(name: str, aws: FakeAws, run: Run) -> None:
    """
    With the settings that it needs, if any, each row is an item.
    """
    text, more, wanted = GOOD[name]
    for data in (text.encode(), text.replace("\n", "\r\n").encode()):
        if "\n" in "".join(v for item in wanted.values() for v in item.values()):
            data = text.encode()
        aws.items.clear()
        aws.put("m.csv", data)
        ran = run(FILE_PATH="m.csv", **more)
        assert (ran.code, ran.err) == (0, "")
        assert aws.plain_items() == wanted
        assert ran.summary["rows"] == len(wanted)


BAD: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "a stray quote that holds rows": ("m.csv", IMDB.encode(), {}, "set QUOTE=none"),
    "the same with commas": (
        "m.csv",
        IMDB.replace("\t", ",").encode(),
        {},
        "lines 2 to 4: one cell holds whole rows",
    ),
    "a stray quote that breaks the rows": (
        "m.csv",
        b'id,a,b\n1,"x,y\n2,x,y\n3,x,"\n',
        {},
        "set QUOTE=none",
    ),
    "text after a quote": ("m.csv", b'id,a\n1,"x" y\n', {}, "set QUOTE=none"),
    "all rows too long": ("m.csv", b"id,a\n1,x,y\n2,x,y\n", {}, "none of 2 rows was written"),
    "all rows too long, whatever may be skipped": (
        "m.csv",
        b"id,a\n1,x,y\n2,x,y\n",
        {"MAX_SKIPPED": "100%"},
        "too many cells: 2",
    ),
    "most rows too long": (
        "m.csv",
        b"id,a\n1,x,y\n2,x,y\n3,x\n",
        {},
        "2 of 3 rows were skipped (MAX_SKIPPED=50%): too many cells: 2",
    ),
    "one row too many": ("m.csv", b"id,a\n1\n3,x\n", {"MAX_SKIPPED": "0"}, "too few cells: 1"),
    "a tar": ("m.tar", tar(TABLE.encode()), {"KEY_COLUMN": "id"}, "is a tar archive"),
    "a tar in gzip": ("m.tar.gz", gzip.compress(tar(TABLE.encode())), {}, "is a tar archive"),
    "a tar in xz": ("m.tar.xz", lzma.compress(tar(TABLE.encode())), {}, "is a tar archive"),
    "a tar in a zip": ("m.zip", zipped(("m.csv", tar(b"x"))), {}, "is a tar archive"),
    "gzip in gzip": ("m.gz", gzip.compress(gzip.compress(TABLE.encode())), {}, "a gzip file"),
    "zstd": ("m.csv.zst", b"\x28\xb5\x2f\xfd\x04\x00", {}, "compressed by zstd"),
    "Parquet": ("m", b"PAR1\x15\x04\x15" + b"\0" * 40, {}, "a Parquet file"),
    "JSON": ("m.json", b'{"id": 1, "a": 2}\n', {}, "is JSON"),
    "a page of errors": ("m.csv", b"<!DOCTYPE html>\n<html></html>", {}, "is HTML"),
    "Excel": (
        "m.xlsx",
        zipped(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")),
        {},
        "is an Excel workbook",
    ),
    "bzip2 that is cut": ("m.bz2", bz2.compress(TABLE.encode() * 99)[:-9], {}, "cut short"),
    "xz that is cut": ("m.xz", lzma.compress(TABLE.encode() * 99)[:-9], {}, "cut short"),
    "a bomb of xz": ("m.xz", lzma.compress(b"id,a\n" + b"1,x\n" * 9_000_000), {}, "a zip bomb?"),
    "the header is elsewhere": ("m.csv", b"a\nb\nid,a\n1,2\n", {}, "with SKIP_LINES"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_loaded_is_no_success(name: str, aws: FakeAws, run: Run) -> None:
    """
    The job ends with 2 and says why, on standard error and in its last line.
    """
    key, data, more, why = BAD[name]
    aws.put(key, data)
    ran = run(FILE_PATH=key, **more)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert why in ran.err and why in ran.summary["error"]
    assert ran.summary["written"] == len(aws.items)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_bzip2_and_xz_are_read(pack: Callable[[bytes], bytes], aws: FakeAws, run: Run) -> None:
    """
    By their content, whatever the name, and in several streams as parallel compressors write them.
    """
    rows = b"id,n\n" + b"".join(b"%d,%d\n" % (n, n * 7) for n in range(9000))
    for data in (pack(rows), pack(rows[:5000]) + pack(b"") + pack(rows[5000:])):
        aws.items.clear()
        aws.put("m.csv", data)
        assert (run(FILE_PATH="m.csv").code, len(aws.items)) == (0, 9000)
