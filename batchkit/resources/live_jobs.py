"""
The jobs and executions that have not ended, and what each of them works with.

A job with a task works in the compute environment of the task's cluster; any other may be started
in each environment of its queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit._model.reader import Reader
from batchkit._model.tags import owner, parse
from batchkit._model.texts import texts
from batchkit._model.users import Use, User
from batchkit.resources.batch import LIST_JOBS
from batchkit.resources.platforms import container_of

LIVE: Final = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
"""The states of a job that has not ended."""
_WITH_TASK: Final = ("STARTING", "RUNNING")
AT_ONCE: Final = 100
"""
How many jobs a call describes
(https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html).
"""
DESCRIBE_JOBS: Final = Operation("batch", "DescribeJobs", wide=True)
DESCRIBE_QUEUES: Final = Operation("batch", "DescribeJobQueues", wide=True)
DESCRIBE_ENVIRONMENTS: Final = Operation("batch", "DescribeComputeEnvironments", wide=True)
DESCRIBE_DEFINITIONS: Final = Operation("batch", "DescribeJobDefinitions", wide=True)


def live_jobs(queue: str, reader: Reader) -> list[User]:
    """
    The jobs of the queue with the ARN *queue* that have not ended.
    """
    listed = _listed([{"jobQueue": queue, "jobStatus": state} for state in LIVE], reader)
    # An array, or a job of several nodes, is listed as one; its children have the tasks
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html).
    of_parent = [
        {parameter: job["jobId"], "jobStatus": state}
        for job in listed
        for key, parameter in (
            ("arrayProperties", "arrayJobId"),
            ("nodeProperties", "multiNodeJobId"),
        )
        if job.get(key)
        for state in _WITH_TASK
    ]
    children = _listed(of_parent, reader)
    return [_user(job, queue, reader) for job in _described([*listed, *children], reader)]


def _listed(wanted: list[dict[str, str]], reader: Reader) -> list[Mapping[str, Any]]:
    calls = [LIST_JOBS(**params) for params in wanted]
    return [job for answer in _answers(calls, reader) for job in answer["jobSummaryList"]]


def _described(jobs: Iterable[Mapping[str, Any]], reader: Reader) -> list[Mapping[str, Any]]:
    ids = list(dict.fromkeys(job["jobId"] for job in jobs))
    parts = [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
    answers = _answers([DESCRIBE_JOBS(jobs=part) for part in parts], reader)
    return [job for answer in answers for job in answer["jobs"] if job["status"] in LIVE]


def _answers(calls: list[Any], reader: Reader) -> list[Any]:
    return reader.all(*calls) if calls else []


def _user(job: Mapping[str, Any], queue: str, reader: Reader) -> User:
    container = container_of(job)
    needs = {
        ("JobQueue", queue),
        ("JobDefinition", job["jobDefinition"]),
        *_of_container(container),
        *_environments(job, container, queue, reader),
    }
    return User(f"job {job['jobName']} ({job['jobId']})", frozenset(needs))


def _of_container(container: Mapping[str, Any]) -> Iterator[Use]:
    """
    What the container of a job or a revision stands on.
    """
    for role in ("executionRoleArn", "jobRoleArn"):
        if container.get(role):
            yield "Role", container[role]
    if container.get("image"):
        yield "Repository", ImageUri.parse(container["image"]).name
    options = (container.get("logConfiguration") or {}).get("options") or {}
    if "awslogs-group" in options:
        yield "LogGroup", options["awslogs-group"]


def _environments(
    job: Mapping[str, Any], container: Mapping[str, Any], queue: str, reader: Reader
) -> Iterator[Use]:
    """
    The compute environment of the job's task; if it has none, all of the queue and of its stack.

    A job that waits may have been placed already, in an environment that the queue has no more.
    """
    # Between two attempts a job is RUNNABLE, and Batch still tells the task of the last one
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerDetail.html).
    task = container.get("taskArn") if job["status"] in _WITH_TASK else None
    cluster = task.rpartition(":task/")[2].partition("/")[0] if task else ""
    for one in reader(DESCRIBE_ENVIRONMENTS())["computeEnvironments"]:
        if cluster and str(one.get("ecsClusterArn", "")).rpartition("/")[2] == cluster:
            yield "ComputeEnvironment", one["computeEnvironmentArn"]
            return
    yield from _of_queue(queue, reader)
    yield from _of_stack(queue, reader)


def _of_stack(queue: str, reader: Reader) -> Iterator[Use]:
    """
    The compute environments of the stack that the queue belongs to.
    """
    queues = reader(DESCRIBE_QUEUES())["jobQueues"]
    stacks = {owner(parse(one.get("tags"))) for one in queues if one["jobQueueArn"] == queue}
    for one in reader(DESCRIBE_ENVIRONMENTS())["computeEnvironments"]:
        if owner(parse(one.get("tags"))) in stacks - {""}:
            yield "ComputeEnvironment", one["computeEnvironmentArn"]


def _of_queue(queue: str, reader: Reader) -> Iterator[Use]:
    """
    The compute environments in which jobs of the queue may be started.
    """
    for one in reader(DESCRIBE_QUEUES())["jobQueues"]:
        if queue in (one["jobQueueArn"], one["jobQueueName"]):
            for place in one["computeEnvironmentOrder"]:
                yield "ComputeEnvironment", place["computeEnvironment"]


def nothing_runs_in(environment: str, stack: str, reader: Reader) -> bool:
    """
    Whether no queue has the compute *environment*, and no job of the *stack* is left in it.
    """
    queues = reader(DESCRIBE_QUEUES())["jobQueues"]
    orders = [one["computeEnvironmentOrder"] for one in queues]
    if environment in {place["computeEnvironment"] for order in orders for place in order}:
        return False
    ours = [one["jobQueueArn"] for one in queues if owner(parse(one.get("tags"))) == stack]
    jobs = [job for queue in ours for job in live_jobs(queue, reader)]
    return not any(("ComputeEnvironment", environment) in job.needs for job in jobs)


def needs_of(definition: Any, reader: Reader) -> frozenset[Use]:
    """
    What an execution of the state machine *definition* works with: its queues and revisions.
    """
    needs: set[Use] = set()
    for one in texts(definition):
        if ":job-queue/" in one:
            needs |= {("JobQueue", one), *_of_queue(one, reader)}
        elif ":job-definition/" in one:
            needs |= {("JobDefinition", one), *_of_revision(one, reader)}
    return frozenset(needs)


def _of_revision(revision: str, reader: Reader) -> Iterator[Use]:
    name = revision.rpartition("/")[2].partition(":")[0]
    active = reader(DESCRIBE_DEFINITIONS(jobDefinitionName=name, status="ACTIVE"))
    for one in active["jobDefinitions"]:
        if one["jobDefinitionArn"] == revision:
            yield from _of_container(container_of(one))
