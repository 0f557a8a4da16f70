"""
Which rows are written: bad ones, big ones, duplicates, several objects, and all that Python writes.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
from fake_state import FakeAws
from hypothesis import given, settings, strategies as st
from loader_lab import Ran, zipped

Run = Callable[..., Ran]
PLAIN = b"id,title,vote_average\n1,Heat,8.3\n2,Alien,8.5\n"
HEAT = {"id": "1", "title": "Heat", "vote_average": "8.3"}


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
        str(key): str(n) for key, n in dict(rows).items()
    }
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
        "in/": b"",
        "in/0.csv": b"",
        "in/_SUCCESS": b"",
        "in/a.csv": b"id,n\n1,a\n2,a\n",
        "in/b &+é.csv": PLAIN,
        "in/c.csv.gz": gzip.compress(b"id,n\n2,c\n"),
        "in/d.zip": zipped(("x.csv", b"id\n4\n")),
        "in/notes.txt": b"hello",
        "out/e.csv": b"id\n5\n",
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


@settings(max_examples=60)
@given(
    names=st.lists(name.filter(lambda one: one != "id"), max_size=4, unique=True),
    data=st.data(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\r\n", "\n"]),
    delimiter=st.sampled_from(",;\t|"),
)
def test_any_csv_that_python_writes_comes_back(
    aws: FakeAws,
    run: Run,
    names: list[str],
    data: st.DataObject,
    quoting: Any,
    end: str,
    delimiter: str,
) -> None:
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
    ran = run(FILE_PATH="m.csv", NUMBER_COLUMNS="", DELIMITER=delimiter, MAX_SKIPPED="100%")
    lost = any(map(any, rows)) and not any(row[0] for row in rows)
    assert ran.code == (2 if lost else 0), ran.err
    assert aws.plain_items() == {
        row[0]: {key: text for key, text in zip(["id", *names], row) if text}
        for row in rows
        if row[0]
    }


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(cell, cell, cell), min_size=3, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
)
def test_the_delimiter_is_found(
    aws: FakeAws, run: Run, rows: list[tuple[str, ...]], delimiter: str
) -> None:
    """
    Whatever the cells hold, the delimiter that Python wrote is the one that is read.
    """
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([["id", "a", "b"], *rows])
    aws.items.clear()
    aws.put("m.csv", out.getvalue().encode())
    run(FILE_PATH="m.csv")
    assert set(aws.plain_items()) == {row[0] for row in rows if row[0]}
