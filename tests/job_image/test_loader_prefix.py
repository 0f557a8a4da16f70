"""
Many objects under a prefix, and items that DynamoDB refuses: what is left out, and is it told?
"""

from __future__ import annotations

import bz2
import gzip
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


def test_empty_parts_are_passed_over(aws: FakeAws, run: Run) -> None:
    """
    Where others have rows; where none has, that is told.
    """
    for number, data in enumerate([b"", b"", TABLE.encode(), b"\n\n", b"\xef\xbb\xbf"]):
        aws.put(f"in/{number}.csv.gz", gzip.compress(data))
    ran = run(FILE_PATH="in/")
    assert (ran.code, ran.err, aws.plain_items()) == (0, "", ITEMS)
    assert "left out: s3://data/in/0.csv.gz: is empty" in ran.out
    aws.objects.pop(("data", "in/2.csv.gz"))
    ran = run(FILE_PATH="in/")
    assert (ran.code, "is empty" in ran.err) == (2, True)


def test_under_a_prefix_the_content_decides(aws: FakeAws, run: Run) -> None:
    """
    What is a table is loaded whatever it is called, and all else is named.
    """
    lines = {number: f"id,n\n{number},x\n".encode() for number in range(7)}
    aws.put("in/0.csv", lines[0])
    aws.put("in/1.gz", gzip.compress(lines[1]))
    aws.put("in/2.tsv", lines[2].replace(b",", b"\t"))
    aws.put("in/3.txt", lines[3])
    aws.put("in/4", lines[4])
    aws.put("in/5.bz2", bz2.compress(lines[5]))
    aws.put("in/6", zipped(("a.tsv", lines[6]), ("note.txt", b"hello")))
    foreign = {
        "in/README.md": b"# What this is\n\nWords.\n",
        "in/_SUCCESS": b"done",
        "in/a.parquet": b"PAR1\x15\x04\x15",
        "in/b.png": b"\x89PNG\r\n\x1a\n\0\0",
        "in/c.zst": b"\x28\xb5\x2f\xfd\x04\x00",
    }
    for key, data in foreign.items():
        aws.put(key, data)
    ran = run(FILE_PATH="in/")
    assert (ran.code, ran.err, sorted(aws.plain_items())) == (0, "", list("0123456"))
    assert all(f"left out: s3://data/{key}" in ran.out for key in foreign)
    assert "left out of s3://data/in/6: 'note.txt'" in ran.out


def test_a_file_of_many_that_lost_all_its_rows_is_no_success(aws: FakeAws, run: Run) -> None:
    """
    Though it is a small share of the rows; who wants that says so.
    """
    aws.put("in/a.csv", b"id,n\n" + b"".join(b"%d,x\n" % n for n in range(50)))
    aws.put("in/b.csv", b"id,n\n91,x,y\n92,x,y\n")
    ran = run(FILE_PATH="in/")
    assert (ran.code, ran.summary["written"]) == (2, 50)
    assert "in/b.csv: none of its 2 rows was written: too many cells: 2" in ran.err
    assert run(FILE_PATH="in/", MAX_SKIPPED="100%").code == 0


def test_a_file_that_is_called_csv_must_be_one(aws: FakeAws, run: Run) -> None:
    """
    Under a prefix, too: it isn't left out with a line in the log.
    """
    aws.put("in/a.csv", b"id,n\n1,x\n")
    aws.put("in/b.csv", b"code,n\n1,x\n")
    ran = run(FILE_PATH="in/")
    assert (ran.code, "in/b.csv: " in ran.err) == (2, True)


@pytest.mark.parametrize("kind", ["N", "S"])
def test_keys_of_secondary_indexes_have_the_tables_type(kind: str, aws: FakeAws, run: Run) -> None:
    """
    A number where the table says so, though NUMBER_COLUMNS doesn't, and the other way round.
    """
    aws.indexed = {"year": kind}
    aws.put("m.csv", b"id,year,n\n1,1995,a\n2,soon,b\n3,,c\n4,1979,d\n5,1980,e\n")
    ran = run(FILE_PATH="m.csv", NUMBER_COLUMNS="" if kind == "N" else "year")
    held = {key[0]: item.get("year") for key, item in aws.items.items()}
    wanted = {key: {kind: year} for key, year in [("1", "1995"), ("4", "1979"), ("5", "1980")]}
    odd = {"2": {"S": "soon"}} if kind == "S" else {}
    assert (ran.code, held) == (0, {**wanted, **odd, "3": None})
    reason = {"year, key of an index, is not a number": 1} if kind == "N" else {}
    assert ran.summary["skipped_by_reason"] == reason


def test_a_refused_row_does_not_replace_an_earlier_one(aws: FakeAws, run: Run) -> None:
    """
    Near or far, whatever rows share its batch.
    """
    for between in (0, 5, 200):
        others = "".join(f"{n},x\n" for n in range(10, 10 + between))
        aws.items.clear()
        aws.put("m.csv", f"id,n\n1,good\n{others}1,refused\n2,x\n".encode())
        aws.refused = "refused"
        ran = run(FILE_PATH="m.csv")
        assert (ran.code, aws.plain_items()["1"]["n"]) == (0, "good")
        assert ran.summary["skipped_by_reason"] == {"refused by DynamoDB": 1}
        assert ran.summary["written"] == len(aws.items) == between + 2
