"""
How the life of each kind is told: what it takes to make one, and how AWS may come to differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from account_fixture import AccountFixture
from batchkit._model.resource import Resource

Act = Callable[[AccountFixture, Any], object]


@frozen
class Drift:
    """
    Someone else changes a field with *act*; batchkit repairs that with the calls *repair*.

    The fields *besides* can't but change with it.
    """

    act: Act
    repair: tuple[str, ...]
    besides: tuple[str, ...] = ()


@frozen
class ResourceCase:
    """
    A kind: a *wish*, the calls that make it, every *drift* of it, and others for *fixed* fields.
    """

    desired: Callable[[AccountFixture], Resource]
    creates: tuple[str, ...]
    deletes: tuple[str, ...]
    drifts: Mapping[str, Drift]
    fixed: Mapping[str, Any] = field(factory=dict)
    lists: bool = True


def drift(act: Act, *repair: str, besides: tuple[str, ...] = ()) -> Drift:
    """
    A drift, and the calls that repair it.
    """
    return Drift(act, repair, besides)
