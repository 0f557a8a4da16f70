"""
The base of every resource type.

A resource type is one frozen class.  It is at once what is desired, what AWS holds (the actual
resource), and the read-only properties, so that comparing is the same for all.  Its methods only
describe: `read` and `find` read, `create`, `update` and `delete` yield steps; the engine runs them.
docs/resource-types.md explains the whole interface with an example.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

import attrs
from attrs import frozen

from batchkit._model.calls import Steps
from batchkit._model.reader import Reader
from batchkit._model.resource_base import Key, ResourceBase
from batchkit._model.texts import texts
from batchkit._model.users import Use, User
from batchkit._model.values import Arn

Self = TypeVar("Self", bound="Resource")


@frozen(kw_only=True)
class Resource(ResourceBase):
    """
    Something in an AWS account, or what is desired there.

    Args:
        name: Its name; unique for its resource type in a stack.
        stack: The stack that owns it, written as a tag; its own name where none is given.
        tags: Further tags.  One that is left out later goes; those of others are left alone.
        depends_on: Resources that must exist first although no property refers to them.
    """

    def companions(self) -> tuple[Resource, ...]:
        """
        What is ensured when it is ensured on its own: it, and what it can't be without.
        """
        return (self,)

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        """
        The ARNs of all resources of this type that *stack* may have, as IAM's patterns.
        """
        return ()

    def targets(self) -> tuple[str | Arn, ...]:
        """
        The ARNs of this one, where a user chooses its name and the stack's can't tell them.
        """
        return ()

    def assumed_by(self) -> Collection[str]:
        """
        The services to which its maker passes it, if it is a role.
        """
        return ()

    @classmethod
    def find(cls: type[Self], stack: str, reader: Reader) -> Iterable[Self]:
        """
        All of this resource type that the stack owns, whatever their names.
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
        The steps that bring *actual* to what is desired; *drift* names the properties that differ.
        """
        raise NotImplementedError

    def before_delete(self) -> Steps:
        """
        The steps that prepare its deletion, and needn't wait until all that depend on it are gone.
        """
        return iter(())

    def retire(self) -> Steps:
        """
        The steps after which it costs nothing of its own, while something still works with it.
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

    def foreign_users(self, reader: Reader) -> list[str]:
        """
        What isn't the stack's and keeps AWS from deleting it for as long as it is there, in words.
        """
        return []

    def active_users(self, reader: Reader) -> list[User]:
        """
        What works with it now, and would fail if it or what it stands on were taken away.
        """
        return []

    @property
    def known_as(self) -> Collection[str]:
        """
        The texts by which others refer to it: its id or ARN, and its name.
        """
        return (str(self.identity), self.name)

    def refers_to(self) -> Iterator[Use]:
        """
        The resources that its properties refer to: AWS refuses to delete them before it.
        """
        for attribute in attrs.fields(type(self)):
            for resource_type in str(attribute.metadata.get("to", "")).split():
                for one in texts(getattr(self, attribute.name)):
                    yield resource_type, one

    def stands_on(self) -> Iterator[Use]:
        """
        The resources without which those who work with it can't go on.
        """
        return self.refers_to()

    def serves(self) -> Iterator[Use]:
        """
        The resources that don't work without it, although they don't refer to it.
        """
        return iter(())

    def widened(self: Self, actual: Self, at_work: Collection[Use]) -> Self:
        """
        What is desired, and what *actual* gives beyond it to what works: *at_work* are the
        resources that are worked with.
        """
        return self

    def spared(self, renewed: Collection[Key]) -> bool:
        """
        Whether it stays although nothing needs it; those of *renewed* are getting a successor.
        """
        return False

    def is_idle(self, reader: Reader) -> bool:
        """
        Whether nothing has been given it to work with, so that a broken one may be made anew.
        """
        return False

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
