"""
What the fake AWS holds, what it was asked, and what is to go wrong.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from validation import Invalid, check_item

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI", "a/session+token=="
Fault = Callable[[str, int], str | None]  # (operation, how often it was asked) -> what goes wrong


class FakeAws:
    """
    What the two services hold, what they were asked, and what is to go wrong.

    A fault is one of: throttle, partial (every other item is unprocessed), all-unprocessed, 500,
    reset (nothing is done), lost (done, but the answer is not sent), cut (half of the body is
    sent), no-ranges (the whole object is sent), unknown-length (the same, without its length),
    as-200 (the range is sent as 200), trickle (an answer that never ends), invalid (DynamoDB
    refuses the request), denied, or the code of one of S3's errors.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.keys: list[tuple[str, str, str]] = [("id", "HASH", "S")]
        self.indexed: dict[str, str] = {}  # the keys of secondary indexes and their types
        self.refused: str | None = None  # a value that makes DynamoDB refuse an item
        self.items: dict[tuple[str, ...], dict[str, Any]] = {}
        self.table_id = "table-1"
        self.asked: list[str] = []
        self.requests: list[int] = []
        self.fault: Fault = lambda operation, count: None
        self.after_write: Callable[[], None] = lambda: None
        self.region = "us-east-1"
        self.trickling = threading.Event()
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.port = 0

    def put(self, key: str, data: bytes, bucket: str = "data") -> None:
        """
        The object *key* holds *data*.
        """
        self.objects[bucket, key] = data

    def etag(self, name: tuple[str, str]) -> str:
        """
        The version of an object.
        """
        return '"' + hashlib.md5(self.objects[name]).hexdigest() + '"'

    def ask(self, operation: str) -> str | None:
        """
        Notes the request, and says what is to go wrong with it.
        """
        with self.lock:
            self.asked.append(operation)
            return self.fault(operation, self.asked.count(operation))

    def environ(self, **more: str) -> dict[str, str]:
        """
        The environment of a job on this AWS.
        """
        return {
            "BUCKET": "data",
            "FILE_PATH": "movies.csv",
            "TABLE_NAME": "movies",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN,
            **more,
        }

    def plain_items(self) -> dict[str, dict[str, str]]:
        """
        What the table holds: partition key to the text of every attribute.
        """
        return {
            key[0]: {name: next(iter(value.values())) for name, value in item.items()}
            for key, item in self.items.items()
        }

    def write(self, requests: list[dict[str, Any]], fault: str | None) -> list[dict[str, Any]]:
        """
        Stores items, and returns the requests that stay unprocessed.
        """
        keys = [self._key(one["PutRequest"]["Item"]) for one in requests]
        if not 1 <= len(requests) <= 25:
            raise Invalid("Too many items requested for the BatchWriteItem call")
        if len(set(keys)) < len(keys):
            raise Invalid("Provided list of item keys contains duplicates")
        for one in requests:
            check_item(one["PutRequest"]["Item"], self.indexed)
            if any(self.refused in value.values() for value in one["PutRequest"]["Item"].values()):
                raise Invalid("as it was told")
        self.requests.append(len(requests))
        left: list[dict[str, Any]] = []
        with self.lock:
            for number, (key, one) in enumerate(zip(keys, requests)):
                if fault == "all-unprocessed" or (fault == "partial" and number % 2):
                    left.append(one)
                else:
                    self.items[key] = one["PutRequest"]["Item"]
        return left[::-1]

    def _key(self, item: dict[str, Any]) -> tuple[str, ...]:
        parts = []
        for name, role, kind in self.keys:
            value = item.get(name, {}).get(kind)
            if not value:
                raise Invalid("The provided key element does not match the schema")
            if len(value.encode()) > (2048 if role == "HASH" else 1024):
                raise Invalid("Size of a key has exceeded the size limit")
            parts.append(str(Decimal(value).normalize()) if kind == "N" else value)
        return tuple(parts)
