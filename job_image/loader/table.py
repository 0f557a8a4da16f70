"""
The DynamoDB table: its key, and one batch written to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from .aws import AwsFailure, Service, json_error
from .channel import BROKEN, HttpChannel
from .faults import BadInput, Refused
from .rate import back_off
from .rows import KeyAttribute, key_of
from .tojson import to_json

# DynamoDB throttles with status 400; only the code tells it from a mistake.
THROTTLES = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "Throttling",
    "TooManyRequestsException",
}
# One bad item makes DynamoDB refuse all of its batch: which one it is, the writer finds out.
INVALID = {"ValidationException", "ItemCollectionSizeLimitExceededException"}
# Worth another try with the next credentials, or on another machine of AWS's.
PASSING = {
    "ExpiredTokenException",
    "InternalServerError",
    "ServiceUnavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "LimitExceededException",
    "ResourceInUseException",
}
Batch = dict[Hashable, bytes]


class BatchOutcome(NamedTuple):
    """
    What became of one batch: the items that are still to be written, and why they are.
    """

    left: Batch
    throttled: bool = False
    error: AwsFailure | None = None
    invalid: bool = False


class TargetTable:
    """
    One DynamoDB table.
    """

    def __init__(self, service: Service, name: str, wait: Callable[[float], None]) -> None:
        self._service = service
        self._wait = wait
        self.name = name
        self.keys = [KeyAttribute("id", "S", 2048)]
        self.indexed: dict[str, str] = {}  # the keys of secondary indexes and their types
        self.identity = ""  # another one where a table of the same name is made anew
        self._head = b'{"RequestItems":{' + to_json(name) + b":["

    def find_keys(self, warn: Callable[[str], None]) -> None:
        """
        `keys` is the table's primary key, the partition key first.

        A role that may only write (as in many policies) can't ask: then it is `id`, a string.
        """
        answer = self._describe()
        if isinstance(answer, AwsFailure):
            if answer.code == "ResourceNotFoundException":
                raise BadInput(f"there is no table {self.name!r} in {self._service.region}")
            # The credentials themselves are wrong: no write would be let through either.
            if answer.code in ("UnrecognizedClientException", "InvalidSignatureException"):
                raise Refused(f"table {self.name!r}: {answer}")
        if isinstance(answer, AwsFailure) or "Table" not in answer:
            warn(
                f"can't ask for the key of table {self.name!r}, so it is taken to be 'id': "
                f"{answer if isinstance(answer, AwsFailure) else 'no answer'}"
            )
        else:
            self.keys = _keys(answer["Table"], self.name)
            self.indexed = _indexed(answer["Table"], self.keys)
            self.identity = str(answer["Table"].get("TableId", ""))

    def channel(self) -> HttpChannel:
        """
        A new connection that takes what `request_body` makes.
        """
        return HttpChannel(self._service, "DynamoDB_20120810.BatchWriteItem")

    def outcome(self, batch: Batch, status: int, answer: bytes) -> BatchOutcome:
        """
        What became of *batch*; raises `Refused` for what no other try mends.
        """
        if answer == b'{"UnprocessedItems":{}}' and status == 200:
            return BatchOutcome({})
        if status == 200:
            return _accepted(batch, answer, self.keys)
        return _failed(batch, json_error(status, answer))

    def request_body(self, batch: Batch) -> bytes:
        """
        The request that writes *batch*.
        """
        return self._head + b",".join(batch.values()) + b"]}}"

    def _describe(self) -> dict[str, Any] | AwsFailure:
        """
        What DescribeTable says; a passing fault is tried again.
        """
        with closing(HttpChannel(self._service, "DynamoDB_20120810.DescribeTable")) as channel:
            return self._asked(channel)

    def _asked(self, channel: HttpChannel) -> dict[str, Any] | AwsFailure:
        error = AwsFailure(0, "no answer", "")
        for attempt in range(1, 9):
            try:
                channel.send(to_json({"TableName": self.name}))
                status, body = channel.receive()
            except BROKEN as fault:
                error = broken(fault)
            else:
                if status == 200:
                    return dict(json.loads(body or b"{}"))
                error = json_error(status, body)
                if status < 500 and error.code not in THROTTLES | PASSING:
                    return error
            channel.close()
            self._wait(back_off(attempt))
        raise Refused(f"table {self.name!r}: {error}")


def _keys(told: Mapping[str, Any], name: str) -> list[KeyAttribute]:
    """
    The key attributes that DescribeTable told.
    """
    kinds = {one["AttributeName"]: one["AttributeType"] for one in told["AttributeDefinitions"]}
    schema = sorted(told["KeySchema"], key=lambda one: str(one["KeyType"]))  # HASH, RANGE
    keys = [
        KeyAttribute(
            one["AttributeName"],
            kinds[one["AttributeName"]],
            # DynamoDB's limits for a partition key and for a sort key.
            2048 if one["KeyType"] == "HASH" else 1024,
        )
        for one in schema
    ]
    binary = [key.name for key in keys if key.kind not in ("S", "N")]
    if binary:
        raise BadInput(f"table {name!r}: the key {binary[0]!r} is binary, which no CSV cell is")
    return keys


def _indexed(told: Mapping[str, Any], keys: Sequence[KeyAttribute]) -> dict[str, str]:
    """
    The other attributes whose types DescribeTable tells: those of secondary indexes.
    """
    kinds = {one["AttributeName"]: one["AttributeType"] for one in told["AttributeDefinitions"]}
    return {name: kinds[name] for name in sorted(kinds.keys() - {key.name for key in keys})}


def broken(fault: Exception) -> AwsFailure:
    """
    A fault of the connection in the form of an answer.
    """
    return AwsFailure(0, type(fault).__name__, str(fault))


def _accepted(batch: Batch, answer: bytes, keys: Sequence[KeyAttribute]) -> BatchOutcome:
    """
    The outcome of an answer that took at least some items.
    """
    try:
        # What the table has no capacity for comes back in an answer of status 200.
        requests = json.loads(answer).get("UnprocessedItems") or {}
        back = [
            key_of(one["PutRequest"]["Item"], keys) for name in requests for one in requests[name]
        ]
    except (ValueError, AttributeError, KeyError, TypeError):
        return BatchOutcome(batch, error=AwsFailure(200, "unreadable answer", repr(answer[:80])))
    left = {key: batch[key] for key in back if key in batch}
    # An item that can't be told from the others: writing all of them again is always right.
    return BatchOutcome(left if len(left) == len(set(back)) else batch, throttled=bool(back))


def _failed(batch: Batch, error: AwsFailure) -> BatchOutcome:
    """
    The outcome of an error; raises `Refused` for one that no retry mends.
    """
    if error.code in THROTTLES:
        return BatchOutcome(batch, throttled=True, error=error)
    if error.status >= 500 or error.code in PASSING or error.status in (408, 429):
        return BatchOutcome(batch, error=error)
    if error.code in INVALID or error.status == 413:
        return BatchOutcome(batch, error=error, invalid=True)
    if error.code == "ResourceNotFoundException":
        raise BadInput(f"there is no such table any more: {error}")
    raise Refused(f"DynamoDB: {error}")
