"""
Fan-out: one job for each item, as the children of array jobs.

A child finds its items, a JSON list, in the variable BATCHKIT_ITEMS, or at the S3 address in
BATCHKIT_ITEMS_URI if they have no room there.  Its own item is at AWS_BATCH_JOB_ARRAY_INDEX.
A single item is submitted as a plain job, which has no index: AWS Batch takes arrays of 2 to 10,000
children (https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, overload

import attrs
from attrs import field, frozen

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._jobs.jobs import Job
from batchkit._model.checks import refuse, require
from batchkit._runs.backends import SubmittedJobs
from batchkit._runs.run import Run
from batchkit._runs.start import LARGEST, NAME, PUT, ROOM, Submission, submit
from batchkit.errors import BatchkitError
from batchkit.resources.s3 import ITEMS as FOLDER

ITEMS: Final = "BATCHKIT_ITEMS"
URI: Final = "BATCHKIT_ITEMS_URI"


@frozen
class Result:
    """
    How the job of one item ended, or how far it is.
    """

    index: int
    item: Any = field(repr=False)
    status: str
    exit_code: int | None
    attempts: int
    log_stream: str
    reason: str
    job: Job = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """
        Whether its job has succeeded.
        """
        return self.status == _jobs.SUCCEEDED


@frozen(eq=False)
class Mapped(Sequence[Result]):
    """
    The results of a fan-out, in the order of the items; polled until all jobs have ended.
    """

    run: Run
    items: tuple[Any, ...] = field(repr=False)
    _aws: Aws = field(repr=False)
    _known: list[Result] = field(repr=False, factory=list, init=False)

    def wait(self, timeout: float | None = None) -> Mapped:
        """
        Returns when all have ended, well or not.

        Raises:
            StillWaiting: Some were still running after *timeout* seconds.
        """
        self.run.wait(timeout, check=False)
        return self

    @property
    def failed(self) -> list[Result]:
        """
        The results of items whose jobs have failed.
        """
        return [result for result in self if result.status == _jobs.FAILED]

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        return self._results()[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results())

    def _results(self) -> list[Result]:
        if self._known:
            return self._known
        ended = self.run.ended
        jobs = self.run.jobs
        if len(jobs) != len(self.items):
            msg = f"{len(self.items)} items are given, and the run {self.run.name} has {len(jobs)}"
            raise BatchkitError(f"{msg} jobs: its key stands for another list; take a new key")
        pairs = zip(self.items, jobs)
        results = [_result(index, item, job) for index, (item, job) in enumerate(pairs)]
        if ended:
            self._known.extend(results)
        return results


def _result(index: int, item: Any, job: Job) -> Result:
    return Result(
        index=index,
        item=item,
        status=job.status,
        exit_code=job.exit_code,
        attempts=len(job.attempts),
        log_stream=job.log_stream,
        reason=job.reason,
        job=job,
    )


def fan_out(
    aws: Aws, submission: Submission, items: Sequence[Any], bucket: str | None, *, once: bool
) -> Mapped:
    """
    Submits a job for each of *items*.

    Args:
        bucket: Where lists go that have no room in the environment; None for more, shorter arrays.
        once: Whether the name of *submission* stands for the fan-out.
    """
    texts = [_json(index, item) for index, item in enumerate(items)]
    if not texts:
        refuse("map", "items", items, "at least one item")
    room = _room_for_items(submission)
    if _fits(texts, room):
        bucket = None
    chunks = list(_chunks(texts, LARGEST, room if bucket is None else None))
    last = submission.name if len(chunks) == 1 else f"{submission.name}-{len(chunks) - 1}"
    require("map", "name", last, NAME)  # before the first of them is submitted
    ids, fresh = [], False
    for number, chunk in enumerate(chunks):
        name = submission.name if len(chunks) == 1 else f"{submission.name}-{number}"
        part = _part(submission, name, chunk, _environment(aws, name, chunk, bucket))
        id, is_new = submit(aws, part, once=once)
        ids.append(id)
        fresh = fresh or is_new
    return Mapped(Run(ids[0], aws, SubmittedJobs(aws, ids, fresh=fresh)), tuple(items), aws)


def _room_for_items(submission: Submission) -> int:
    """
    How many characters of the overrides are left for the items.
    """
    # AWS limits all overrides of a container together; 200 are for the JSON around the variable.
    return ROOM - len(json.dumps(submission.changes())) - len(ITEMS) - 200


def _part(
    submission: Submission, name: str, chunk: Sequence[str], environment: Mapping[str, str]
) -> Submission:
    """
    The submission of the job for one chunk; a single item is no array.
    """
    others = submission.given.get("environment", {})
    return attrs.evolve(
        submission,
        name=name,
        given={**submission.given, "environment": {**others, **environment}},
        array_size=len(chunk) if len(chunk) > 1 else None,
    )


def _json(index: int, item: Any) -> str:
    try:
        return json.dumps(item, separators=(",", ":"))
    except (TypeError, ValueError):
        refuse(
            "map", "items", f"a {type(item).__name__} as item {index}", "items that JSON can hold"
        )


def _fits(texts: Sequence[str], room: int) -> bool:
    return len(texts) <= LARGEST and _length(texts) <= room


def _length(texts: Sequence[str]) -> int:
    """
    How long a list is as JSON within JSON.
    """
    # The overrides are sent as JSON, in which the quotes of the items are escaped once more.
    return sum(len(json.dumps(text)) - 1 for text in texts)


def _chunks(texts: Sequence[str], most: int, room: int | None) -> Iterator[list[str]]:
    """
    The items in lists of at most *most*, each of which fits into *room*.
    """
    chunk: list[str] = []
    left = room
    for text in texts:
        needs = _length([text])
        if room is not None and needs > room:
            expected = f"at most {room} characters each as JSON, or a stack with a bucket"
            refuse("map", "items", f"an item of {len(text)} characters", expected)
        if len(chunk) == most or (left is not None and needs > left):
            yield chunk
            chunk, left = [], room
        chunk.append(text)
        left = None if left is None else left - needs
    yield chunk


def _environment(aws: Aws, name: str, chunk: Sequence[str], bucket: str | None) -> dict[str, str]:
    """
    The variable that leads a child to its items; if *bucket* is given, they are put there.
    """
    document = f"[{','.join(chunk)}]"
    if bucket is None:
        return {ITEMS: document}
    key = f"{FOLDER}/{name}.json"
    aws.call(PUT(Bucket=bucket, Key=key, Body=document.encode(), ContentType="application/json"))
    return {URI: f"s3://{bucket}/{key}"}
