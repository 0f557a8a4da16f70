"""
Values that AWS hasn't given yet, as placeholders in the parameters of calls.

A `Ref` is an output of another resource; an `Arn`, `ACCOUNT` and the like are known once the
account is.  `resolve` puts values in their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, TypeVar

from attrs import evolve, fields, frozen, has

T = TypeVar("T")


@frozen
class Ref:
    """
    An output of a resource that AWS hasn't given yet.  The reference is the dependency.
    """

    resource_type: str
    name: str
    attribute: str

    @property
    def key(self) -> tuple[str, str]:
        """
        The resource that it waits for.
        """
        return self.resource_type, self.name

    def __repr__(self) -> str:
        return f"<{self.resource_type} {self.name}: {self.attribute}>"

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
    A fact about where the calls go, such as the `account`; or the `item` of a `ForEach`.
    """

    fact: str


ACCOUNT: Final = Here("account")
REGION: Final = Here("region")
LOCATION: Final = Here("location")
"""The region as S3 expects it: left out in us-east-1."""
ITEM: Final = Here("item")
OMIT: Final = object()
"""What a placeholder gives in place of a parameter that is to be left out."""


@frozen
class Zone:
    """
    The availability zone that is *wanted*: by number, from 0 on, among those of the region that are
    open to the account and have Fargate; or by name or id.
    """

    wanted: int | str


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


def can_be_sent(value: Any) -> bool:
    """
    Whether *value* is a text that a request and a process's environment can hold.
    """
    # Python's texts may have halves of characters, and no C string has a NUL.
    value.encode()
    return "\0" not in value


def is_json(value: Any) -> bool:
    """
    Whether JSON can hold *value*, once its placeholders are resolved.
    """
    json.dumps(value, default=_placeholder)
    return True


def _placeholder(value: Any) -> str:
    if not any(placeholders(value)):
        raise TypeError(f"JSON has no {type(value).__name__}")
    return repr(value)
