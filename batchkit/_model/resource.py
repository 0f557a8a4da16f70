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
from batchkit._model.checks import TAGS, Checked, Must, as_dict, as_tuple, checked, text
from batchkit._model.values import Arn, Ref, Scope

Self = TypeVar("Self", bound="Resource")
Key = tuple[str, str]

_UNSET: Final = object()


class Ask(Protocol):
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


def output(path: str = "", *, renewed: bool = False) -> Any:
    """
    A field that AWS fills in: a `Ref` until it is known.

    Args:
        path: Where it stands in the answer of the kind's CREATE operation (JMESPath).
        renewed: An update makes it anew.
    """
    meta = {"output": path, "renewed": renewed}
    return attrs.field(default=_UNSET, eq=False, repr=False, metadata=meta)


def fixed(*must: Must, **kwargs: Any) -> Any:
    """
    A field that AWS can't change once the resource is made.
    """
    return checked(*must, metadata={"fixed": True}, **kwargs)


def unread(*must: Must, **kwargs: Any) -> Any:
    """
    A field that matters when the resource is made and is not compared afterwards.
    """
    return checked(*must, metadata={"unread": True}, eq=False, **kwargs)


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
    BROKEN: ClassVar[Collection[str]] = ()
    GOING: ClassVar[Collection[str]] = ()
    NATURAL_KEY: ClassVar[bool] = True
    DATA: ClassVar[bool] = False
    TAGGED: ClassVar[bool] = True
    RENAMES: ClassVar[bool] = False
    ZONED: ClassVar[bool] = False
    HIDDEN: ClassVar[bool] = False
    SECONDS: ClassVar[float] = 300
    FOUND_BY: ClassVar[Operation | None] = None
    """The call that finds those of a stack, if it is of another service than what reads them."""

    name: str = checked(text(r"\S(.*\S)?", "a text"))
    stack: str = checked(text(r"[A-Za-z0-9/_][\w .:/=+@-]{0,127}", "a stack's name"), default="")
    tags: Mapping[str, str] = checked(TAGS, factory=dict, converter=as_dict)
    after: tuple[Ref, ...] = attrs.field(
        default=(), eq=False, repr=False, converter=as_tuple, metadata={"unread": True}
    )
    owner: str = output()
    state: str = output()
    reason: str = output()

    def __attrs_post_init__(self) -> None:
        if not self.stack:
            object.__setattr__(self, "stack", self.name)
        wished = self.owner is _UNSET or isinstance(self.owner, Ref)
        for attribute in outputs(type(self)):
            if getattr(self, attribute.name) is _UNSET:
                unknown = Ref(*self.key, attribute.name) if wished else ""
                object.__setattr__(self, attribute.name, unknown)
        if wished:  # what AWS holds may be what a wish may not
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
    def there(self) -> Ref:
        """
        A reference to its being there, for `after`.
        """
        return Ref(*self.key, "there")

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
    def committed(self) -> bool:
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

    def differs(self, name: str, held: Any) -> bool:
        """
        Whether the field *name* of this wish is other than what AWS holds.
        """
        if name == "tags":
            return not self.tags.items() <= held.tags.items()
        return bool(getattr(self, name) != getattr(held, name))

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
    def find(cls: type[Self], stack: str, ask: Ask) -> Iterable[Self]:
        """
        All of this kind that the stack owns, whatever their names.
        """
        raise NotImplementedError

    def read(self: Self, ask: Ask) -> Self | None:
        """
        What AWS holds under this identity, or None.
        """
        raise NotImplementedError

    def candidates(self: Self, ask: Ask) -> list[Self]:
        """
        What AWS holds under this name, the best first: more than one only without a natural key.
        """
        held = self.read(ask)
        return [] if held is None else [held]

    def create(self) -> Steps:
        """
        The steps that make it.
        """
        raise NotImplementedError

    def update(self: Self, held: Self, drift: Collection[str]) -> Steps:
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

    def holders(self, ask: Ask) -> list[str]:
        """
        What keeps AWS from deleting it, in words.
        """
        return []

    def users(self, ask: Ask) -> list[str]:
        """
        What is at work with it and would suffer if it went now, in words.
        """
        return []

    def redo(self: Self, held: Self) -> Steps | None:
        """
        The steps that delete it again where AWS failed to, if that may help.
        """
        return None

    def repair(self: Self, held: Self) -> Steps | None:
        """
        The steps that bring a broken one back, if its reason is one that passes.
        """
        return None


def outputs(kind: type[Resource]) -> Iterator[Any]:
    """
    The fields of *kind* that AWS fills in.
    """
    return (a for a in attrs.fields(kind) if "output" in a.metadata)


def wishes(kind: type[Resource]) -> Iterator[Any]:
    """
    The fields of *kind* that a user states and that are compared.
    """
    for attribute in attrs.fields(kind):
        hidden = "output" in attribute.metadata or "unread" in attribute.metadata
        if not hidden and attribute.name not in ("name", "stack"):
            yield attribute


def operations(kind: type[Resource]) -> dict[str, Operation]:
    """
    Every call of *kind*, by the name of its class attribute.
    """
    found: dict[str, Operation] = {}
    for base in reversed(kind.__mro__):
        found.update({k: v for k, v in vars(base).items() if isinstance(v, Operation)})
    return found
