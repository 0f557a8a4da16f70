"""
Calls as values: a resource describes here what has to be done, and the engine does it.

An `Operation` is an AWS API call and its IAM permission, stated once.  Calling it gives a `Call`, a
value that can be compared, shown in a plan and performed.  Parameters may hold the placeholders
of `values.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from attrs import field, frozen
from botocore import xform_name

from batchkit.clock import Clock
from batchkit.events import Listener

_READS: Final = re.compile(r"(Describe|List|Get|Head|BatchGet|Lookup|Simulate)")
_REMOVES: Final = re.compile(r"(Delete|Deregister|Detach|Disassociate|Release|Remove|Stop)")
_IAM_PREFIX: Final = {"stepfunctions": "states", "resourcegroupstaggingapi": "tag"}


@frozen
class NotYet:
    """
    An error that means *not yet*: retried for *seconds*, and an error like any other after that.

    A *code* may be a pattern, such as `Invalid*ID.NotFound`.  AWS's wording changes, so *fragment*
    is used only where the code alone says too little.
    """

    code: str
    seconds: float
    fragment: str = ""

    def matches(self, code: str, message: str) -> bool:
        return fnmatchcase(code, self.code) and self.fragment in message.lower()


@frozen
class Operation:
    """
    An API call: *service* as boto3 names it, *name* as AWS spells it, and what its errors mean.

    Args:
        also: Permissions that AWS checks besides the operation's own.
        permission: The IAM action, where it isn't `service:name`.
        wide: A policy says `*`: IAM knows no resource-level permission for it, or none that
            would leave out anything.
        for_deletion: A deletion makes it, although its name doesn't say so.
        absent: Codes that mean that the resource isn't there.
        unset: Codes that mean that it is there, with nothing set; the answer is {} then.
        exists: Codes that mean that it is there already.
        not_yet: Errors that pass by themselves.
        repeatable: Whether a blind second call does no harm.
        role_age: For how many seconds a role must have been as it is before it is handed over.
    """

    service: str
    name: str
    also: tuple[str, ...] = ()
    permission: str = field(kw_only=True, default="")
    wide: bool = field(kw_only=True, default=False)
    for_deletion: bool = field(kw_only=True, default=False)
    absent: tuple[str, ...] = field(kw_only=True, default=())
    unset: tuple[str, ...] = field(kw_only=True, default=())
    exists: tuple[str, ...] = field(kw_only=True, default=())
    not_yet: tuple[NotYet, ...] = field(kw_only=True, default=())
    repeatable: bool = field(kw_only=True, default=True)
    role_age: float = field(kw_only=True, default=0.0)

    def __call__(self, **params: Any) -> Call:
        return Call(self, params)

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    @property
    def method(self) -> str:
        """
        The name of boto3's method.
        """
        return str(xform_name(self.name))

    @property
    def reads(self) -> bool:
        """
        Whether the call changes nothing.
        """
        return bool(_READS.match(self.name))

    @property
    def removes(self) -> bool:
        """
        Whether a deletion may make the call.
        """
        return self.for_deletion or bool(_REMOVES.match(self.name))

    @property
    def permissions(self) -> tuple[str, ...]:
        """
        Every IAM action that the call needs.
        """
        prefix = _IAM_PREFIX.get(self.service, self.service)
        return (self.permission or f"{prefix}:{self.name}", *self.also)


@frozen
class Call:
    """
    An operation with its parameters.
    """

    operation: Operation
    params: Mapping[str, Any]

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.operation}({given})"


def operations(resource_type: type[Any]) -> dict[str, Operation]:
    """
    Every call of *resource_type*, by the name of its class attribute.
    """
    found: dict[str, Operation] = {}
    for base in reversed(resource_type.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, Operation)})
    return found


@frozen
class Wait:
    """
    A step that waits; *name* says for what.
    """

    name: str

    def __repr__(self) -> str:
        return self.name


WAIT_STABLE: Final = Wait("WAIT_STABLE")
"""A step: read the resource until AWS is done with it."""

WAIT_VISIBLE: Final = Wait("WAIT_VISIBLE")
"""A step: read the resource until AWS returns what an update has set, which takes some seconds."""

WAIT_DELETED: Final = Wait("WAIT_DELETED")
"""A step: read the resource until it doesn't exist."""


@frozen
class ForEach:
    """
    A step: *then* for each item at *path* (JMESPath) in the answer of *listing*.

    `ITEM` in the parameters of *then* stands for the item, or for a list of *batch* items.
    """

    listing: Call
    path: str
    then: Call
    batch: int = 0


class AwsClient(Protocol):
    """
    What a `Job` may use of the engine: calls, and the clock.
    """

    @property
    def session(self) -> Any:
        """
        The caller's session.
        """

    @property
    def clock(self) -> Clock:
        """
        What tells the time.
        """

    def call(self, call: Call, resource: str = "") -> Any:
        """
        The answer of *call*.
        """

    def pause(self, seconds: float) -> None:
        """
        Lets *seconds* pass, unless everything is to stop.
        """


class Task:
    """
    A step that isn't an API call, such as the push of an image.
    """

    operation: Operation

    @property
    def calls(self) -> tuple[Call, ...]:
        """
        The calls that a plan shows in its place.
        """
        return ()

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Does it; returns outputs of the resource.
        """
        raise NotImplementedError


def _sequences(parts: Iterable[Step | tuple[Step, ...]]) -> tuple[tuple[Step, ...], ...]:
    return tuple(part if isinstance(part, tuple) else (part,) for part in parts)


@frozen
class Parallel:
    """
    A step: all of *parts* at the same time, as none needs another; a part is a step, or several in
    sequence.
    """

    parts: tuple[tuple[Step, ...], ...] = field(converter=_sequences)


def each_step(steps: Iterable[Step]) -> Iterator[Step]:
    """
    The *steps* one by one, those in a `Parallel` included.
    """
    for step in steps:
        if isinstance(step, Parallel):
            for part in step.parts:
                yield from each_step(part)
        else:
            yield step


Step = Call | ForEach | Task | Wait | Parallel
Steps = Iterator[Step]
