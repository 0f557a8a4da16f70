"""
The newest runs of a stack.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._model.checks import refuse, whole
from batchkit._runs.run import Run, attach
from batchkit._runs.start import LIST_RUNS, MARK
from batchkit.resources.batch import LIST_JOBS

_LIMIT = whole(1, 1000)


def runs(aws: Aws, machine: str, queue: str, limit: int) -> list[Run]:
    """
    The newest executions of *machine* and jobs submitted directly to *queue*, the newest first.
    """
    if not _LIMIT.test(limit):
        refuse("runs", "limit", limit, _LIMIT.expects)
    found = [*_executions(aws, machine, limit), *_direct(aws, queue, limit)]
    found.sort(key=lambda one: one[0], reverse=True)
    return [attach(aws, id) for _, id in found[:limit]]


def _executions(aws: Aws, machine: str, limit: int) -> Iterator[tuple[float, str]]:
    most = {"MaxItems": limit}
    listed = aws.call(LIST_RUNS(stateMachineArn=machine, PaginationConfig=most))
    for told in listed["executions"] if listed else ():
        yield told["startDate"].timestamp(), told["executionArn"]


def _direct(aws: Aws, queue: str, limit: int) -> Iterator[tuple[float, str]]:
    """
    Jobs that carry the mark of a direct submission: others belong to executions.
    """
    since = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
    most = {"MaxItems": 5 * limit}
    listed = aws.call(LIST_JOBS(jobQueue=queue, filters=since, PaginationConfig=most))
    summaries = listed["jobSummaryList"]
    for job in _jobs.describe(aws, [told["jobId"] for told in summaries]):
        if MARK.items() <= job.details.get("tags", {}).items():
            yield job.details.get("createdAt", 0) / 1000, job.id
