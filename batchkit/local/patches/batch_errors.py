"""
How Batch says no: nearly everything is a ClientException, with the request's id in its message.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.batch import exceptions
from moto.core.exceptions import AWSError

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_PREFIX = "Error executing request, Exception : "


class ConflictError(exceptions.ClientException):
    """
    Something of that name is there.
    """

    STATUS = 409

    def __init__(self) -> None:
        super().__init__("Object already exists")


@PATCHES(
    exceptions.ClientException, "__init__", reason="AWS wraps every message and adds a request id"
)
def wrapped(original: Any, self: Any, message: str) -> None:
    if not message.startswith(_PREFIX):
        message = f"{_PREFIX}{message}, RequestId: {uuid4()}"
    original(self, message)


@PATCHES(
    exceptions.InvalidParameterValueException,
    "__init__",
    reason="Batch has no InvalidParameterValue: it is a ClientException",
)
def as_client_exception(_: Any, self: Any, message: str) -> None:
    AWSError.__init__(
        self, f"{_PREFIX}{message}, RequestId: {uuid4()}", exceptions.ClientException.TYPE
    )
