"""
The newest runs of a stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batchkit._engine.aws import Aws
from batchkit._jobs import jobs as _jobs
from batchkit._model.checks import require, whole
from batchkit._runs.run import Run, attach
from batchkit._runs.start import LIST_RUNS, MARK
from batchkit.resources.batch import LIST_JOBS

_LIMIT = whole(1, 1000)


def runs(aws: Aws, machine: str, queues: Iterable[str], limit: int) -> list[Run]:
    """
    The newest executions of *machine* and jobs submitted directly to *queues*, the newest first.
    """
    require("runs", "limit", limit, _LIMIT)
    started = [*_executions(aws, machine, limit)]
    for queue in queues:
        started += _direct(aws, queue, limit)
    started.sort(key=lambda run: run[0], reverse=True)
    return [attach(aws, id) for _, id in started[:limit]]


def _executions(aws: Aws, machine: str, limit: int) -> Iterator[tuple[float, str]]:
    """
    The start and the ARN of each execution, the newest first, as ListExecutions gives them.
    """
    most = {"MaxItems": limit}
    listed = aws.call(LIST_RUNS(stateMachineArn=machine, PaginationConfig=most))
    if listed is None:
        return
    for execution in listed["executions"]:
        yield execution["startDate"].timestamp(), execution["executionArn"]


def _direct(aws: Aws, queue: str, limit: int) -> Iterator[tuple[float, str]]:
    """
    The creation and the id of each job that was submitted directly: others belong to executions.
    """
    # Without a status ListJobs gives only RUNNING jobs, with a filter those of all states: so the
    # filter takes all that were created after 1970.  Tags aren't in the summaries
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html).
    since = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
    # Jobs of executions are listed too, and don't count: so more are read than are wanted.
    most = {"MaxItems": 5 * limit}
    listed = aws.call(LIST_JOBS(jobQueue=queue, filters=since, PaginationConfig=most))
    summaries = listed["jobSummaryList"]
    for job in _jobs.describe(aws, [summary["jobId"] for summary in summaries]):
        if MARK.items() <= job.details.get("tags", {}).items():
            yield job.details.get("createdAt", 0) / 1000, job.id
