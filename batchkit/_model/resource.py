"""
The base of every kind.

A kind is one frozen class.  It is at once the wish, what AWS holds, and the outputs, so that
comparing is the same for all.  Its methods only describe: `read` asks, `create`, `update` and
`delete` yield steps; the engine does them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, Protocol, TypeVar

import attrs
from attrs import frozen

from batchkit._model import tags as _tags
from batchkit._model.calls import Call, Operation, Steps
from batchkit._model.checks import TAGS, Checked, Constraint, as_dict, as_tuple, checked, text
from batchkit._model.values import Arn, Ref, Scope

Self = TypeVar("Self", bound="Resource")
Key = tuple[str, str]

_UNSET: Final = object()


class Reader(Protocol):
    """
    What `read` and `find` may use: calls that change nothing.
    """

    @property
    def scope(self) -> Scope: ...

    def __call__(self, call: Call) -> Any:
        """
        The answer, all its pages in one; None if the call's operation says that this means absent.
        """

    def all(self, *calls: Call) -> list[Any]:
        """
        The answers of calls that are made at the same time; the first tells whether it is there.
        """


def read_only(path: str = "", *, regenerated: bool = False) -> Any:
    """
    A field that AWS fills in: a `Ref` until it is known.

    Args:
        path: Where it stands in the answer of the kind's CREATE operation (JMESPath).
        renewed: An update makes it anew.
    """
    meta = {"read_only": path, "regenerated": regenerated}
    return attrs.field(default=_UNSET, eq=False, repr=False, metadata=meta)


def create_only(*constraints: Constraint, **kwargs: Any) -> Any:
    """
    A field that AWS can't change once the resource is made.
    """
    return checked(*constraints, metadata={"create_only": True}, **kwargs)


def write_only(*constraints: Constraint, **kwargs: Any) -> Any:
    """
    A field that matters when the resource is made and is not compared afterwards.
    """
    return checked(*constraints, metadata={"write_only": True}, eq=False, **kwargs)


@frozen(kw_only=True)
class Resource(Checked):
    """
    Something in an AWS account, or the wish for it.

    Args:
        name: Its name; unique for its kind in a stack.
        stack: The stack that owns it, written as a tag; its own name where none is given.
        tags: Further tags.  Those that others have put there are left alone.
        after: Resources that must be there first although no field refers to them.
    """

    READY: ClassVar[Collection[str] | None] = None
    FAILED: ClassVar[Collection[str]] = ()
    DELETING: ClassVar[Collection[str]] = ()
    NATURAL_KEY: ClassVar[bool] = True
    RETAIN: ClassVar[bool] = False
    TAGGED: ClassVar[bool] = True
    NAME_HAS_HASH: ClassVar[bool] = False
    NEEDS_ZONE: ClassVar[bool] = False
    INTERNAL: ClassVar[bool] = False
    TIMEOUT: ClassVar[float] = 300
    FOUND_BY: ClassVar[Operation | None] = None
    """The call that finds those of a stack, if it is of another service than what reads them."""

    name: str = checked(text(r"\S(.*\S)?", "a text"))
    stack: str = checked(text(r"[A-Za-z0-9/_][\w .:/=+@-]{0,127}", "a stack's name"), default="")
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)
    depends_on: tuple[Ref, ...] = attrs.field(
        default=(), eq=False, repr=False, converter=as_tuple, metadata={"write_only": True}
    )
    owner: str = read_only()
    state: str = read_only()
    reason: str = read_only()

    def __attrs_post_init__(self) -> None:
        if not self.stack:
            object.__setattr__(self, "stack", self.name)
        is_desired = self.owner is _UNSET or isinstance(self.owner, Ref)
        for attribute in read_only_fields(type(self)):
            if getattr(self, attribute.name) is _UNSET:
                unknown = Ref(*self.key, attribute.name) if is_desired else ""
                object.__setattr__(self, attribute.name, unknown)
        if is_desired:  # what AWS holds may be what a wish may not
            super().__attrs_post_init__()

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name}"

    @property
    def key(self) -> Key:
        """
        What references name it by.
        """
        return type(self).__name__, self.name

    @property
    def exists(self) -> Ref:
        """
        A reference to its being there, for `after`.
        """
        return Ref(*self.key, "exists")

    @property
    def identity(self) -> object:
        """
        What tells it from another of the same name: its id or ARN.
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
        return {_tags.OWNER: self.stack, _tags.NAME: self.name, **self.tags}

    @property
    def in_use(self) -> bool:
        """
        Whether its maker has gone on with it: of twins, one that is committed stays.
        """
        return True

    @property
    def ready(self) -> bool:
        """
        Whether AWS is done with it.
        """
        return self.READY is None or self.state in self.READY

    def differs(self, name: str, actual: Any) -> bool:
        """
        Whether the field *name* of this wish is other than what AWS holds.
        """
        if name == "tags":
            return not self.tags.items() <= actual.tags.items()
        return bool(getattr(self, name) != getattr(actual, name))

    def companions(self) -> tuple[Resource, ...]:
        """
        What is ensured when it is ensured on its own: it, and what it can't be without.
        """
        return (self,)

    def targets(self) -> tuple[str | Arn, ...]:
        """
        The ARNs that its calls act on, for the policy of whoever makes them.
        """
        return ("*",)

    @classmethod
    def find(cls: type[Self], stack: str, reader: Reader) -> Iterable[Self]:
        """
        All of this kind that the stack owns, whatever their names.
        """
        raise NotImplementedError

    def read(self: Self, reader: Reader) -> Self | None:
        """
        What AWS holds under this identity, or None.
        """
        raise NotImplementedError

    def candidates(self: Self, reader: Reader) -> list[Self]:
        """
        What AWS holds under this name, the best first: more than one only without a natural key.
        """
        actual = self.read(reader)
        return [] if actual is None else [actual]

    def create(self) -> Steps:
        """
        The steps that make it.
        """
        raise NotImplementedError

    def update(self: Self, actual: Self, drift: Collection[str]) -> Steps:
        """
        The steps that bring *held* to this wish; *drift* names the fields that differ.
        """
        raise NotImplementedError

    def before_delete(self) -> Steps:
        """
        The steps that prepare its deletion, and needn't wait until all that stand on it are gone.
        """
        return iter(())

    def delete(self) -> Steps:
        """
        The steps that remove what AWS holds, after `before_delete`; called on what was read.
        """
        raise NotImplementedError

    def deletion(self) -> Steps:
        """
        All the steps that remove it.
        """
        yield from self.before_delete()
        yield from self.delete()

    def blockers(self, reader: Reader) -> list[str]:
        """
        What keeps AWS from deleting it, in words.
        """
        return []

    def active_users(self, reader: Reader) -> list[str]:
        """
        What is at work with it and would suffer if it went now, in words.
        """
        return []

    def retry_delete(self: Self, actual: Self) -> Steps | None:
        """
        The steps that delete it again where AWS failed to, if that may help.
        """
        return None

    def recover(self: Self, actual: Self) -> Steps | None:
        """
        The steps that bring a broken one back, if its reason is one that passes.
        """
        return None


def read_only_fields(resource_type: type[Resource]) -> Iterator[Any]:
    """
    The fields of *kind* that AWS fills in.
    """
    return (a for a in attrs.fields(resource_type) if "read_only" in a.metadata)


def compared_fields(resource_type: type[Resource]) -> Iterator[Any]:
    """
    The fields of *kind* that a user states and that are compared.
    """
    for attribute in attrs.fields(resource_type):
        hidden = "read_only" in attribute.metadata or "write_only" in attribute.metadata
        if not hidden and attribute.name not in ("name", "stack"):
            yield attribute


def operations(resource_type: type[Resource]) -> dict[str, Operation]:
    """
    Every call of *kind*, by the name of its class attribute.
    """
    found: dict[str, Operation] = {}
    for base in reversed(resource_type.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, Operation)})
    return found
