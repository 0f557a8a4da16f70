"""
What may happen in a step and isn't a failure: the engine reads again and goes on.
"""

from __future__ import annotations

from batchkit.errors import AwsError, BatchkitError


class Ambiguous(BatchkitError):
    """
    A call that must not be repeated blindly ended without an answer: it may have taken effect.
    """


class AlreadyThere(BatchkitError):
    """
    A create met a resource of that name; *refusal* is what AWS said.
    """

    def __init__(self, refusal: AwsError) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


class Overtaken(BatchkitError):
    """
    Another caller has deleted what is needed here, or makes what is being deleted.
    """


class Cancelled(BatchkitError):
    """
    Another resource failed, or the user interrupted: nothing new is begun.
    """
