"""
A whole stack on a real daemon: image, state machine, container, rows and log lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchkit import (
    JobDefinition,
    JobFailed,
    JobQueue,
    Stack,
    StackSpec,
    dynamodb_write,
    ensure_stack,
    local_aws,
    s3_read,
)
from batchkit.local import LocalSession

pytestmark = pytest.mark.docker

TREE = Path(__file__).parents[2]
FILMS = TREE / "job_image" / "sample" / "movies.zip"
SPEC = StackSpec(
    name="films",
    image=TREE / "job_image",
    environment={"BUCKET": "films", "FILE_PATH": "movies.zip", "TABLE_NAME": "films"},
    grants=[s3_read("films"), dynamodb_write("films")],
    table="films",
)


@pytest.fixture(scope="module")
def session(docker_client: Any) -> Iterator[LocalSession]:
    """
    An embedded AWS whose jobs are containers, with the films in a bucket.
    """
    with local_aws(docker=True) as session:
        s3 = session.client("s3")
        s3.create_bucket(Bucket="films")
        s3.put_object(Bucket="films", Key="movies.zip", Body=FILMS.read_bytes())
        yield session


@pytest.fixture(scope="module")
def stack(session: LocalSession) -> Stack:
    """
    The sample stack.
    """
    return ensure_stack(SPEC, session=session)


def test_the_job_fills_the_table_from_a_container(session: LocalSession, stack: Stack) -> None:
    """
    The state machine runs the built image; the rows are in the table, the lines in the log.
    """
    run = stack.run().wait(timeout=120)
    summary = json.loads(list(run.logs())[-1].text)
    pages = session.client("dynamodb").get_paginator("scan").paginate(TableName="films")
    assert sum(page["Count"] for page in pages) == summary["written"] > 3000
    assert run.jobs[0].exit_code == 0


def test_a_failing_job_has_its_exit_code(stack: Stack) -> None:
    """
    A missing file is bad input: exit code 2, and the loader's own message.
    """
    with pytest.raises(JobFailed) as failed:
        stack.run({"FILE_PATH": "nowhere.zip"}).wait(timeout=120)
    assert failed.value.exit_code == 2
    assert any("nowhere.zip" in line for line in failed.value.log)


def test_an_array_job_of_three_runs_three_containers(session: LocalSession, stack: Stack) -> None:
    """
    Each child writes its share; together they write every row of the file.
    """
    batch = session.client("batch")
    job = batch.submit_job(
        jobName="three",
        jobQueue=stack.arn(JobQueue),
        jobDefinition=stack.arn(JobDefinition),
        arrayProperties={"size": 3},
    )["jobId"]
    stack.run().wait(timeout=120)  # the queue works in order: this one ends after the array began
    children = [f"{job}:{index}" for index in range(3)]
    ended = _ended(stack, batch, [job, *children])
    assert {one["status"] for one in ended} == {"SUCCEEDED"}


def _ended(stack: Stack, batch: Any, ids: list[str]) -> list[dict[str, Any]]:
    for _ in range(20):
        jobs = batch.describe_jobs(jobs=ids)["jobs"]
        if all(one["status"] in ("SUCCEEDED", "FAILED") for one in jobs):
            return list(jobs)
        stack.run().wait(timeout=120)
    raise AssertionError("the array job did not end")


def test_again_builds_nothing_and_registers_nothing(session: LocalSession, stack: Stack) -> None:
    """
    A second run finds the image by its tag: no build, no revision.
    """
    again = ensure_stack(SPEC, session=session)
    assert again.plan.empty
    assert again.arn(JobDefinition).endswith(":1")
