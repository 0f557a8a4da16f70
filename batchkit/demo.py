"""
The demo: a job loads films from a zip file into a table, on an embedded AWS, in a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from batchkit._display.progress import progress
from batchkit.ensure import ensure_bucket
from batchkit.errors import BatchkitError, StackNotFound
from batchkit.grants import dynamodb_write, s3_read
from batchkit.local import LocalSession, local_aws
from batchkit.resources.s3 import Bucket
from batchkit.spec import StackSpec
from batchkit.stack.stack import Stack
from batchkit.stack.verbs import describe_stack, destroy_stack, ensure_stack

NAME: Final = "movies"
BUCKET: Final = "batchkit-demo-films"
FILE: Final = "movies.zip"
SHOWN: Final = ("id", "title", "vote_average", "vote_count")


def demo(console: Console | None = None) -> None:
    """
    Creates the sample stack on an embedded AWS, runs its job, shows rows, and deletes the stack.

    Raises:
        BatchkitError: The number of rows in the table differs from the job's own summary.
    """
    console = console or Console()
    began = time.monotonic()
    with local_aws() as session:
        form = "as containers" if session.docker else "as child processes (no Docker here)"
        console.print(f"An embedded AWS is up; jobs run {form}.")
        _upload(session, console)
        with _timed(console, "Making the stack"), progress(console) as listener:
            stack = ensure_stack(_spec(), session=session, on_event=listener)
        _show_rows(session, console, _run(stack, console))
        again = ensure_stack(_spec(), session=session)
        console.print(f"\n[bold]ensure_stack again:[/] {len(again.plan.changes)} changes")
        with _timed(console, "Taking it down"), progress(console) as listener:
            destroy_stack(NAME, session=session, delete_data=True, on_event=listener)
        console.print(f"Left in the account: {_left(session)}")
    console.print(f"\nAll of it took {time.monotonic() - began:.0f} s.")


def job_folder() -> Path:
    """
    The folder of the sample job, in the installed package or in the checkout.
    """
    beside = Path(__file__).parent / "job_image"
    return beside if beside.is_dir() else Path(__file__).parent.parent / "job_image"


def _spec() -> StackSpec:
    return StackSpec(
        name=NAME,
        image=job_folder(),
        vcpus=1,
        memory=2048,
        environment={"BUCKET": BUCKET, "FILE_PATH": FILE, "TABLE_NAME": NAME, "LOG_SECONDS": "1"},
        grants=[s3_read(BUCKET, FILE), dynamodb_write(NAME)],
        table=NAME,
        bucket=BUCKET,
    )


def _upload(session: LocalSession, console: Console) -> None:
    ensure_bucket(Bucket(name=BUCKET, stack=NAME), session=session)
    films = job_folder() / "sample" / FILE
    session.client("s3").put_object(Bucket=BUCKET, Key=FILE, Body=films.read_bytes())
    console.print(f"{FILE} ({films.stat().st_size // 1024} KiB) is in the bucket {BUCKET}.")


@contextmanager
def _timed(console: Console, step: str) -> Iterator[None]:
    console.print(f"\n[bold]{step}[/]")
    began = time.monotonic()
    yield
    console.print(f"{step}: done in {time.monotonic() - began:.1f} s")


def _run(stack: Stack, console: Console) -> dict[str, Any]:
    """
    Runs the job and shows its lines. Returns the summary in the last line.
    """
    with _timed(console, "Running the job"):
        run = stack.run()
        last = ""
        for line in run.logs(follow=True):
            last = line.text
            console.print(f"  [dim]|[/] {escape(last)}", highlight=False, soft_wrap=True)
        run.wait()
    return dict(json.loads(last))


def _show_rows(session: LocalSession, console: Console, summary: dict[str, Any]) -> None:
    pages = session.client("dynamodb").get_paginator("scan").paginate(TableName=NAME)
    items = [item for page in pages for item in page["Items"]]
    console.print(
        f"\nThe file holds {summary['rows']} rows; the job skipped {summary['skipped']}; "
        f"the table has {len(items)}."
    )
    if len(items) != summary["rows"] - summary["skipped"]:
        raise BatchkitError("the table doesn't hold what the job says that it wrote")
    table = RichTable(*SHOWN)
    for item in sorted(items, key=lambda one: one["id"]["S"])[:3]:
        table.add_row(*(escape(next(iter(item.get(name, {"": ""}).values()))) for name in SHOWN))
    console.print(table)


def _left(session: LocalSession) -> str:
    try:
        return ", ".join(map(str, describe_stack(NAME, session=session).resources))
    except StackNotFound:
        return "nothing"
