"""
What isn't the stack's and stands in the way of a deletion: waiting doesn't help, so it is named.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._model.resource import Resource
from batchkit.errors import AwsError, BatchkitError

PAUSE: Final = 30.0
"""Seconds between two looks."""


def refuse_if_held(aws: Aws, resource: Resource) -> None:
    """
    Raises an error that names what isn't the stack's and uses *resource*, if that can be read.
    """
    foreign: list[str] = []
    with suppress(AwsError):
        foreign = _reads.foreign_users(aws, resource)
    if foreign:
        raise BatchkitError(
            f"{resource} ({resource.identity}) is used by {'; '.join(foreign)}, which isn't of the "
            f"stack {resource.stack!r} and was not touched. Remove that first"
        )


class ForeignWatch:
    """
    Looks now and then, as AWS refuses the deletion of *resource*, whether waiting helps.
    """

    def __init__(self, aws: Aws, resource: Resource) -> None:
        self._aws = aws
        self._resource = resource
        self._looked_at: float | None = None

    def __call__(self) -> None:
        """
        Another attempt is about to be made.
        """
        now = self._aws.clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= PAUSE:
            self._looked_at = now
            refuse_if_held(self._aws, self._resource)
