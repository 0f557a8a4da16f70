"""
Reading what AWS holds: everything at once, each call only once, each service as soon as its client
is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final

from attrs import field, frozen

from batchkit._engine.aws import Aws
from batchkit._model.calls import Call, operations
from batchkit._model.reader import is_there
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.users import User
from batchkit._model.values import Scope
from batchkit.errors import AwsError

WORKERS: Final = 48
"""As many as a stack has reads: one that waits for a thread costs a round trip more."""
_LONGEST_FIRST: Final = ("ec2", "sts", "resourcegroupstaggingapi", "logs", "iam", "batch")
"""First those whose answers lead to more reads; of them EC2's model takes longest to load."""


class CachedReader:
    """
    Reads from AWS, and remembers the answers: the same call within one observation is made once.
    """

    def __init__(self, aws: Aws, pool: ThreadPoolExecutor) -> None:
        self._aws = aws
        self._pool = pool
        self._answers: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    @property
    def scope(self) -> Scope:
        """
        Where the calls go.
        """
        return self._aws.scope

    def __call__(self, call: Call) -> Any:
        """
        The answer, or None if the error means absent.
        """
        # Most Describe calls answer for many resources at once, and AWS counts every call: EC2
        # throttles an account whose requests use up its bucket of tokens
        # (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
        key = repr(call)
        with self._lock:
            is_first = key not in self._answers
            answer = self._answers.setdefault(key, Future())
        if is_first:
            try:
                answer.set_result(self._aws.call(call))
            except BaseException as error:
                answer.set_exception(error)
        return answer.result()

    def all(self, *calls: Call, exists: Callable[[Any], Any] = is_there) -> list[Any]:
        """
        The answers of *calls*, which are made at the same time.

        Where the first says that the resource is absent, a refusal of another counts as no answer.
        """
        others = [self._pool.submit(self, call) for call in calls[1:]]
        first = self(calls[0])
        if exists(first):
            return [first, *(other.result() for other in others)]
        # For a resource that isn't there, some services say AccessDenied in place of NotFound.
        answers: list[Any] = [first]
        for other in others:
            refused = isinstance(other.exception(), AwsError)
            answers.append(None if refused else other.result())
        return answers


@frozen
class Observation:
    """
    What AWS held at the time *at*: *candidates* for each desired resource, by its key, and *found*,
    which is all that the stack owns.
    """

    at: float
    candidates: dict[Key, list[Resource]] = field(factory=dict)
    found: list[Resource] = field(factory=list)


def observe(
    aws: Aws,
    resources: Sequence[Resource],
    resource_types: Collection[type[Resource]] = (),
    stack: str = "",
    workers: int = WORKERS,
) -> Observation:
    """
    Reads each of *resources*, and finds everything of *resource_types* that *stack* owns.
    """
    with ThreadPoolExecutor(workers) as readers, ThreadPoolExecutor(workers) as callers:
        reader = CachedReader(aws, callers)
        candidates: dict[Key, Future[list[Resource]]] = {}
        found: list[Future[list[Resource]]] = []
        for resource_type, service in _services(resources, resource_types):
            # Here and not in the threads: the clients are made one after the other, and each
            # service's reads begin as soon as its client is there.
            aws.client(service)
            for resource in resources:
                if type(resource) is resource_type:
                    read = readers.submit(_candidates, aws, resource, reader)
                    candidates[resource.key] = read
            if resource_type in resource_types:
                found.append(readers.submit(_find, resource_type, stack, reader))
        return _gather(aws, candidates, found)


def _services(
    resources: Sequence[Resource], resource_types: Collection[type[Resource]]
) -> list[tuple[type[Resource], str]]:
    """
    Each resource type with the service whose client it needs first, the longest work first.
    """
    read_types = {type(resource) for resource in resources}
    services = {
        resource_type: _first_service(resource_type, is_read=resource_type in read_types)
        for resource_type in (*read_types, *resource_types)
    }
    return sorted(services.items(), key=lambda item: _rank(item[1]))


def _first_service(resource_type: type[Resource], is_read: bool) -> str:
    """
    The service whose client *resource_type* needs first: to read one, or only to find all.
    """
    if resource_type.FOUND_BY is not None and not is_read:
        return resource_type.FOUND_BY.service
    return next(op.service for op in operations(resource_type).values() if op.reads)


def _rank(service: str) -> int:
    return _LONGEST_FIRST.index(service) if service in _LONGEST_FIRST else len(_LONGEST_FIRST)


def _candidates(aws: Aws, resource: Resource, reader: CachedReader) -> list[Resource]:
    candidates = resource.candidates(reader)
    if resource.made_in is not None and not any(map(resource.is_where, candidates)):
        # The create will need the zones' names, so they are read now, beside the rest: a name that
        # isn't there is told before anything is made.  If the read is denied, the create says so.
        with suppress(AwsError):
            aws.zones.check(resource.made_in)
    return candidates


def _find(resource_type: type[Resource], stack: str, reader: CachedReader) -> list[Resource]:
    return list(resource_type.find(stack, reader))


def _gather(
    aws: Aws,
    candidates: dict[Key, Future[list[Resource]]],
    found: list[Future[list[Resource]]],
) -> Observation:
    by_key = {key: future.result() for key, future in candidates.items()}
    everything = [actual for future in found for actual in future.result()]
    return Observation(aws.clock.monotonic(), by_key, everything)


def blockers(aws: Aws, resource: Resource) -> list[str]:
    """
    What keeps AWS from deleting *resource*, in words.
    """
    with _reader(aws) as reader:
        return resource.blockers(reader)


def foreign_users(aws: Aws, resource: Resource) -> list[str]:
    """
    What isn't the stack's and keeps AWS from deleting *resource* for as long as it is there.
    """
    with _reader(aws) as reader:
        return resource.foreign_users(reader)


def active_users(aws: Aws, found: Sequence[Resource]) -> list[User]:
    """
    What works with one of *found* now, and would fail if that were taken away.
    """
    with ThreadPoolExecutor(WORKERS) as askers, ThreadPoolExecutor(WORKERS) as callers:
        reader = CachedReader(aws, callers)
        asked = [askers.submit(actual.active_users, reader) for actual in found]
        return [user for future in asked for user in future.result()]


def is_idle(aws: Aws, actual: Resource) -> bool:
    """
    Whether nothing has *actual* to work with, and nothing runs on it.
    """
    with _reader(aws) as reader:
        return actual.is_idle(reader)


def read(aws: Aws, resource: Resource) -> list[Resource]:
    """
    What AWS holds now for one resource.
    """
    with _reader(aws) as reader:
        return resource.candidates(reader)


@contextmanager
def _reader(aws: Aws) -> Iterator[CachedReader]:
    with ThreadPoolExecutor(4) as callers:
        yield CachedReader(aws, callers)
