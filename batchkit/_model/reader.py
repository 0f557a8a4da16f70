"""
What resource types read AWS with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from batchkit._model.calls import Call
from batchkit._model.values import Scope


def is_there(answer: Any) -> bool:
    """
    Whether the answer of a call doesn't mean absent.
    """
    return answer is not None


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

    def all(self, *calls: Call, exists: Callable[[Any], Any] = is_there) -> list[Any]:
        """
        The answers of calls that are made at the same time; *exists* says of the first whether it
        is there.
        """
