"""
What a row becomes, and what is counted: numbers, keys, sizes.
"""

from __future__ import annotations

import decimal
import json
import sys
from array import array
from collections.abc import Callable
from decimal import Decimal

import pytest
from fake_state import FakeAws
from hypothesis import given, strategies as st
from loader.counts import Distinct
from loader.numeric import number_text
from loader.rows import KeyAttribute, Rows, item_size
from loader.settings import Settings
from loader.tojson import plain_json, to_json
from loader_lab import Ran

Run = Callable[..., Ran]


NUMBERS = {
    "7": "7",
    "7.0": "7.0",
    "-0.5": "-0.5",
    "0": "0",
    " 8.3 ": "8.3",
    "+4": "4",
    "007": "7",
    ".5": "0.5",
    "5.": "5",
    "1e3": "1E+3",
    "1E-130": "1E-130",
    "9.9e125": "9.9E+125",
    "0.00": "0.00",
    "0e999": "0",
    "1" * 38: "1" * 38,
    "1" + "0" * 60: "1E+60",
    "1.50000000000000000000000000000000000000000000": "1.5",
    "1" * 39: None,
    "1e126": None,
    "1e-131": None,
    "nan": None,
    "inf": None,
    "": None,
    "N/A": None,
    "1,5": None,
    "0x10": None,
    "١": None,
    "1_000": None,
    "--1": None,
    "1e99999": None,
}


@pytest.mark.parametrize("cell", NUMBERS)
def test_numbers(cell: str) -> None:
    """
    A cell is a number that DynamoDB takes, in a spelling that it takes, or None.
    """
    assert number_text(cell) == NUMBERS[cell]


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_stay_exact(number: Decimal) -> None:
    """
    What is taken as a number is that number, to the last digit; what isn't has a reason.
    """
    text = number_text(str(number))
    with decimal.localcontext(decimal.Context(prec=2000, Emax=99999, Emin=-99999)):
        digits = number.normalize().as_tuple().digits
        if text is None:
            assert len(digits) > 38 or not -130 <= number.adjusted() <= 125
        else:
            assert Decimal(text) == number


def test_what_is_no_number_stays_as_text(aws: FakeAws, run: Run) -> None:
    """
    Nothing is lost and nothing fails: the cell is a string, and counted.
    """
    aws.put("m.csv", b"id,vote_average,vote_count\n1,8.3,N/A\n2,,12\n")
    ran = run(FILE_PATH="m.csv")
    assert aws.items[("1",)] == {
        "id": {"S": "1"},
        "vote_average": {"N": "8.3"},
        "vote_count": {"S": "N/A"},
    }
    assert aws.items[("2",)] == {"id": {"S": "2"}, "vote_count": {"N": "12"}}
    assert ran.summary["kept_as_text"] == 1


def test_the_key_is_what_the_table_says(aws: FakeAws, run: Run) -> None:
    """
    Name and type come from the table; 1 and 1.0 are one key of type N.
    """
    aws.keys = [("number", "HASH", "N")]
    aws.put("m.csv", b",title\n1,Heat\n1.0,Alien\nx,Bad\n")
    ran = run(FILE_PATH="m.csv")
    assert list(aws.items.values()) == [{"number": {"N": "1.0"}, "title": {"S": "Alien"}}]
    assert ran.summary["skipped_by_reason"] == {"duplicate key": 1, "key is not a number": 1}


def test_an_unnamed_last_column_is_no_key(aws: FakeAws, run: Run) -> None:
    """
    It comes from a comma at the end of each line, so `id` goes before it.
    """
    aws.keys = [("pk", "HASH", "S")]
    aws.put("m.csv", b"id,title,\n1,Heat,\n")
    run(FILE_PATH="m.csv")
    assert aws.plain_items() == {"1": {"pk": "1", "title": "Heat"}}


def test_a_sort_key_comes_from_its_column(aws: FakeAws, run: Run) -> None:
    """
    Rows are told apart by both; without the column nothing is written.
    """
    aws.keys = [("id", "HASH", "S"), ("year", "RANGE", "N")]
    aws.put("m.csv", b"id,year,title\n1,1995,Heat\n1,1996,Heat 2\n1,1995,Again\n1,,None\n")
    ran = run(FILE_PATH="m.csv", AWS_BATCH_JOB_ARRAY_INDEX="0", AWS_BATCH_JOB_ARRAY_SIZE="1")
    assert {key: item["title"]["S"] for key, item in aws.items.items()} == {
        ("1", "1995"): "Again",
        ("1", "1996"): "Heat 2",
    }
    assert ran.summary["skipped_by_reason"] == {"duplicate key": 1, "empty key": 1}
    aws.put("m.csv", b"id,title\n1,Heat\n")
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "sort key 'year' is not a column" in ran.err) == (2, True)


def test_a_binary_key_is_bad_input(aws: FakeAws, run: Run) -> None:
    """
    The message names the attribute.
    """
    aws.keys = [("hash", "HASH", "B")]
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "the key 'hash' is binary" in ran.err) == (2, True)


def test_orjson_is_not_needed(run: Run, aws: FakeAws) -> None:
    """
    Both ways to JSON give the same bytes for any item.
    """
    value = {"PutRequest": {"Item": {"título": {"S": '"\\\n\x01\0é東🎬'}, "n": {"N": "1.0"}}}}
    assert plain_json(value) == to_json(value) or b"\\u0000" in to_json(value)
    assert json.loads(plain_json(value)) == json.loads(to_json(value)) == value


def test_an_items_size_is_counted_as_dynamodb_does() -> None:
    """
    Names and strings by their UTF-8 bytes, numbers by half their digits.
    """
    assert item_size({"id": {"S": "é"}, "n": {"N": "1234"}}) == 2 + 2 + 1 + 4
    assert item_size({"tags": {"SS": ["a", "b"]}, "seen": {"BOOL": True}}) == 4 + 9 + 4 + 4


def test_a_row_made_to_nothing_is_left_out() -> None:
    """
    `shape` is the one place to change what a row becomes.
    """
    made = Rows(
        ["id", "n"],
        [KeyAttribute("id", "S", 2048)],
        Settings("b", "f", "t", "r"),
        "here",
        lambda item: None if item["n"]["S"] == "x" else item,
    )
    assert made.make(["1", "x"]) == "left out by shape()"
    assert not isinstance(made.make(["1", "y"]), str)


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), max_size=60), st.integers(1, 9)
)
def test_distinct_counts_exactly(hashes: list[int], hold: int) -> None:
    """
    However often it spills to its file, the count is that of a set.
    """
    distinct = Distinct(hold)
    for at in range(0, len(hashes), 4):
        distinct.add(array("q", hashes[at : at + 4]))
    assert distinct.count() == len(set(hashes))
    distinct.close()


def test_python_is_one_that_the_loader_runs_on() -> None:
    """
    The oldest is the SDK's oldest.
    """
    assert sys.version_info >= (3, 10)
