"""
Patches for AWS Batch: its errors, which are nearly all ClientExceptions with a request id.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.batch import exceptions
from moto.core.exceptions import AWSError

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_PREFIX = "Error executing request, Exception : "


class ObjectAlreadyExists(exceptions.ClientException):
    """
    The name is in use.
    """

    STATUS = 409

    def __init__(self) -> None:
        super().__init__("Object already exists")


@PATCHES(
    exceptions.ClientException,
    "__init__",
    reason="Batch puts 'Error executing request' and a request id around every ClientException "
    "message, but moto sends the bare message",
)
def wrapped(original: Any, self: Any, message: str) -> None:
    if not message.startswith(_PREFIX):
        message = f"{_PREFIX}{message}, RequestId: {uuid4()}"
    original(self, message)


@PATCHES(
    exceptions.InvalidParameterValueException,
    "__init__",
    reason="Batch reports a wrong parameter as ClientException, but moto reports "
    "InvalidParameterValue, which Batch doesn't have",
)
def as_client_exception(_: Any, self: Any, message: str) -> None:
    AWSError.__init__(
        self, f"{_PREFIX}{message}, RequestId: {uuid4()}", exceptions.ClientException.TYPE
    )
