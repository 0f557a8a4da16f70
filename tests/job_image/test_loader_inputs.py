"""
What the loader makes of files: a table of good and bad ones, and every CSV that Python writes.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Ran
from fake_aws import FakeAws
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Run = Callable[..., Ran]
PLAIN = b"id,title,vote_average\n1,Heat,8.3\n2,Alien,8.5\n"
HEAT = {"id": "1", "title": "Heat", "vote_average": "8.3"}
ALIEN = {"id": "2", "title": "Alien", "vote_average": "8.5"}
BOTH = {"1": HEAT, "2": ALIEN}


def zipped(*members: tuple[str, bytes], **more: Any) -> bytes:
    """
    A zip archive of *members*.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **more) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


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
    "gzip in two pieces": ("m.csv.gz", gzip.compress(PLAIN[:30]) + gzip.compress(PLAIN[30:]),
                           {}, BOTH),
    "zip": ("m.zip", zipped(("movies.csv", PLAIN)), {}, BOTH),
    "zip64": ("m.zip", zip64(), {}, BOTH),
    "zip without its suffix": ("movies", zipped(("movies.csv", PLAIN)), {}, BOTH),
    "zip with a comment": ("m.zip", zipped(("m.csv", PLAIN))[:-2] + b"\x03\x00abc", {}, BOTH),
    "upper case": ("M.ZIP", zipped(("MOVIES.CSV", PLAIN)), {}, BOTH),
    "folders and what a Mac adds": (
        "m.zip", zipped(("data/", b""), MAC, ("data/._movies.csv", b"\0\1"), ("READ.me", b"hi"),
                        ("data/movies.csv", PLAIN)), {}, BOTH),
    "several members, sorted: the last one wins": (
        "m.zip", zipped(("b.csv", PLAIN), ("a.csv", b"id,title\n1,Old\n3,Else\n")), {},
        {**BOTH, "3": {"id": "3", "title": "Else"}}),
    "several members, one of them empty": (
        "m.zip", zipped(("a.csv", b""), ("b.csv", PLAIN)), {}, BOTH),
    "one member of several": (
        "m.zip", zipped(("a.csv", PLAIN), ("b.csv", b"id\n9\n")), {"MEMBER": "a.csv"}, BOTH),
    "members by a pattern, whatever their suffix": (
        "m.zip", zipped(("x/a.txt", PLAIN), ("b.csv", b"id\n9\n")), {"MEMBER": "x/*"}, BOTH),
    "byte-order mark": ("m.csv", b"\xef\xbb\xbf" + PLAIN, {}, BOTH),
    "byte-order mark, encoding given": ("m.csv", b"\xef\xbb\xbf" + PLAIN, {"ENCODING": "UTF8"},
                                        BOTH),
    "CRLF": ("m.csv", PLAIN.replace(b"\n", b"\r\n"), {}, BOTH),
    "CR alone": ("m.csv", PLAIN.replace(b"\n", b"\r"), {}, BOTH),
    "no newline at the end": ("m.csv", PLAIN.rstrip(), {}, BOTH),
    "blank lines": ("m.csv", b"\n" + PLAIN.replace(b"\n", b"\n\n"), {}, BOTH),
    "UTF-16": ("m.csv", PLAIN.decode().encode("utf-16"), {}, BOTH),
    "UTF-16 without a mark": ("m.csv", PLAIN.decode().encode("utf-16-le"),
                              {"ENCODING": "utf-16-le"}, BOTH),
    "Latin-1": ("m.csv", "id,title\n1,Amélie\n".encode("latin-1"), {"ENCODING": "latin-1"},
                {"1": {"id": "1", "title": "Amélie"}}),
    "semicolons": ("m.csv", b"id;title;vote_average\n1;Heat;8.3\n2;Alien;8.5\n", {}, BOTH),
    "semicolons and decimal commas": (
        "m.csv", b"id;title;vote_average\n1;Heat;8,3\n", {},
        {"1": {"id": "1", "title": "Heat", "vote_average": "8,3"}}),
    "tabs": ("m.csv", PLAIN.replace(b",", b"\t"), {}, BOTH),
    "bars": ("m.csv", PLAIN.replace(b",", b"|"), {}, BOTH),
    "a delimiter that is given": ("m.csv", PLAIN.replace(b",", b"~"), {"DELIMITER": "~"}, BOTH),
    "a tab that is given by name": ("m.csv", PLAIN.replace(b",", b"\t"), {"DELIMITER": "tab"},
                                    BOTH),
    "single quotes": ("m.csv", b"'id','title'\n'1','He,at'\n", {},
                      {"1": {"id": "1", "title": "He,at"}}),
    "a quote that is given": ("m.csv", b"id,title\n1,^He,at^\n", {"QUOTE": "^"},
                              {"1": {"id": "1", "title": "He,at"}}),
    "an apostrophe is no quote": ("m.csv", b"id,title\n1,'Twas\n2,O'Hara\n", {},
                                  {"1": {"id": "1", "title": "'Twas"},
                                   "2": {"id": "2", "title": "O'Hara"}}),
    "quotes, commas and newlines in a cell": (
        "m.csv", b'id,title\n1,"The ""Heat"",\r\nagain"\n', {},
        {"1": {"id": "1", "title": 'The "Heat",\r\nagain'}}),
    "a quote within an unquoted cell": ("m.csv", b'id,title\n1,5" disk\n', {},
                                        {"1": {"id": "1", "title": '5" disk'}}),
    "a field over 128 KB": ("m.csv", f"id,title\n1,{LONG}\n".encode(), {},
                            {"1": {"id": "1", "title": LONG}}),
    "header only": ("m.csv", b"id,title\n", {}, {}),
    "empty cells are left out": ("m.csv", b"id,title,year\n1,,1995\n", {},
                                 {"1": {"id": "1", "year": "1995"}}),
    "the unnamed column is the key": ("m.csv", b",title\n0,Heat\n", {},
                                      {"0": {"id": "0", "title": "Heat"}}),
    "a column of the key's own name goes before the unnamed": (
        "m.csv", b",id,title\n0,7,Heat\n", {}, {"7": {"id": "7", "column_1": "0",
                                                      "title": "Heat"}}),
    "a comma at the end of each line": ("m.csv", b"id,title,\n1,Heat,\n", {},
                                        {"1": {"id": "1", "title": "Heat"}}),
    "KEY_COLUMN": ("m.csv", b",title\n0,Heat\n", {"KEY_COLUMN": "title"},
                   {"Heat": {"id": "Heat", "column_1": "0"}}),
    "KEY_COLUMN beside a column of the key's name": (
        "m.csv", b"id,code\n1,x\n", {"KEY_COLUMN": "code"}, {"x": {"id": "x", "column_1": "1"}}),
    "a key of spaces is a key": ("m.csv", b"id,title\n ,Heat\n", {},
                                 {" ": {"id": " ", "title": "Heat"}}),
}
if sys.version_info >= (3, 11):  # before, Python's csv module itself refuses NUL
    GOOD["NUL in a cell"] = ("m.csv", b"id,title\n1,He\0at\n", {},
                             {"1": {"id": "1", "title": "He\0at"}})


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


def damaged(data: bytes, at: int) -> bytes:
    """
    *data* with one bit of the byte *at* flipped.
    """
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


MANY = b"id,title\n" + b"".join(b"%d,%s\n" % (n, zlib.compress(b"%d" % n).hex().encode())
                                for n in range(20_000))
BOMB = b"id,title\n" + (b"1," + b"x" * 2000 + b"\n") * 10_000
BAD: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "empty": ("m.csv", b"", {}, "is empty"),
    "only blank lines": ("m.csv", b"\n\n", {}, "is empty"),
    "empty member": ("m.zip", zipped(("m.csv", b"")), {}, "member 'm.csv': is empty"),
    "empty archive": ("m.zip", zipped(), {}, "no member is a .csv file; it holds nothing"),
    "archive without CSV": ("m.zip", zipped(("a.txt", b"x"), MAC), {}, "it holds 'a.txt'"),
    "no such member": ("m.zip", zipped(("a.csv", PLAIN)), {"MEMBER": "b.csv"},
                       "no member is b.csv; it holds 'a.csv'"),
    "not an archive": ("m.zip", PLAIN, {}, "is no zip archive"),
    "an empty .zip": ("m.zip", b"", {}, "is no zip archive"),
    "cut archive": ("m.zip", zipped(("movies.csv", MANY))[:-300], {},
                    "the directory after member 'movies.csv' is missing"),
    "corrupt member": ("m.zip", damaged(zipped(("movies.csv", MANY)), 100_000), {},
                       "member 'movies.csv': corrupt or cut short at byte"),
    "cut gzip": ("m.csv.gz", gzip.compress(MANY)[:-2000], {}, "corrupt or cut short at byte"),
    "not gzip": ("m.csv.gz", PLAIN, {}, "Not a gzipped file"),
    "encrypted": ("m.zip", zipped(("m.csv", PLAIN)).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"), {},
        "encrypted"),
    "bomb that says so": ("m.zip", zipped(("m.csv", BOMB)), {}, "a zip bomb?"),
    "bomb that does not": ("m.csv.gz", gzip.compress(BOMB), {}, "a zip bomb?"),
    "bomb without a newline": ("m.csv.gz", gzip.compress(b"id," + b"x" * 12_000_000), {},
                               "is a quote left open?"),
    "more than the limit": ("m.csv", MANY, {"MAX_BYTES": "1000"}, "more than 1000 bytes"),
    "more than the limit, by its directory": (
        "m.zip", zipped(("m.csv", MANY)), {"MAX_BYTES": "1000"}, "more than 1000 bytes"),
    "not UTF-8": ("m.csv", b"id,title\n1,Am\xe9lie\n", {}, "byte 13 is not utf-8"),
    "not UTF-8, far in": ("m.csv", MANY + b"x,\xff\n", {}, f"byte {len(MANY) + 2} is not utf-8"),
    "quote left open": ("m.csv", b'id,title\n1,Heat\n2,"Alien\n', {}, "line 3: unexpected end"),
    "text after a quote": ("m.csv", b'id,title\n1,"Heat" x\n', {}, "line 2: ',' expected"),
    "no key column": ("m.csv", b"code,title\n1,Heat\n", {}, "only 'code', 'title'"),
    "KEY_COLUMN is not there": ("m.csv", PLAIN, {"KEY_COLUMN": "code"}, "no column 'code'"),
    "a name twice": ("m.csv", b"id,title,title\n1,a,b\n", {}, "names 'title' more than once"),
    "a bad row where none may be": ("m.csv", b"id,title\n1\n", {"BAD_ROWS": "fail"},
                                    "line 2: too few cells"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_line(name: str, aws: FakeAws, run: Run) -> None:
    """
    The job ends with 2 and one line that says why; the summary counts what was written.
    """
    key, data, more, why = BAD[name]
    aws.put(key, data)
    ran = run(FILE_PATH=key, **more)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1 and why in ran.err, ran.err
    assert f"s3://data/{key}" in ran.err
    assert ran.summary["written"] == len(aws.items)
    assert ran.summary["rows"] == ran.summary["written"] + ran.summary["skipped"]
    assert "Traceback" not in ran.err + ran.out


def test_rows_before_the_damage_are_written_and_counted(aws: FakeAws, run: Run) -> None:
    """
    A file that turns out to be bad far in has its first rows in the table.
    """
    aws.put("m.csv", MANY + b'x,"y')
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, ran.summary["written"], len(aws.items)) == (2, 20_000, 20_000)


def test_nothing_is_written_from_an_archive_that_declares_a_bomb(aws: FakeAws, run: Run) -> None:
    """
    Its directory is enough to refuse it, even if other members would come first.
    """
    for more in ({}, {"MAX_BYTES": "20000000"}):
        aws.put("m.zip", zipped(("a.csv", PLAIN), ("b.csv", BOMB)))
        assert (run(FILE_PATH="m.zip", **more).code, aws.items) == (2, {})


SKIPPED: dict[str, tuple[bytes, str]] = {
    "too few cells": (b"1", "too few cells"),
    "too many cells": (b"1,a,b", "too many cells"),
    "empty key": (b",a", "empty key"),
    "long key": (b"k" * 2049 + b",a", "key over 2048 bytes"),
    "long key of few characters": ("é".encode() * 1025 + b",a", "key over 2048 bytes"),
    "big item": (b"1," + b"x" * 410_000, "item over 400 KB"),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_a_bad_row_is_skipped_for_a_reason(name: str, aws: FakeAws, run: Run) -> None:
    """
    The rows around it are written, and the log says where it stands.
    """
    row, reason = SKIPPED[name]
    aws.put("m.csv", b"id,title\n7,Heat\n" + row + b"\n8,Alien\n")
    ran = run(FILE_PATH="m.csv")
    assert ran.code == 0
    assert ran.summary["skipped_by_reason"] == {reason: 1}
    assert sorted(aws.plain_items()) == ["7", "8"]
    assert f"skipped: {reason}: s3://data/m.csv, line 3" in ran.out


def test_an_item_of_just_400_kb_is_written(aws: FakeAws, run: Run) -> None:
    """
    The limit is DynamoDB's, not that of the longer JSON form.
    """
    text = "x" * (400 * 1024 - len("id" + "1" + "title"))
    aws.put("m.csv", f"id,title\n1,{text}\n2,{text}x\n".encode())
    ran = run(FILE_PATH="m.csv")
    assert ran.summary["skipped_by_reason"] == {"item over 400 KB": 1}
    assert list(aws.plain_items()) == ["1"]


def test_of_duplicate_keys_the_last_row_wins(aws: FakeAws, run: Run) -> None:
    """
    Near or far apart, earlier rows of a key count as duplicates.
    """
    rows = [(n % 700, n) for n in range(3000)] + [(1, "a"), (1, "b")]
    aws.put("m.csv", b"id,n\n" + "".join(f"{key},{n}\n" for key, n in rows).encode())
    ran = run(FILE_PATH="m.csv")
    assert {key: item["n"] for key, item in aws.plain_items().items()} == {
        str(key): str(n) for key, n in dict(rows).items()}
    assert ran.summary["written"] == 700
    assert ran.summary["skipped_by_reason"] == {"duplicate key": 3002 - 700}


def test_a_missing_object_or_table_is_bad_input(aws: FakeAws, run: Run) -> None:
    """
    The message names what is missing.
    """
    ran = run(FILE_PATH="none.csv")
    assert (ran.code, "s3://data/none.csv: there is no such object" in ran.err) == (2, True)


def test_objects_under_a_prefix_are_loaded_in_order(aws: FakeAws, run: Run) -> None:
    """
    All pages of the listing count; markers, empty and foreign objects do not.
    """
    for key, data in {
        "in/": b"", "in/0.csv": b"", "in/_SUCCESS": b"",
        "in/a.csv": b"id,n\n1,a\n2,a\n", "in/b &+é.csv": PLAIN,
        "in/c.csv.gz": gzip.compress(b"id,n\n2,c\n"), "in/d.zip": zipped(("x.csv", b"id\n4\n")),
        "in/notes.txt": b"hello", "out/e.csv": b"id\n5\n",
    }.items():
        aws.put(key, data)
    ran = run(FILE_PATH="in/")
    assert (ran.code, ran.summary["rows"]) == (0, 6)
    assert aws.plain_items() == {"1": HEAT, "2": {"id": "2", "n": "c"}, "4": {"id": "4"}}


def test_a_prefix_without_files_is_bad_input(aws: FakeAws, run: Run) -> None:
    """
    Nothing to load is no success.
    """
    ran = run(FILE_PATH="in/")
    assert (ran.code, "holds no .csv, .csv.gz, .zip object" in ran.err) == (2, True)


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
name = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(name.filter(lambda one: one != "id"), max_size=4, unique=True),
       data=st.data(), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
       end=st.sampled_from(["\r\n", "\n"]), delimiter=st.sampled_from(",;\t|"))
def test_any_csv_that_python_writes_comes_back(
        aws: FakeAws, run: Run, names: list[str], data: st.DataObject, quoting: Any, end: str,
        delimiter: str) -> None:
    """
    Every cell that isn't empty is an attribute, to the character; the last row of a key wins.
    """
    # With \n as its line's end Python's writer leaves \r bare, and its own reader can't go back.
    cells = cell if end == "\r\n" else cell.filter(lambda one: "\r" not in one)
    rows = data.draw(st.lists(st.tuples(*[cells] * (len(names) + 1)), max_size=6))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([["id", *names], *rows])
    aws.items.clear()
    aws.put("m.csv", out.getvalue().encode())
    ran = run(FILE_PATH="m.csv", NUMBER_COLUMNS="", DELIMITER=delimiter)
    assert ran.code == 0, ran.err
    assert aws.plain_items() == {
        row[0]: {key: text for key, text in zip(["id", *names], row) if text}
        for row in rows if row[0]}


@settings(deadline=None, max_examples=40,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(cell, cell, cell), min_size=3, max_size=6),
       delimiter=st.sampled_from(",;\t|"))
def test_the_delimiter_is_found(aws: FakeAws, run: Run, rows: list[tuple[str, ...]],
                                delimiter: str) -> None:
    """
    Whatever the cells hold, the delimiter that Python wrote is the one that is read.
    """
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["id", "a", "b"], *rows])
    aws.items.clear()
    aws.put("m.csv", out.getvalue().encode())
    assert run(FILE_PATH="m.csv").code == 0
    assert set(aws.plain_items()) == {row[0] for row in rows if row[0]}
