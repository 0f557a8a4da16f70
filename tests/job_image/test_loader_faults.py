"""
What the loader does when AWS throttles, fails, hangs up, or says no.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_state import FakeAws
from hypothesis import given, settings, strategies as st
from loader import source
from loader_lab import Ran, csv_of, last_of, stored
from validation import Invalid

Run = Callable[..., Ran]


FAULTS = ["throttle", "partial", "all-unprocessed", "500", "reset", "lost", "cut", "expired"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_row_arrives_whatever_goes_wrong(fault: str, aws: FakeAws, run: Run) -> None:
    """
    Two of three writes fail in some way; the last row of every key is in the table all the same.
    """
    rows: list[tuple[object, object]] = [(n * 7919 % 900, n) for n in range(2000)]
    aws.put("m.csv", csv_of(rows))
    aws.fault = lambda operation, count: (
        fault if operation == "BatchWriteItem" and count % 3 else None
    )
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, ran.err) == (0, "")
    assert stored(aws) == last_of(rows)
    assert ran.summary["written"] == 900 and ran.summary["retried"] > 0
    assert (ran.summary["throttled"] > 0) == (fault in ("throttle", "partial", "all-unprocessed"))


@settings(max_examples=25)
@given(
    keys=st.lists(st.integers(0, 40), min_size=1, max_size=300),
    faults=st.lists(st.sampled_from([*FAULTS, None]), min_size=1, max_size=12),
    connections=st.integers(1, 5),
)
def test_no_retry_brings_an_older_row_back(
    aws: FakeAws, run: Run, keys: list[int], faults: list[str | None], connections: int
) -> None:
    """
    With any sequence of faults and few keys the table ends with the last row of each.
    """
    rows: list[tuple[object, object]] = [(key, at) for at, key in enumerate(keys)]
    aws.put("m.csv", csv_of(rows))
    aws.items.clear()
    aws.asked.clear()
    aws.fault = lambda operation, count: (
        faults[count % len(faults)] if operation == "BatchWriteItem" and count < 25 else None
    )
    ran = run(FILE_PATH="m.csv", CONNECTIONS=str(connections))
    assert (ran.code, stored(aws)) == (0, last_of(rows))
    assert ran.summary["written"] == len(set(keys))
    assert ran.summary["skipped"] == len(keys) - len(set(keys))


def test_requests_hold_25_items(aws: FakeAws, run: Run) -> None:
    """
    All requests but the last of each connection are full.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(5000)]))
    run(FILE_PATH="m.csv", CONNECTIONS="4")
    assert max(aws.requests) == 25 and sum(aws.requests) == 5000
    assert sum(size < 25 for size in aws.requests) <= 4


def test_a_request_stays_under_16_mb(aws: FakeAws, run: Run) -> None:
    """
    Items that are six times as long in JSON are sent in more requests.
    """
    cell = "\x01" * 390_000
    aws.put("m.csv", csv_of([(n, cell) for n in range(12)]))
    ran = run(FILE_PATH="m.csv", CONNECTIONS="1")
    assert (ran.code, len(aws.items)) == (0, 12)
    assert max(aws.requests) <= 2


@pytest.mark.parametrize(
    "fault", ["500", "reset", "cut", "no-ranges", "unknown-length", "as-200", "ExpiredToken"]
)
def test_reading_goes_on_where_it_stopped(
    fault: str, aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Bodies that drop halfway, and servers that know no ranges, change nothing.
    """
    monkeypatch.setattr(source, "RANGE", 20_000)
    rows: list[tuple[object, object]] = [(n, n) for n in range(15_000)]
    aws.put("m.csv", csv_of(rows))
    aws.fault = lambda operation, count: fault if operation == "GET" and count % 2 else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, stored(aws)) == (0, last_of(rows))


def test_an_object_that_changes_is_not_mixed(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Half of one version and half of another is worse than a clear end.
    """
    monkeypatch.setattr(source, "RANGE", 20_000)
    aws.put("m.csv", csv_of([(n, n) for n in range(15_000)]))
    aws.after_write = lambda: aws.put("m.csv", csv_of([(n, -n) for n in range(15_000)]))
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "was changed while it was read" in ran.err) == (2, True)
    assert not any(value.startswith("-") for value in stored(aws).values() if value != "-0")


@pytest.mark.parametrize("operation", ["BatchWriteItem", "HEAD"])
def test_a_refusal_ends_the_job_with_3(operation: str, aws: FakeAws, run: Run) -> None:
    """
    Nobody retries what AWS denies; the rows that were read count as not written.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(3000)]))
    aws.fault = lambda asked, count: "denied" if asked == operation else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, len(ran.err.splitlines()), aws.items) == (3, 1, {})
    assert ran.summary["rows"] == ran.summary["skipped_by_reason"].get("not written", 0)


def test_a_role_that_may_only_write_is_enough(aws: FakeAws, run: Run) -> None:
    """
    Without DescribeTable the key is taken to be `id`, a string; the log says so.
    """
    aws.put("m.csv", csv_of([(1, 2)]))
    aws.fault = lambda asked, count: "denied" if asked == "DescribeTable" else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, stored(aws)) == (0, {"1": "2"})
    assert "can't ask for the key of table 'movies'" in ran.out


def test_rows_that_dynamodb_refuses_are_skipped(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One refused item does not take the 24 others of its batch with it.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(100)]))
    write = aws.write

    def picky(requests: list[dict[str, object]], fault: str | None) -> list[dict[str, object]]:
        if any("'66'" in str(one) for one in requests):
            raise Invalid("I do not like 66")
        return write(requests, fault)

    monkeypatch.setattr(aws, "write", picky)
    ran = run(FILE_PATH="m.csv", CONNECTIONS="2")
    assert (ran.code, len(aws.items)) == (0, 99)
    assert ran.summary["skipped_by_reason"] == {"refused by DynamoDB": 1}
    assert "key '66'" in ran.out


def test_two_refused_rows_of_one_batch_are_no_reason_to_end(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A small batch may well hold only items that are refused: others were taken before.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(50)] + [("bad1", 1), ("bad2", 2)]))
    write = aws.write

    def picky(requests: list[dict[str, object]], fault: str | None) -> list[dict[str, object]]:
        if "bad" in str(requests):
            raise Invalid("not these")
        return write(requests, fault)

    monkeypatch.setattr(aws, "write", picky)
    ran = run(FILE_PATH="m.csv", CONNECTIONS="1")
    assert (ran.code, len(aws.items)) == (0, 50)
    assert ran.summary["skipped_by_reason"] == {"refused by DynamoDB": 2}
    strict = {"BAD_ROWS": "fail", "CHECKPOINT": "s3://data/mark"}
    for _ in range(2):  # no mark is left behind the refused row
        ran = run(FILE_PATH="m.csv", CONNECTIONS="1", **strict)
        assert (ran.code, "refused by DynamoDB (BAD_ROWS=fail)" in ran.err) == (2, True)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 100])
def test_a_table_that_refuses_everything_gets_every_row_once_and_ends_with_3(
    count: int, aws: FakeAws, run: Run
) -> None:
    """
    However many rows there are, each has been tried alone, and the message is the same.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(count)]))
    aws.fault = lambda asked, count: "invalid" if asked == "BatchWriteItem" else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, ran.summary["skipped_by_reason"]) == (3, {"refused by DynamoDB": count})
    assert f"none of {count} rows was written: refused by DynamoDB: {count}" in ran.err
    assert "key '0': ValidationException" in ran.err
    assert ran.summary["error"] in ran.err


def test_the_loader_gives_up_in_the_end(aws: FakeAws, run: Run) -> None:
    """
    A table that takes nothing for GIVE_UP_SECONDS ends the job, with what it said last.
    """
    aws.put("m.csv", csv_of([(1, 1)]))
    aws.fault = lambda asked, count: "throttle" if asked == "BatchWriteItem" else None
    ran = run(FILE_PATH="m.csv", GIVE_UP_SECONDS="60")
    assert ran.code == 3
    assert "no item was taken for 60 s: ProvisionedThroughputExceeded" in ran.err


def test_a_table_that_is_deleted_is_bad_input(aws: FakeAws, run: Run) -> None:
    """
    It need not be missing from the start.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(3000)]))
    aws.fault = lambda asked, count: "gone" if asked == "BatchWriteItem" and count > 9 else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "no such table any more" in ran.err) == (2, True)
    assert ran.summary["written"] == len(aws.items) > 0


@pytest.mark.parametrize("fault", ["throttle", "500", "reset", "cut", "expired"])
def test_the_key_is_asked_for_again(fault: str, aws: FakeAws, run: Run) -> None:
    """
    A passing fault at the start changes nothing: the key is the table's, not a guess.
    """
    aws.keys = [("pk", "HASH", "S")]
    aws.put("m.csv", csv_of([(1, 2)]))
    aws.fault = lambda asked, count: (fault if asked == "DescribeTable" and count < 4 else None)
    assert (run(FILE_PATH="m.csv").code, list(aws.items)) == (0, [("1",)])
    assert aws.items[("1",)] == {"pk": {"S": "1"}, "n": {"S": "2"}}


@pytest.mark.parametrize(
    ("fault", "code"), [("RequestTimeout", 0), ("ExpiredToken", 0), ("InvalidRequest", 3)]
)
def test_a_mark_is_tried_again_only_where_that_may_help(
    fault: str, code: int, aws: FakeAws, run: Run
) -> None:
    """
    S3 tells some faults that pass with status 400.
    """
    aws.put("m.csv", csv_of([(1, 2)]))
    aws.fault = lambda asked, count: fault if asked == "PUT" and count == 1 else None
    ran = run(FILE_PATH="m.csv", CHECKPOINT="s3://data/mark")
    assert (ran.code, aws.asked.count("PUT")) == (code, 1 if code else 2)
