"""
Jobs that are killed, stopped, run again, resumed, or shared by the workers of an array.
"""

from __future__ import annotations

import json
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_state import FakeAws
from loader_lab import JOB_IMAGE, Ran, csv_of, end_child, last_of, start_child, stored

Run = Callable[..., Ran]


def test_a_killed_job_run_again_leaves_just_the_rows(aws: FakeAws) -> None:
    """
    SIGKILL at three random moments, then a full run: the content is exact each time.
    """
    films: list[tuple[object, object]] = [(n * 31 % 1500, n) for n in range(4000)]
    aws.put("m.csv", csv_of(films))
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
    assert (ran.code, ran.err, stored(aws)) == (0, "", last_of(films))


def test_sigterm_flushes_and_ends_with_143(aws: FakeAws) -> None:
    """
    What was read is in the table, the summary is there, and the mark lets the next attempt go on.
    """
    films: list[tuple[object, object]] = [(n % 30_000, n) for n in range(40_000)]
    aws.put("m.csv", csv_of(films))
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
    assert (second.summary["written"], stored(aws)) == (30_000, last_of(films))


def test_a_checkpoint_is_of_one_version_of_the_object(aws: FakeAws, run: Run) -> None:
    """
    A mark is kept on failure, used for the same object only, and cleared by success.
    """
    films: list[tuple[object, object]] = [(n, n) for n in range(2000)]
    environ = {"FILE_PATH": "m.csv", "CHECKPOINT": "s3://data/mark"}
    aws.put("m.csv", csv_of(films) + b'x,"')
    assert run(**environ).code == 2
    assert run(**environ).summary["resumed_rows"] == 2000
    aws.put("m.csv", csv_of(films))
    fixed = run(**environ)
    assert (fixed.code, fixed.summary["resumed_rows"], fixed.summary["written"]) == (0, 0, 2000)
    assert run(**environ).summary["resumed_rows"] == 0


def test_a_checkpoint_is_of_one_table(aws: FakeAws, run: Run) -> None:
    """
    A table of the same name that was made anew is empty, whatever an earlier attempt has written.
    """
    environ = {"FILE_PATH": "m.csv", "CHECKPOINT": "s3://data/mark"}
    aws.put("m.csv", csv_of([(n, n) for n in range(500)]) + b'x,"')
    assert run(**environ).code == 2
    aws.items.clear()
    aws.table_id = "table-2"
    assert (run(**environ).summary["resumed_rows"], len(aws.items)) == (0, 500)


def test_a_checkpoint_is_of_one_way_to_shape_rows(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """
    With another main.py in the image the first rows would have to be others too.
    """
    environ = {"FILE_PATH": "m.csv", "CHECKPOINT": "s3://data/mark"}
    aws.put("m.csv", csv_of([(n, n) for n in range(500)]) + b'x,"')
    assert run(**environ).code == 2
    assert run(**environ).summary["resumed_rows"] == 500
    changed = tmp_path / "main.py"
    changed.write_text((JOB_IMAGE / "main.py").read_text() + "# changed")
    other = end_child(start_child(aws.environ(**environ), str(changed)))
    assert (other.code, other.summary["resumed_rows"]) == (2, 0)


def test_a_mark_is_never_set_back(aws: FakeAws, run: Run) -> None:
    """
    An attempt that fails before it has caught up leaves the mark where it was.
    """
    environ = {"FILE_PATH": "m.csv", "CHECKPOINT": "s3://data/mark"}
    aws.put("m.csv", csv_of([(n, "x" * 100) for n in range(2000)]) + b'x,"')
    assert run(**environ).code == 2
    early = [False]
    aws.fault = lambda operation, count: "denied" if operation == "GET" and early[0] else None
    aws.after_write = lambda: None
    early[0] = True
    assert run(**environ).code == 3
    early[0] = False
    assert run(**environ).summary["resumed_rows"] == 2000


STOPPED = """
import sys
import main
from loader import job
job.FLUSH_SECONDS, job.END_SECONDS = 0.2, 0.4
sys.exit(main.main())
"""


def test_a_stop_does_not_wait_for_an_answer_that_never_ends(aws: FakeAws) -> None:
    """
    One byte every few seconds looks alive, but there are only so many seconds after SIGTERM.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(3000)]))
    aws.fault = lambda operation, count: (
        "trickle" if operation == "BatchWriteItem" and count > 20 else None
    )
    child = start_child(aws.environ(FILE_PATH="m.csv"), "-c", STOPPED)
    assert aws.trickling.wait(30)
    child.send_signal(signal.SIGTERM)
    ran = end_child(child)
    assert (ran.code, "SIGTERM" in ran.err, "Traceback" in ran.err) == (143, True, False)
    assert ran.summary["rows"] == ran.summary["written"] + ran.summary["skipped"]


def test_the_mark_never_counts_a_row_that_is_not_written(
    aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    At any time the rows before the mark are in the table, even the last put and unsent ones.
    """
    films: list[tuple[object, object]] = [(n, n) for n in range(3000)]
    aws.put("m.csv", csv_of(films))
    marks: list[tuple[int, int]] = []
    put = aws.put

    def watch(key: str, data: bytes, bucket: str = "data") -> None:
        marks.append((json.loads(data)["rows"], len(aws.items)))
        put(key, data, bucket)

    monkeypatch.setattr(aws, "put", watch)
    run(FILE_PATH="m.csv", CHECKPOINT="s3://data/mark", CHECKPOINT_SECONDS="0.1", WCU_BUDGET="500")
    assert len(marks) > 3 and marks.pop()[0] == 0
    assert all(rows_marked <= items for rows_marked, items in marks)


def test_array_workers_share_the_rows_exactly(aws: FakeAws, run: Run) -> None:
    """
    Any number of workers: every row is one worker's, and of a key's rows the last one wins.
    """
    films: list[tuple[object, object]] = [(n * 13 % 700, n) for n in range(2000)]
    aws.put("m.csv", csv_of(films) + b"1\n,x\n")
    for size in (2, 3, 7):
        aws.items.clear()
        summaries = [
            run(
                FILE_PATH="m.csv",
                AWS_BATCH_JOB_ARRAY_SIZE=str(size),
                AWS_BATCH_JOB_ARRAY_INDEX=str(index),
            ).summary
            for index in random.sample(range(size), size)
        ]
        assert stored(aws) == last_of(films)
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
        run(
            FILE_PATH="in/",
            SPLIT=split,
            AWS_BATCH_JOB_ARRAY_SIZE="3",
            AWS_BATCH_JOB_ARRAY_INDEX=str(index),
        )
        read.append(aws.asked.count("GET") - 3)  # three pages of the listing
    assert len(aws.items) == 200
    assert read == ([5, 5, 5] if split == "rows" else [2, 2, 1])


def test_the_child_needs_only_the_jobs_environment(aws: FakeAws) -> None:
    """
    The last line is the summary; progress comes before it.
    """
    aws.put("m.csv", csv_of([(n, n) for n in range(2000)]))
    go_on = threading.Event()

    def slow_write() -> None:
        go_on.wait(0.4)  # slow enough for a line of progress

    aws.after_write = slow_write
    child = start_child(aws.environ(FILE_PATH="m.csv", LOG_SECONDS="0.1", CONNECTIONS="4"))
    assert child.stdout is not None
    line = child.stdout.readline()
    go_on.set()
    ran = end_child(child)
    assert (ran.code, ran.summary["written"]) == (0, 2000)
    assert all(word in line for word in ("rows/s", "skipped", "throttled", "%", "left"))
