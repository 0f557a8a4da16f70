"""
DynamoDB: tables, which come and go slowly, and writes that are not all done.
"""

from __future__ import annotations

import re
from typing import Any

from .account import Account
from .api_call import ApiCall
from .rules import after, before, declare

declare(
    (98, "D", "a table is CREATING and DELETING for a while, and not found at first"),
    (180, "D", "the tags of a new table are seen late by callers that did not make it"),
)


def _table(account: Account, name: str) -> dict[str, Any] | None:
    database = account.raw("dynamodb")
    try:
        found: dict[str, Any] = database.describe_table(TableName=name)["Table"]
    except database.exceptions.ResourceNotFoundException:
        return None
    return found


def _state(account: Account, name: str) -> str:
    if account.find("deleting table", name):
        return "DELETING"
    return "CREATING" if account.younger("table", name, "table_create") else "ACTIVE"


@before(98, "dynamodb:CreateTable")
def _table_is_free(call: ApiCall) -> None:
    name = call.params["TableName"]
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", name):
        call.refuse_loosely("ValidationException", f"TableName {name}")
    if _table(call.account, name) is not None:
        call.refuse("ResourceInUseException", f"Table already exists: {name}")


@after(0, "dynamodb:CreateTable")
def _table_born(call: ApiCall) -> None:
    name, account = call.params["TableName"], call.account
    account.add("table", name, maker=call.caller.number)
    if account.on(98):
        call.answer["TableDescription"]["TableStatus"] = "CREATING"


@after(180, "dynamodb:ListTagsOfResource")
def _tags_lag(call: ApiCall) -> bool:
    name = call.params["ResourceArn"].rpartition("/")[2]
    entry = call.account.find("table", name)
    late = entry is not None and entry["maker"] != call.caller.number
    if late and call.account.younger("table", name, "table_tags"):
        call.answer["Tags"] = []
        return True
    return False


@before(98, "dynamodb:DescribeTable")
def _table_unseen(call: ApiCall) -> None:
    name, account = call.params["TableName"], call.account
    if account.younger("table", name, "not_found") and account.once("seen table", name):
        message = f"Requested resource not found: Table: {name} not found"
        call.refuse("ResourceNotFoundException", message)


@after(98, "dynamodb:DescribeTable")
def _table_state(call: ApiCall) -> bool:
    table = call.answer["Table"]
    state = _state(call.account, table["TableName"])
    if state != "ACTIVE":
        table["TableStatus"] = state
    return state != "ACTIVE"


@before(98, "dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:BatchWriteItem", "dynamodb:Scan")
def _table_is_usable(call: ApiCall) -> None:
    names = [call.params["TableName"]] if "TableName" in call.params else []
    for name in [*names, *call.params.get("RequestItems", {})]:
        if _state(call.account, name) == "CREATING":
            call.refuse("ResourceNotFoundException", "Requested resource not found")


@before(98, "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive", "dynamodb:DeleteTable")
def _table_is_settled(call: ApiCall) -> None:
    name = call.params["TableName"]
    state = _state(call.account, name)
    if _table(call.account, name) is not None and state != "ACTIVE":
        message = f"Attempt to change a resource which is still in use: Table is being: {state}"
        call.refuse("ResourceInUseException", f"{message}: {name}")


@before(98, "dynamodb:UpdateTimeToLive")
def _ttl_once(call: ApiCall) -> None:
    wanted = call.params["TimeToLiveSpecification"]["Enabled"]
    held = call.raw.describe_time_to_live(TableName=call.params["TableName"])
    enabled = held["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    if wanted == enabled:
        state = "enabled" if enabled else "disabled"
        call.refuse("ValidationException", f"TimeToLive is already {state}")


@before(98, "dynamodb:DeleteTable")
def _delete_table(call: ApiCall) -> bool:
    account, name = call.account, call.params["TableName"]
    table = _table(account, name)
    if table is None or table.get("DeletionProtectionEnabled"):
        return False
    account.add("deleting table", name)
    account.at("table_delete", lambda: _table_deleted(account, name))
    call.answer = {"TableDescription": {**table, "TableStatus": "DELETING"}}
    return True


def _table_deleted(account: Account, name: str) -> None:
    account.raw("dynamodb").delete_table(TableName=name)
    account.drop("deleting table", name)
    account.drop("table", name)
    account.seen.discard(("seen table", name))


@before(98, "dynamodb:BatchWriteItem")
def _one_unprocessed(call: ApiCall) -> bool:
    name, items = next(iter(call.params["RequestItems"].items()))
    if len(items) < 2 or not call.account.once("unprocessed", name):
        return False
    left = items[-1:]
    call.answer = call.ask({**call.params, "RequestItems": {name: items[:-1]}})
    call.answer["UnprocessedItems"] = {name: left}
    return True
