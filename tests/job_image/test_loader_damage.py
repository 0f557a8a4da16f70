"""
Files that can't be loaded: each is refused in one line, and what was written is counted.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable

import pytest
from fake_state import FakeAws
from hypothesis import given, settings, strategies as st
from loader_lab import Ran, damaged, zipped

Run = Callable[..., Ran]
PLAIN = b"id,title,vote_average\n1,Heat,8.3\n2,Alien,8.5\n"
MAC = ("__MACOSX/._movies.csv", b"\x00\x05\x16\x07" + b"\0" * 116)


MANY = b"id,title\n" + b"".join(
    b"%d,%s\n" % (n, zlib.compress(b"%d" % n).hex().encode()) for n in range(20_000)
)
SOUND = {"m.zip": zipped(("a.csv", PLAIN), ("b/c.csv", PLAIN)), "m.csv.gz": gzip.compress(PLAIN)}
BOMB = b"id,title\n" + (b"1," + b"x" * 2000 + b"\n") * 10_000
BAD: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "empty": ("m.csv", b"", {}, "is empty"),
    "only blank lines": ("m.csv", b"\n\n", {}, "is empty"),
    "empty member": ("m.zip", zipped(("m.csv", b"")), {}, "member 'm.csv': is empty"),
    "empty archive": ("m.zip", zipped(), {}, "no member is a .csv file; it holds nothing"),
    "archive without CSV": ("m.zip", zipped(("a.txt", b"x"), MAC), {}, "it holds 'a.txt'"),
    "no such member": (
        "m.zip",
        zipped(("a.csv", PLAIN)),
        {"MEMBER": "b.csv"},
        "no member is b.csv; it holds 'a.csv'",
    ),
    "not an archive": ("m.zip", PLAIN, {}, "is no zip archive"),
    "an empty .zip": ("m.zip", b"", {}, "is no zip archive"),
    "cut archive": (
        "m.zip",
        zipped(("movies.csv", MANY))[:-300],
        {},
        "the directory after member 'movies.csv' is missing",
    ),
    "corrupt member": (
        "m.zip",
        damaged(zipped(("movies.csv", MANY)), 100_000),
        {},
        "member 'movies.csv': corrupt or cut short at byte",
    ),
    "cut gzip": ("m.csv.gz", gzip.compress(MANY)[:-2000], {}, "corrupt or cut short at byte"),
    "not gzip": ("m.csv.gz", PLAIN, {}, "Not a gzipped file"),
    "encrypted": (
        "m.zip",
        zipped(("m.csv", PLAIN)).replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
        ),
        {},
        "encrypted",
    ),
    "compressed by bzip2": (
        "m.zip",
        zipped(("m.csv", PLAIN), method=zipfile.ZIP_BZIP2),
        {},
        "compressed by bzip2; only deflate is read",
    ),
    "compressed by LZMA": (
        "m.zip",
        zipped(("m.csv", PLAIN), method=zipfile.ZIP_LZMA),
        {},
        "compressed by LZMA; only deflate is read",
    ),
    "compressed by Deflate64": (
        "m.zip",
        zipped(("m.csv", PLAIN)).replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x08", b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x09"
        ),
        {},
        "compressed by Deflate64; only deflate is read",
    ),
    "a directory that points nowhere": (
        "m.zip",
        damaged(zipped(("m.csv", PLAIN)), -4, 255),
        {},
        "m.zip",
    ),
    "gzip with rubbish after it": (
        "m.csv.gz",
        gzip.compress(PLAIN) + b"rubbish",
        {},
        "corrupt or cut short at byte 45",
    ),
    "bomb that says so": ("m.zip", zipped(("m.csv", BOMB)), {}, "a zip bomb?"),
    "bomb that does not": ("m.csv.gz", gzip.compress(BOMB), {}, "a zip bomb?"),
    "bomb without a newline": (
        "m.csv.gz",
        gzip.compress(b"id," + b"x" * 12_000_000),
        {},
        "is a quote left open?",
    ),
    "more than the limit": ("m.csv", MANY, {"MAX_BYTES": "1000"}, "more than 1000 bytes"),
    "more than the limit, by its directory": (
        "m.zip",
        zipped(("m.csv", MANY)),
        {"MAX_BYTES": "1000"},
        "more than 1000 bytes",
    ),
    "not UTF-8": ("m.csv", b"id,title\n1,Am\xe9lie\n", {}, "byte 13 is not utf-8"),
    "not UTF-8, far in": ("m.csv", MANY + b"x,\xff\n", {}, f"byte {len(MANY) + 2} is not utf-8"),
    "quote left open": ("m.csv", b'id,title\n1,Heat\n2,"Alien\n', {}, "line 3: unexpected end"),
    "text after a quote": ("m.csv", b'id,title\n1,"Heat" x\n', {}, "line 2: ',' expected"),
    "no key column": ("m.csv", b"code,title\n1,Heat\n", {}, "only 'code', 'title'"),
    "KEY_COLUMN is not there": ("m.csv", PLAIN, {"KEY_COLUMN": "code"}, "no column 'code'"),
    "a name twice": ("m.csv", b"id,title,title\n1,a,b\n", {}, "names 'title' more than once"),
    "a bad row where none may be": (
        "m.csv",
        b"id,title\n1\n",
        {"BAD_ROWS": "fail"},
        "line 2: too few cells",
    ),
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


@pytest.mark.parametrize("name", ["m.zip", "m.csv.gz"])
@given(data=st.data())
@settings(max_examples=60)
def test_damage_of_any_kind_is_told_in_one_line(
    name: str, data: st.DataObject, aws: FakeAws, run: Run
) -> None:
    """
    Wherever bytes are wrong: the file is loaded or refused, and what was written is counted.
    """
    whole = SOUND[name]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(1, len(whole)))  # from the end, where the directory is
        whole = damaged(whole, -place, data.draw(st.integers(1, 255)))
    aws.put(name, whole)
    aws.items.clear()
    ran = run(FILE_PATH=name)
    assert (ran.code, len(ran.err.splitlines())) in ((0, 0), (2, 1))
    assert ran.summary["written"] == len(aws.items)
