"""
What the loader does when AWS throttles, fails, hangs up, says no, or the job is killed.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable

import pytest
from conftest import Ran, end_child, start_child
from fake_aws import FakeAws
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Run = Callable[..., Ran]


def csv_of(rows: list[tuple[object, object]]) -> bytes:
    """
    A file of keys and values.
    """
    return b"id,n\n" + "".join(f"{key},{value}\n" for key, value in rows).encode()


def stored(aws: FakeAws) -> dict[str, str]:
    """
    Keys and values that the table holds.
    """
    return {key: item["n"] for key, item in aws.plain_items().items()}


def last_of(rows: list[tuple[object, object]]) -> dict[str, str]:
    """
    What the table should hold.
    """
    return {str(key): str(value) for key, value in rows}


FAULTS = ["throttle", "partial", "all-unprocessed", "500", "reset", "lost", "expired"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_row_arrives_whatever_goes_wrong(fault: str, aws: FakeAws, run: Run) -> None:
    """
    Two of three writes fail in some way; the last row of every key is in the table all the same.
    """
    rows: list[tuple[object, object]] = [(n * 7919 % 900, n) for n in range(2000)]
    aws.put("m.csv", csv_of(rows))
    aws.fault = lambda operation, count: (
        fault if operation == "BatchWriteItem" and count % 3 else None)
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, ran.err) == (0, "")
    assert stored(aws) == last_of(rows)
    assert ran.summary["written"] == 900 and ran.summary["retried"] > 0
    assert (ran.summary["throttled"] > 0) == (
        fault in ("throttle", "partial", "all-unprocessed"))


@settings(deadline=None, max_examples=25,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.integers(0, 40), min_size=1, max_size=300),
       faults=st.lists(st.sampled_from([*FAULTS, None]), min_size=1, max_size=12),
       connections=st.integers(1, 5))
def test_no_retry_brings_an_older_row_back(aws: FakeAws, run: Run, keys: list[int],
                                           faults: list[str | None], connections: int) -> None:
    """
    With any sequence of faults and few keys the table ends with the last row of each.
    """
    rows: list[tuple[object, object]] = [(key, at) for at, key in enumerate(keys)]
    aws.put("m.csv", csv_of(rows))
    aws.items.clear()
    aws.asked.clear()
    aws.fault = lambda operation, count: (
        faults[count % len(faults)] if operation == "BatchWriteItem" and count < 25 else None)
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


@pytest.mark.parametrize("fault", ["500", "reset", "cut", "no-ranges"])
def test_reading_goes_on_where_it_stopped(fault: str, aws: FakeAws, run: Run,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Bodies that drop halfway, and servers that know no ranges, change nothing.
    """
    import source
    monkeypatch.setattr(source, "RANGE", 20_000)
    rows: list[tuple[object, object]] = [(n, n) for n in range(15_000)]
    aws.put("m.csv", csv_of(rows))
    aws.fault = lambda operation, count: fault if operation == "GET" and count % 2 else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, stored(aws)) == (0, last_of(rows))


def test_an_object_that_changes_is_not_mixed(aws: FakeAws, run: Run,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Half of one version and half of another is worse than a clear end.
    """
    import source
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


def test_rows_that_dynamodb_refuses_are_skipped(aws: FakeAws, run: Run) -> None:
    """
    One refused item does not take the 24 others of its batch with it.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(100)]))
    write = aws.write

    def picky(requests: list[dict[str, object]], fault: str | None) -> list[dict[str, object]]:
        from fake_aws import Invalid
        if any("'66'" in str(one) for one in requests):
            raise Invalid("I do not like 66")
        return write(requests, fault)

    aws.write = picky  # type: ignore[method-assign]
    ran = run(FILE_PATH="m.csv", CONNECTIONS="2")
    assert (ran.code, len(aws.items)) == (0, 99)
    assert ran.summary["skipped_by_reason"] == {"refused by DynamoDB": 1}
    assert "key '66'" in ran.out


def test_a_table_that_refuses_everything_ends_the_job(aws: FakeAws, run: Run) -> None:
    """
    When no item of a batch is taken it isn't the items.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(100)]))
    aws.fault = lambda asked, count: "invalid" if asked == "BatchWriteItem" else None
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "DynamoDB takes no item" in ran.err) == (3, True)


def test_the_loader_gives_up_in_the_end(aws: FakeAws, run: Run) -> None:
    """
    A table that takes nothing for GIVE_UP_SECONDS ends the job, with what it said last.
    """
    aws.put("m.csv", csv_of([(1, 1)]))
    aws.fault = lambda asked, count: "throttle" if asked == "BatchWriteItem" else None
    ran = run(FILE_PATH="m.csv", GIVE_UP_SECONDS="60")
    assert ran.code == 3
    assert "no item was taken for 60 s: ProvisionedThroughputExceeded" in ran.err


def test_a_killed_job_run_again_leaves_just_the_rows(aws: FakeAws) -> None:
    """
    SIGKILL at three random moments, then a full run: the content is exact each time.
    """
    rows: list[tuple[object, object]] = [(n * 31 % 1500, n) for n in range(4000)]
    aws.put("m.csv", csv_of(rows))
    for _ in range(3):
        victim = start_child(aws.environ(FILE_PATH="m.csv"))
        left = [random.randrange(1, 120)]

        def countdown() -> None:
            left[0] -= 1
            if left[0] == 0:
                victim.kill()

        aws.after_write = countdown
        victim.communicate(timeout=30)
        assert victim.returncode == -signal.SIGKILL
    aws.after_write = lambda: None
    ran = end_child(start_child(aws.environ(FILE_PATH="m.csv")))
    assert (ran.code, ran.err, stored(aws)) == (0, "", last_of(rows))


def test_sigterm_flushes_and_ends_with_143(aws: FakeAws) -> None:
    """
    What was read is in the table, the summary is there, and the mark lets the next attempt go on.
    """
    rows: list[tuple[object, object]] = [(n % 30_000, n) for n in range(40_000)]
    aws.put("m.csv", csv_of(rows))
    environ = aws.environ(FILE_PATH="m.csv", CHECKPOINT="s3://data/marks/one")
    child = start_child(environ)
    aws.after_write = lambda: child.send_signal(signal.SIGTERM) if child.poll() is None else None
    first = end_child(child)
    assert (first.code, "SIGTERM" in first.err) == (143, True)
    assert 0 < first.summary["rows"] < 40_000
    assert first.summary["written"] == len(aws.items)
    aws.after_write = lambda: None
    second = end_child(start_child(environ))
    assert second.code == 0
    assert second.summary["resumed_rows"] == first.summary["rows"]
    assert (second.summary["written"], stored(aws)) == (30_000, last_of(rows))


def test_a_checkpoint_is_of_one_version_of_the_object(aws: FakeAws, run: Run) -> None:
    """
    A mark is kept on failure, used for the same object only, and cleared by success.
    """
    rows: list[tuple[object, object]] = [(n, n) for n in range(2000)]
    environ = {"FILE_PATH": "m.csv", "CHECKPOINT": "s3://data/mark"}
    aws.put("m.csv", csv_of(rows) + b'x,"')
    assert run(**environ).code == 2
    assert run(**environ).summary["resumed_rows"] == 2000
    aws.put("m.csv", csv_of(rows))
    fixed = run(**environ)
    assert (fixed.code, fixed.summary["resumed_rows"], fixed.summary["written"]) == (0, 0, 2000)
    assert run(**environ).summary["resumed_rows"] == 0


def test_the_mark_never_counts_a_row_that_is_not_written(aws: FakeAws, run: Run) -> None:
    """
    At any time the rows before the mark are in the table, even the last put and unsent ones.
    """
    rows: list[tuple[object, object]] = [(n, n) for n in range(3000)]
    aws.put("m.csv", csv_of(rows))
    marks: list[tuple[int, int]] = []
    put = aws.put

    def watch(key: str, data: bytes, bucket: str = "data") -> None:
        import json
        marks.append((json.loads(data)["rows"], len(aws.items)))
        put(key, data, bucket)

    aws.put = watch  # type: ignore[method-assign]
    run(FILE_PATH="m.csv", CHECKPOINT="s3://data/mark", CHECKPOINT_SECONDS="0.1",
        WCU_BUDGET="500")
    assert len(marks) > 3 and marks.pop()[0] == 0
    assert all(rows_marked <= items for rows_marked, items in marks)


def test_array_workers_share_the_rows_exactly(aws: FakeAws, run: Run) -> None:
    """
    Any number of workers: every row is one worker's, and of a key's rows the last one wins.
    """
    rows: list[tuple[object, object]] = [(n * 13 % 700, n) for n in range(2000)]
    aws.put("m.csv", csv_of(rows) + b"1\n,x\n")
    for size in (2, 3, 7):
        aws.items.clear()
        summaries = [run(FILE_PATH="m.csv", AWS_BATCH_JOB_ARRAY_SIZE=str(size),
                         AWS_BATCH_JOB_ARRAY_INDEX=str(index)).summary
                     for index in random.sample(range(size), size)]
        assert stored(aws) == last_of(rows)
        assert sum(one["rows"] for one in summaries) == 2002
        assert sum(one["written"] for one in summaries) == 700
        assert all(one["rows"] > 2000 / size / 2 for one in summaries)


@pytest.mark.parametrize("split", ["auto", "rows", "objects"])
def test_array_workers_share_objects(split: str, aws: FakeAws, run: Run) -> None:
    """
    With as many objects as workers each takes whole ones; the union is exact either way.
    """
    for number in range(5):
        aws.put(f"in/{number}.csv", csv_of([(f"{number}-{n}", n) for n in range(40)]))
    read = []
    for index in range(3):
        aws.asked.clear()
        run(FILE_PATH="in/", SPLIT=split, AWS_BATCH_JOB_ARRAY_SIZE="3",
            AWS_BATCH_JOB_ARRAY_INDEX=str(index))
        read.append(aws.asked.count("GET") - 3)  # three pages of the listing
    assert len(aws.items) == 200
    assert read == ([5, 5, 5] if split == "rows" else [2, 2, 1])


def test_the_child_needs_only_the_jobs_environment(aws: FakeAws) -> None:
    """
    The last line is the summary; progress comes before it.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(2000)]))
    go_on = threading.Event()
    aws.after_write = lambda: go_on.wait(0.4) and None  # slow enough for a line of progress
    child = start_child(aws.environ(FILE_PATH="m.csv", LOG_SECONDS="0.1", CONNECTIONS="4"))
    assert child.stdout is not None
    line = child.stdout.readline()
    go_on.set()
    ran = end_child(child)
    assert (ran.code, ran.summary["written"]) == (0, 2000)
    assert all(word in line for word in ("rows/s", "skipped", "throttled", "%", "left"))
