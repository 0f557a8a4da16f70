"""
Patches for DynamoDB.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


@PATCHES(
    DynamoDBBackend,
    "create_table",
    reason="CreateTable refuses names of less than three characters, but moto accepts them",
)
def create_table(original: Any, self: Any, name: str, **given: Any) -> Any:
    if not _NAME.fullmatch(name):
        msg = "TableName must be at least 3 characters long and at most 255 characters long"
        raise MockValidationException(msg)
    return original(self, name, **given)


@PATCHES(Table, "describe", reason="DescribeTable returns a TableId, but moto returns none")
def describe_table(original: Any, self: Any, base_key: str = "TableDescription") -> Any:
    answer = original(self, base_key)
    if not hasattr(self, "table_id"):
        self.table_id = str(uuid4())
    answer[base_key]["TableId"] = self.table_id
    return answer


@PATCHES(
    DynamoDBBackend,
    "update_time_to_live",
    reason="UpdateTimeToLive fails with ValidationException if nothing would change, but moto "
    "accepts it",
)
def update_ttl(original: Any, self: Any, name: str, spec: dict[str, Any]) -> None:
    enabled = self.describe_time_to_live(name)["TimeToLiveStatus"] == "ENABLED"
    if enabled is bool(spec["Enabled"]):
        raise MockValidationException(f"TimeToLive is already {'en' if enabled else 'dis'}abled")
    original(self, name, spec)
