"""
Reading what AWS holds: all at once, each call only once, each client as soon as it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final

from attrs import field, frozen

from batchkit._engine.aws import Aws
from batchkit._model.calls import Call
from batchkit._model.resource import Key, Resource, operations
from batchkit._model.values import Scope
from batchkit.errors import AwsError

WORKERS: Final = 48
"""As many as a stack has questions: one that waits for a thread is a round trip more."""
_LONGEST_FIRST: Final = ("ec2", "sts", "resourcegroupstaggingapi", "logs", "iam", "batch")
"""First those whose answers lead to more questions; of them EC2's model takes longest to load."""


class CachedReader:
    """
    Asks AWS, and remembers: the same question within one round is one call.
    """

    def __init__(self, aws: Aws, pool: ThreadPoolExecutor) -> None:
        self._aws = aws
        self._pool = pool
        self._answers: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    @property
    def scope(self) -> Scope:
        """
        Where the questions go.
        """
        return self._aws.scope

    def __call__(self, call: Call) -> Any:
        """
        The answer, or None if the error means absent.
        """
        key = repr(call)
        with self._lock:
            outputs = self._answers.get(key)
            answer = self._answers.setdefault(key, Future())
        if outputs is None:
            try:
                answer.set_result(self._aws.call(call))
            except BaseException as error:
                answer.set_exception(error)
        return answer.result()

    def all(self, *calls: Call) -> list[Any]:
        """
        The answers of *calls*, asked at the same time.

        Where the first says absent, a refusal of another is no more: AWS may deny what isn't there.
        """
        others = [self._pool.submit(self, call) for call in calls[1:]]
        first = self(calls[0])
        if first is None:
            refused = [isinstance(other.exception(), AwsError) for other in others]
            return [None, *(None if no else o.result() for no, o in zip(refused, others))]
        return [first, *(other.result() for other in others)]


@frozen
class Observation:
    """
    What AWS held at the time *at*: candidates for each wanted key, and all that the stack owns.
    """

    at: float
    candidates: dict[Key, list[Resource]] = field(factory=dict)
    found: list[Resource] = field(factory=list)


def service(resource_type: type[Resource], wanted: bool) -> str:
    """
    The service whose client *kind* needs first: to read one that is wanted, or to find all.
    """
    if resource_type.FOUND_BY is not None and not wanted:
        return resource_type.FOUND_BY.service
    return next(op.service for op in operations(resource_type).values() if op.reads)


def _rank(service: str) -> int:
    return _LONGEST_FIRST.index(service) if service in _LONGEST_FIRST else len(_LONGEST_FIRST)


def observe(
    aws: Aws,
    wanted: Sequence[Resource],
    resource_types: Collection[type[Resource]] = (),
    stack: str = "",
    workers: int = WORKERS,
) -> Observation:
    """
    Reads every wanted resource, and everything of *kinds* that *stack* owns.
    """
    with ThreadPoolExecutor(workers) as readers, ThreadPoolExecutor(workers) as callers:
        reader = CachedReader(aws, callers)
        reads: dict[Key, Future[list[Resource]]] = {}
        finds: list[Future[list[Resource]]] = []
        reading = {type(desired) for desired in wanted}
        needed = {
            resource_type: service(resource_type, resource_type in reading)
            for resource_type in (*reading, *resource_types)
        }
        for resource_type in sorted(needed, key=lambda resource_type: _rank(needed[resource_type])):
            aws.client(needed[resource_type])
            for desired in (w for w in wanted if type(w) is resource_type):
                reads[desired.key] = readers.submit(_candidates, aws, desired, reader)
            if resource_type in resource_types:
                finds.append(readers.submit(_find, resource_type, stack, reader))
        return _gather(aws, reads, finds)


def _candidates(aws: Aws, desired: Resource, reader: CachedReader) -> list[Resource]:
    actual = desired.candidates(reader)
    if not actual and desired.NEEDS_ZONE:
        with suppress(AwsError):  # who needs the zones reports it
            aws.list_zones()
    return actual


def _find(resource_type: type[Resource], stack: str, reader: CachedReader) -> list[Resource]:
    return list(resource_type.find(stack, reader))


def _gather(
    aws: Aws,
    reads: dict[Key, Future[list[Resource]]],
    finds: list[Future[list[Resource]]],
) -> Observation:
    candidates = {key: future.result() for key, future in reads.items()}
    found = [actual for future in finds for actual in future.result()]
    return Observation(aws.clock.monotonic(), candidates, found)


def blockers(aws: Aws, resource: Resource) -> list[str]:
    """
    What keeps AWS from deleting *resource*, in words.
    """
    with _asking(aws) as reader:
        return resource.blockers(reader)


def active_users(aws: Aws, resource: Resource) -> list[str]:
    """
    What is at work with *resource* and would suffer if it went now, in words.
    """
    with _asking(aws) as reader:
        return resource.active_users(reader)


def read(aws: Aws, resource: Resource) -> list[Resource]:
    """
    What AWS holds now for one resource.
    """
    with _asking(aws) as reader:
        return resource.candidates(reader)


@contextmanager
def _asking(aws: Aws) -> Iterator[CachedReader]:
    with ThreadPoolExecutor(4) as callers:
        yield CachedReader(aws, callers)
