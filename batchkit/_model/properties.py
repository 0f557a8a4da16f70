"""
The properties of a resource type: how AWS treats each, stated where the field is declared.

A plain `checked` field can be changed at any time.  The four functions here mark the others, and
the rest of the module lists the fields of a class by their mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from batchkit._model.checks import Constraint, checked
from batchkit._model.names import digest

UNSET: Final = object()
"""The default of a read-only property, until the resource puts a reference in its place."""


def read_only(path: str = "", *, regenerated: bool = False) -> Any:
    """
    A property that AWS fills in: a `Ref` until it is known.

    Args:
        path: Where it stands in the answer of the CREATE operation (JMESPath).
        regenerated: Whether an update gives it another value, as a job definition's ARN.
    """
    meta = {"read_only": path, "regenerated": regenerated}
    return attrs.field(default=UNSET, eq=False, repr=False, metadata=meta)


def create_only(*constraints: Constraint, **kwargs: Any) -> Any:
    """
    A property that AWS can't change once the resource is made.
    """
    return checked(*constraints, metadata={"create_only": True}, **kwargs)


def write_only(*constraints: Constraint, **kwargs: Any) -> Any:
    """
    A property that matters when the resource is made and is not compared afterwards.
    """
    return checked(*constraints, metadata={"write_only": True}, eq=False, **kwargs)


def named(
    *constraints: Constraint, create_only: bool = False, write_only: bool = False, **kwargs: Any
) -> Any:
    """
    A property that is part of the resource's name, by the hash that `suffix` makes.

    Another value is another resource beside the old one, which is deleted once nothing works with
    it.  Its default may never change, since it is part of the names that users have.

    Args:
        create_only: Whether AWS can't change it even where it was changed by hand.
        write_only: Whether nobody can change it, so that it isn't compared.
    """
    marks = {"named": True, "create_only": create_only, "write_only": write_only}
    metadata = {name: True for name, marked in marks.items() if marked}
    return checked(*constraints, metadata=metadata, **kwargs)


def read_only_fields(resource_type: type[Any]) -> Iterator[Any]:
    """
    The properties of *resource_type* that AWS fills in.
    """
    return (a for a in attrs.fields(resource_type) if "read_only" in a.metadata)


def compared_fields(resource_type: type[Any]) -> Iterator[Any]:
    """
    The properties of *resource_type* that a user states and that are compared.
    """
    for attribute in attrs.fields(resource_type):
        hidden = "read_only" in attribute.metadata or "write_only" in attribute.metadata
        if not hidden and attribute.name not in ("name", "stack"):
            yield attribute


def named_fields(resource_type: type[Any]) -> Iterator[Any]:
    """
    The properties of *resource_type* that are part of its name, by a hash.
    """
    return (a for a in attrs.fields(resource_type) if a.metadata.get("named"))


def suffix(resource: Any) -> str:
    """
    A hash of the `named` properties of *resource* that are other than their defaults.

    A property that is added later changes no name, as it has its default at first.  A reference
    counts by the resource that it leads to: one that is made again under its name is the same.
    """
    values = {a.name: getattr(resource, a.name) for a in named_fields(type(resource))}
    defaults = {a.name: a.default for a in named_fields(type(resource))}
    return digest({name: one for name, one in values.items() if one != defaults[name]})
