"""
Calls as values: what a resource wants done is described here, and done elsewhere.

An `Operation` is an AWS API call and its IAM permission, stated once.  Calling it gives a `Call`, a
value that can be compared, shown in a plan and performed.  Parameters may hold placeholders: a
`Ref` (an output of another resource), an `Arn`, `ACCOUNT` and the like (known once the account is),
and a `Zone`; `resolve` puts values in their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, TypeVar

from attrs import evolve, field, fields, frozen, has

T = TypeVar("T")

_READS: Final = re.compile(r"(Describe|List|Get|Head|BatchGet|Lookup|Simulate)")
_SNAKE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_IAM_PREFIX: Final = {"stepfunctions": "states", "resourcegroupstaggingapi": "tag"}


@frozen
class NotYet:
    """
    An error that means *not yet*: retried for *seconds*, and an error like any other after that.

    AWS's wording changes, so *fragment* is used only where the code alone says too little.
    """

    code: str
    seconds: float
    fragment: str = ""

    def matches(self, code: str, message: str) -> bool:
        return code == self.code and self.fragment in message.lower()


@frozen
class Operation:
    """
    An API call: *service* as boto3 names it, *name* as AWS spells it, and what its errors mean.

    Args:
        also: Permissions that AWS checks besides the operation's own.
        permission: The IAM action, where it isn't `service:name`.
        wide: IAM knows no resource-level permission for it, so a policy must say `*`.
        absent: Codes that mean that the resource isn't there.
        exists: Codes that mean that it is there already.
        not_yet: Errors that pass by themselves.
        repeatable: Whether a blind second call does no harm.
    """

    service: str
    name: str
    also: tuple[str, ...] = ()
    permission: str = field(kw_only=True, default="")
    wide: bool = field(kw_only=True, default=False)
    absent: tuple[str, ...] = field(kw_only=True, default=())
    exists: tuple[str, ...] = field(kw_only=True, default=())
    not_yet: tuple[NotYet, ...] = field(kw_only=True, default=())
    repeatable: bool = field(kw_only=True, default=True)

    def __call__(self, **params: Any) -> Call:
        return Call(self, params)

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    @property
    def method(self) -> str:
        """
        The name of boto3's method.
        """
        return _SNAKE.sub("_", self.name).lower()

    @property
    def reads(self) -> bool:
        """
        Whether the call changes nothing.
        """
        return bool(_READS.match(self.name))

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


@frozen
class Wait:
    """
    A step that waits; *name* says for what.
    """

    name: str

    def __repr__(self) -> str:
        return self.name


SETTLE: Final = Wait("SETTLE")
"""A step: read the resource until AWS is done with it."""

GONE: Final = Wait("GONE")
"""A step: read the resource until it isn't there."""


@frozen
class Each:
    """
    A step: *then* for each item at *path* (JMESPath) in the answer of *listing*.

    `ITEM` in the parameters of *then* stands for the item, or for a list of *batch* items.
    """

    listing: Call
    path: str
    then: Call
    batch: int = 0


class Job:
    """
    A step that isn't an API call, such as the push of an image.
    """

    operation: Operation

    def perform(self, aws: Any, emit: Any) -> Mapping[str, Any]:
        """
        Does it, and returns outputs of the resource.
        """
        raise NotImplementedError


Step = Call | Each | Job | Wait
Steps = Iterator[Step]


@frozen
class Ref:
    """
    An output of a resource that AWS hasn't given yet.  The reference is the dependency.
    """

    kind: str
    name: str
    attribute: str

    @property
    def key(self) -> tuple[str, str]:
        """
        The resource that it waits for.
        """
        return self.kind, self.name

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}: {self.attribute}>"

    def _unknown(self, *_: object) -> NoReturn:
        msg = f"{self!r} is known only after it is made; hand it on as it is, not inside a text"
        raise TypeError(msg)

    __str__ = _unknown
    __format__ = _unknown


@frozen
class Arn:
    """
    An ARN of the account, region and partition that the calls go to.
    """

    service: str
    resource: str
    region: bool = True
    account: bool | str = True


@frozen
class Here:
    """
    A fact about where the calls go, such as the `account`; or the `item` of an `Each`.
    """

    fact: str


ACCOUNT: Final = Here("account")
REGION: Final = Here("region")
LOCATION: Final = Here("location")
"""The region as S3 wants it: left out in us-east-1."""
ITEM: Final = Here("item")
OMIT: Final = object()
"""What a placeholder gives in place of a parameter that is to be left out."""


@frozen
class Zone:
    """
    The availability zone number *index* of the region, among those that are open to the account.
    """

    index: int


@frozen
class Scope:
    """
    Where calls go.
    """

    partition: str
    region: str
    account: str

    def arn(self, arn: Arn) -> str:
        """
        The text of *arn* here.
        """
        region = self.region if arn.region else ""
        account = arn.account if isinstance(arn.account, str) else self.account * arn.account
        return f"arn:{self.partition}:{arn.service}:{region}:{account}:{arn.resource}"


@frozen
class Json:
    """
    A document that AWS takes as text: turned into JSON once nothing in it is unknown.
    """

    document: Any


def resolve(value: T, replace: Callable[[Any], Any]) -> T:
    """
    *value* with each placeholder in it, however deep, given to *replace*.
    """
    return _resolve(value, replace)  # type: ignore[no-any-return]


def _resolve(value: Any, replace: Callable[[Any], Any]) -> Any:
    if isinstance(value, (Ref, Arn, Here, Zone)):
        return replace(value)
    if isinstance(value, Json):
        document = _resolve(value.document, replace)
        unknown = any(placeholders(document))
        return Json(document) if unknown else json.dumps(document, sort_keys=True)
    if isinstance(value, Mapping):
        resolved = {key: _resolve(item, replace) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not OMIT}
    if isinstance(value, (tuple, list)):
        return type(value)(_resolve(item, replace) for item in value)
    if has(type(value)):
        return _resolve_fields(value, replace)
    return value


def _resolve_fields(value: Any, replace: Callable[[Any], Any]) -> Any:
    changed = {}
    for attribute in fields(type(value)):
        before = getattr(value, attribute.name)
        after = _resolve(before, replace) if attribute.init else before
        if after is not before and after != before:
            changed[attribute.alias or attribute.name] = after
    return evolve(value, **changed) if changed else value


def placeholders(value: Any) -> Iterator[Any]:
    """
    Every placeholder in *value*, however deep.
    """
    if isinstance(value, (Ref, Arn, Here, Zone)):
        yield value
    elif isinstance(value, Json):
        yield from placeholders(value.document)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from placeholders(item)
    elif has(type(value)):
        for attribute in fields(type(value)):
            yield from placeholders(getattr(value, attribute.name))


def references(value: Any) -> Iterator[Ref]:
    """
    Every `Ref` in *value*, however deep.
    """
    return (item for item in placeholders(value) if isinstance(item, Ref))
