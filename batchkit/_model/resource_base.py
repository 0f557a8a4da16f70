"""
What every resource type has: its class attributes, its common properties, its identity and tags.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import attrs
from attrs import frozen

from batchkit._model import tags as _tags
from batchkit._model.calls import Call, Operation, Steps
from batchkit._model.checks import TAGS, Checked, as_dict, as_tuple, checked, text
from batchkit._model.properties import UNSET, read_only, read_only_fields, suffix
from batchkit._model.values import Ref, references
from batchkit.errors import Problem

Self = TypeVar("Self", bound="ResourceBase")
Key = tuple[str, str]


@frozen(kw_only=True)
class ResourceBase(Checked):
    """
    What is desired or there, without what is done with it; `Resource` has the rest.
    """

    VARIANT_OF: ClassVar[str] = ""
    """The resource type that it is a variant of, such as ComputeEnvironment."""
    READY: ClassVar[Collection[str] | None] = None
    """The states in which AWS is done with it; None if it has no state."""
    FAILED: ClassVar[Collection[str]] = ()
    """The states in which AWS has given up on it."""
    DELETING: ClassVar[Collection[str]] = ()
    """The states in which it is being deleted."""
    NATURAL_KEY: ClassVar[bool] = True
    """Whether AWS refuses a second one of the same name."""
    RETAIN: ClassVar[bool] = False
    """Whether it holds data, so that a teardown keeps it unless `delete_data=True`."""
    TAGGED: ClassVar[bool] = True
    """Whether a tag says who owns it; what has none lives in something that has."""
    INTERNAL: ClassVar[bool] = False
    """Whether it is batchkit's own bookkeeping: torn down, and shown to nobody."""
    UNPREPARED: ClassVar[bool] = False
    """Whether nothing is prepared for its deletion as long as something foreign uses it."""
    TIMEOUT: ClassVar[float] = 300
    """For how many seconds AWS may be at work on it."""
    COMES_AFTER: ClassVar[Collection[str]] = ()
    """The resource types that `depends_on` may name: they are made before it, and deleted after."""
    LINKED_ROLES: ClassVar[Collection[str]] = ()
    """The services whose service-linked roles AWS makes when it is made for the first time."""
    FOUND_BY: ClassVar[Operation | None] = None
    """The call that finds those of a stack, if it is of another service than what reads them."""

    name: str = checked(text(r"\S(.*\S)?", "a text"))
    stack: str = checked(text(r"[A-Za-z0-9/_][\w .:/=+@-]{0,127}", "a stack's name"), default="")
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)
    depends_on: tuple[Ref, ...] = attrs.field(
        default=(), eq=False, repr=False, converter=as_tuple, metadata={"write_only": True}
    )
    owner: str = read_only()
    written: str = read_only()
    state: str = read_only()
    reason: str = read_only()

    def __attrs_post_init__(self) -> None:
        if self.stack == "":
            object.__setattr__(self, "stack", self.name)
        is_desired = self.owner is UNSET or isinstance(self.owner, Ref)
        for attribute in read_only_fields(type(self)):
            if getattr(self, attribute.name) is UNSET:
                unknown = Ref(*self.key, attribute.name) if is_desired else ""
                object.__setattr__(self, attribute.name, unknown)
        if is_desired:  # AWS may hold values that may not be desired
            super().__attrs_post_init__()

    def _field_problems(self) -> Iterator[Problem]:
        yield from super()._field_problems()
        for attribute in attrs.fields(type(self)):
            for ref in references(getattr(self, attribute.name)):
                if ref.resource_type not in may_refer_to(type(self), attribute):
                    expects = f"a reference to {attribute.metadata.get('to') or 'nothing'}"
                    yield Problem(attribute.name, ref, expects)

    def __str__(self) -> str:
        return f"{self.type_name()} {self.name}"

    @classmethod
    def type_name(cls) -> str:
        """
        What messages, plans and references call its resource type.
        """
        return cls.VARIANT_OF or cls.__name__

    @classmethod
    def suffixed(cls: type[Self], base: str, **fields: Any) -> Self:
        """
        The resource called *base* with the hash of its `named` properties behind it.
        """
        plain = cls(name=base, **fields)
        return cls(name=f"{base}-{suffix(plain)}", **fields)

    @property
    def key(self) -> Key:
        """
        What references name it by.
        """
        return self.type_name(), self.name

    @property
    def exists(self) -> Ref:
        """
        A reference to its existence, for `depends_on`.
        """
        return Ref(*self.key, "exists")

    @property
    def identity(self) -> object:
        """
        What distinguishes it from another of the same name: its id or ARN.
        """
        return getattr(self, "id", None) or getattr(self, "arn", None) or self.name

    @property
    def owned(self) -> bool:
        """
        Whether what AWS holds carries the stack's tag.
        """
        return self.owner == self.stack

    @property
    def all_tags(self) -> dict[str, str]:
        """
        The tags that it is made with, batchkit's own first.
        """
        own = {_tags.OWNER: self.stack, _tags.NAME: self.name}
        remembered = {_tags.WRITTEN: _tags.written(self.tags)} if self.tags else {}
        return {**own, **self.tags, **remembered}

    @property
    def in_use(self) -> bool:
        """
        Whether its maker has gone on with it: of duplicates, one that is in use stays.
        """
        return True

    @property
    def made_in(self) -> int | str | None:
        """
        The availability zone that it is made in, by number, name or id; None if it is in none.
        """
        return None

    def is_where(self, actual: ResourceBase) -> bool:
        """
        Whether *actual* is in the availability zone that this one is to be in.
        """
        return True

    @property
    def ready(self) -> bool:
        """
        Whether AWS is done with it.
        """
        return self.READY is None or self.state in self.READY

    @property
    def superseded(self) -> bool:
        """
        Whether it is an earlier version of another, kept for those who work with it.
        """
        return False

    def differs(self, name: str, actual: Any) -> bool:
        """
        Whether the property *name* is desired to be other than AWS holds it.
        """
        if name == "tags":
            remembered = actual.written == _tags.written(self.tags)
            return not remembered or not self.tags.items() <= actual.tags.items()
        return bool(getattr(self, name) != getattr(actual, name))

    def left_out(self, actual: ResourceBase) -> list[str]:
        """
        The keys of the tags that batchkit has written to *actual* and that are desired no more.
        """
        return _tags.left_out(self.tags, actual.tags, actual.written)

    def retag(self, actual: ResourceBase, tag: Call, untag: Call) -> Steps:
        """
        The steps that bring the tags to what is desired; *untag* takes off those left out.
        """
        # IAM's keys are case-insensitive: afterwards, the new one would go with the old
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
        if self.left_out(actual):
            yield untag
        yield tag


def may_refer_to(resource_type: type[ResourceBase], attribute: Any) -> Collection[str]:
    """
    The resource types that a `Ref` in *attribute* may lead to.
    """
    if attribute.name == "depends_on":
        return resource_type.COMES_AFTER
    if "read_only" in attribute.metadata:
        return (resource_type.type_name(),)
    return str(attribute.metadata.get("to", "")).split()
