"""
What the loader makes of files: a table of good ones.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from collections.abc import Callable

import pytest
from fake_state import FakeAws
from loader_lab import Ran, zipped

Run = Callable[..., Ran]
PLAIN = b"id,title,vote_average\n1,Heat,8.3\n2,Alien,8.5\n"
HEAT = {"id": "1", "title": "Heat", "vote_average": "8.3"}
ALIEN = {"id": "2", "title": "Alien", "vote_average": "8.5"}
BOTH = {"1": HEAT, "2": ALIEN}


def zip64() -> bytes:
    """
    An archive whose member has its sizes in zip64 fields.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("movies.csv", "w", force_zip64=True) as member:
            member.write(PLAIN)
    return out.getvalue()


LONG = "x" * 200_000
MAC = ("__MACOSX/._movies.csv", b"\x00\x05\x16\x07" + b"\0" * 116)
GOOD: dict[str, tuple[str, bytes, dict[str, str], dict[str, dict[str, str]]]] = {
    "plain": ("m.csv", PLAIN, {}, BOTH),
    "no suffix": ("movies", PLAIN, {}, BOTH),
    "gzip": ("m.csv.gz", gzip.compress(PLAIN), {}, BOTH),
    "gzip in two pieces": (
        "m.csv.gz",
        gzip.compress(PLAIN[:30]) + gzip.compress(PLAIN[30:]),
        {},
        BOTH,
    ),
    "zip": ("m.zip", zipped(("movies.csv", PLAIN)), {}, BOTH),
    "zip64": ("m.zip", zip64(), {}, BOTH),
    "zip without its suffix": ("movies", zipped(("movies.csv", PLAIN)), {}, BOTH),
    "zip with a comment": ("m.zip", zipped(("m.csv", PLAIN))[:-2] + b"\x03\x00abc", {}, BOTH),
    "upper case": ("M.ZIP", zipped(("MOVIES.CSV", PLAIN)), {}, BOTH),
    "folders and what a Mac adds": (
        "m.zip",
        zipped(
            ("data/", b""),
            MAC,
            ("data/._movies.csv", b"\0\1"),
            ("READ.me", b"hi"),
            ("data/movies.csv", PLAIN),
        ),
        {},
        BOTH,
    ),
    "several members, sorted: the last one wins": (
        "m.zip",
        zipped(("b.csv", PLAIN), ("a.csv", b"id,title\n1,Old\n3,Else\n")),
        {},
        {**BOTH, "3": {"id": "3", "title": "Else"}},
    ),
    "several members, one of them empty": (
        "m.zip",
        zipped(("a.csv", b""), ("b.csv", PLAIN)),
        {},
        BOTH,
    ),
    "one member of several": (
        "m.zip",
        zipped(("a.csv", PLAIN), ("b.csv", b"id\n9\n")),
        {"MEMBER": "a.csv"},
        BOTH,
    ),
    "members by a pattern, whatever their suffix": (
        "m.zip",
        zipped(("x/a.txt", PLAIN), ("b.csv", b"id\n9\n")),
        {"MEMBER": "x/*"},
        BOTH,
    ),
    "byte-order mark": ("m.csv", b"\xef\xbb\xbf" + PLAIN, {}, BOTH),
    "byte-order mark, encoding given": (
        "m.csv",
        b"\xef\xbb\xbf" + PLAIN,
        {"ENCODING": "UTF8"},
        BOTH,
    ),
    "CRLF": ("m.csv", PLAIN.replace(b"\n", b"\r\n"), {}, BOTH),
    "CR alone": ("m.csv", PLAIN.replace(b"\n", b"\r"), {}, BOTH),
    "no newline at the end": ("m.csv", PLAIN.rstrip(), {}, BOTH),
    "blank lines": ("m.csv", b"\n" + PLAIN.replace(b"\n", b"\n\n"), {}, BOTH),
    "UTF-16": ("m.csv", PLAIN.decode().encode("utf-16"), {}, BOTH),
    "UTF-16 without a mark": (
        "m.csv",
        PLAIN.decode().encode("utf-16-le"),
        {"ENCODING": "utf-16-le"},
        BOTH,
    ),
    "Latin-1": (
        "m.csv",
        "id,title\n1,Amélie\n".encode("latin-1"),
        {"ENCODING": "latin-1"},
        {"1": {"id": "1", "title": "Amélie"}},
    ),
    "semicolons": ("m.csv", b"id;title;vote_average\n1;Heat;8.3\n2;Alien;8.5\n", {}, BOTH),
    "semicolons and decimal commas": (
        "m.csv",
        b"id;title;vote_average\n1;Heat;8,3\n",
        {},
        {"1": {"id": "1", "title": "Heat", "vote_average": "8,3"}},
    ),
    "tabs": ("m.csv", PLAIN.replace(b",", b"\t"), {}, BOTH),
    "bars": ("m.csv", PLAIN.replace(b",", b"|"), {}, BOTH),
    "a delimiter that is given": ("m.csv", PLAIN.replace(b",", b"~"), {"DELIMITER": "~"}, BOTH),
    "a tab that is given by name": (
        "m.csv",
        PLAIN.replace(b",", b"\t"),
        {"DELIMITER": "tab"},
        BOTH,
    ),
    "single quotes": (
        "m.csv",
        b"'id','title'\n'1','He,at'\n",
        {},
        {"1": {"id": "1", "title": "He,at"}},
    ),
    "a quote that is given": (
        "m.csv",
        b"id,title\n1,^He,at^\n",
        {"QUOTE": "^"},
        {"1": {"id": "1", "title": "He,at"}},
    ),
    "an apostrophe is no quote": (
        "m.csv",
        b"id,title\n1,'Twas\n2,O'Hara\n",
        {},
        {"1": {"id": "1", "title": "'Twas"}, "2": {"id": "2", "title": "O'Hara"}},
    ),
    "quotes, commas and newlines in a cell": (
        "m.csv",
        b'id,title\n1,"The ""Heat"",\r\nagain"\n',
        {},
        {"1": {"id": "1", "title": 'The "Heat",\r\nagain'}},
    ),
    "a quote within an unquoted cell": (
        "m.csv",
        b'id,title\n1,5" disk\n',
        {},
        {"1": {"id": "1", "title": '5" disk'}},
    ),
    "a field over 128 KB": (
        "m.csv",
        f"id,title\n1,{LONG}\n".encode(),
        {},
        {"1": {"id": "1", "title": LONG}},
    ),
    "header only": ("m.csv", b"id,title\n", {}, {}),
    "empty cells are left out": (
        "m.csv",
        b"id,title,year\n1,,1995\n",
        {},
        {"1": {"id": "1", "year": "1995"}},
    ),
    "the unnamed column is the key": (
        "m.csv",
        b",title\n0,Heat\n",
        {},
        {"0": {"id": "0", "title": "Heat"}},
    ),
    "a column of the key's own name goes before the unnamed": (
        "m.csv",
        b",id,title\n0,7,Heat\n",
        {},
        {"7": {"id": "7", "column_1": "0", "title": "Heat"}},
    ),
    "a comma at the end of each line": (
        "m.csv",
        b"id,title,\n1,Heat,\n",
        {},
        {"1": {"id": "1", "title": "Heat"}},
    ),
    "KEY_COLUMN": (
        "m.csv",
        b",title\n0,Heat\n",
        {"KEY_COLUMN": "title"},
        {"Heat": {"id": "Heat", "column_1": "0"}},
    ),
    "KEY_COLUMN beside a column of the key's name": (
        "m.csv",
        b"id,code\n1,x\n",
        {"KEY_COLUMN": "code"},
        {"x": {"id": "x", "column_1": "1"}},
    ),
    "UTF-16 with a mark, its order given": (
        "m.csv",
        "\ufeff".encode("utf-16-le") + PLAIN.decode().encode("utf-16-le"),
        {"ENCODING": "utf-16-le"},
        BOTH,
    ),
    "Excel's word for the delimiter": (
        "m.csv",
        b"\xef\xbb\xbfsep=;\r\n" + PLAIN.replace(b",", b";"),
        {},
        BOTH,
    ),
    "commas in the names of a file with semicolons": (
        "m.csv",
        b"id;name, long;x\n1;a, b;c\n",
        {},
        {"1": {"id": "1", "name, long": "a, b", "x": "c"}},
    ),
    "quoted commas in a file with semicolons": (
        "m.csv",
        b'"id";"title, long"\n"1";"a, b"\n',
        {},
        {"1": {"id": "1", "title, long": "a, b"}},
    ),
    "quoted semicolons in a file with commas": (
        "m.csv",
        b'"id","t;u;v"\n"1","a;b;c"\n',
        {},
        {"1": {"id": "1", "t;u;v": "a;b;c"}},
    ),
    "quoted newlines across all blocks": (
        "m.csv.gz",
        gzip.compress(
            b"id,t\n" + b"".join(b'%d,"%s\r\n"\n' % (n, b"x" * (n % 97)) for n in range(3000))
        ),
        {},
        {str(n): {"id": str(n), "t": "x" * (n % 97) + "\r\n"} for n in range(3000)},
    ),
    "a mark in the second member too": (
        "m.zip",
        zipped(("a.csv", b"\xef\xbb\xbfid\n9\n"), ("b.csv", b"\xef\xbb\xbf" + PLAIN)),
        {},
        {**BOTH, "9": {"id": "9"}},
    ),
    "gzip with zeros after it": ("m.csv.gz", gzip.compress(PLAIN) + b"\0" * 512, {}, BOTH),
    "a zip after a shell script": ("m.zip", b"#!/bin/sh\n" + zipped(("m.csv", PLAIN)), {}, BOTH),
    "a key of spaces is a key": (
        "m.csv",
        b"id,title\n ,Heat\n",
        {},
        {" ": {"id": " ", "title": "Heat"}},
    ),
}
if sys.version_info >= (3, 11):  # before, Python's csv module itself refuses NUL
    GOOD["NUL in a cell"] = (
        "m.csv",
        b"id,title\n1,He\0at\n",
        {},
        {"1": {"id": "1", "title": "He\0at"}},
    )


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_comes_through(name: str, aws: FakeAws, run: Run) -> None:
    """
    The table holds just the rows of the file, and the summary says so.
    """
    key, data, more, wanted = GOOD[name]
    aws.put(key, data)
    ran = run(FILE_PATH=key, **more)
    assert (ran.code, ran.err) == (0, "")
    assert aws.plain_items() == wanted
    assert ran.summary["written"] == len(wanted)
    assert ran.summary["rows"] == ran.summary["written"] + ran.summary["skipped"]
