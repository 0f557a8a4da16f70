"""
Section F: repositories, log groups, tables and buckets.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import ClientError

from ._rules import after, before, declare
from ._world import Call, World

declare(
    (95, "D", "a repository's name is checked; a fresh one may not be found at first"),
    (119, "D", "another account's repository can't be looked into"),
    (96, "M", "a registry's token expires twelve hours ahead"),
    (97, "D", "a log group's name and retention are checked; a change may meet another once"),
    (98, "D", "a table is CREATING and DELETING for a while, and not found at first"),
    (99, "D", "a bucket's name is checked and stays taken for a while; deletes fail inside a 200"),
)

GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
RETENTIONS = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
}
REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")
BUCKET = re.compile(r"(?!xn--)(?!.*\.\.)(?!.*-s3alias$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@before(95, "ecr:CreateRepository")
def _repository_name(call: Call) -> None:
    name = call.params["repositoryName"]
    if not 2 <= len(name) <= 256 or not REPOSITORY.fullmatch(name):
        call.refuse_loosely("InvalidParameterException", f"repositoryName {name}")


@after(0, "ecr:CreateRepository")
def _repository_born(call: Call) -> None:
    call.world.add("repository", call.params["repositoryName"])


@before(95, "ecr:DescribeRepositories")
def _repository_unseen(call: Call) -> None:
    world = call.world
    for name in call.params.get("repositoryNames", []):
        flaky = world.profile == "flaky" and world.younger("repository", name, "not_found")
        if flaky and world.once("seen repository", name):
            message = f"The repository with name '{name}' does not exist in the registry"
            call.refuse("RepositoryNotFoundException", message)


@before(119, "ecr:DescribeImages", "ecr:BatchGetImage")
def _own_registry(call: Call) -> None:
    if call.params.get("registryId", call.world.account) != call.world.account:
        call.refuse_loosely("AccessDeniedException", call.params["repositoryName"])


@after(96, "ecr:GetAuthorizationToken")
def _token_lasts(call: Call) -> bool:
    for each in call.answer["authorizationData"]:
        each["expiresAt"] = datetime.now(timezone.utc) + timedelta(hours=12)
    return True


@before(97, "logs:CreateLogGroup")
def _group_name(call: Call) -> None:
    name = call.params["logGroupName"]
    if not GROUP_NAME.fullmatch(name) or name.startswith("aws/"):
        call.refuse_loosely("InvalidParameterException", f"logGroupName {name}")


@before(97, "logs:PutRetentionPolicy")
def _retention(call: Call) -> None:
    if call.params["retentionInDays"] not in RETENTIONS:
        call.refuse_loosely("InvalidParameterException", str(call.params["retentionInDays"]))


@before(97, "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup")
def _aborted_once(call: Call) -> None:
    name, world = call.params["logGroupName"], call.world
    if world.once("aborted", name, call.operation) and world.rng.random() < 0.4:
        call.refuse_loosely("OperationAbortedException", name)


def _table(world: World, name: str) -> dict[str, Any] | None:
    database = world.raw("dynamodb")
    try:
        found: dict[str, Any] = database.describe_table(TableName=name)["Table"]
    except database.exceptions.ResourceNotFoundException:
        return None
    return found


def _state(world: World, name: str) -> str:
    if world.find("deleting table", name):
        return "DELETING"
    return "CREATING" if world.younger("table", name, "table_create") else "ACTIVE"


@before(98, "dynamodb:CreateTable")
def _table_is_free(call: Call) -> None:
    name = call.params["TableName"]
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", name):
        call.refuse_loosely("ValidationException", f"TableName {name}")
    if _table(call.world, name) is not None:
        call.refuse("ResourceInUseException", f"Table already exists: {name}")


@after(0, "dynamodb:CreateTable")
def _table_born(call: Call) -> None:
    name, world = call.params["TableName"], call.world
    world.add("table", name)
    if world.on(98):
        call.answer["TableDescription"]["TableStatus"] = "CREATING"


@before(98, "dynamodb:DescribeTable")
def _table_unseen(call: Call) -> None:
    name, world = call.params["TableName"], call.world
    if world.younger("table", name, "not_found") and world.once("seen table", name):
        message = f"Requested resource not found: Table: {name} not found"
        call.refuse("ResourceNotFoundException", message)


@after(98, "dynamodb:DescribeTable")
def _table_state(call: Call) -> bool:
    table = call.answer["Table"]
    state = _state(call.world, table["TableName"])
    if state != "ACTIVE":
        table["TableStatus"] = state
    return state != "ACTIVE"


@before(98, "dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:BatchWriteItem", "dynamodb:Scan")
def _table_is_usable(call: Call) -> None:
    names = [call.params["TableName"]] if "TableName" in call.params else []
    for name in [*names, *call.params.get("RequestItems", {})]:
        if _state(call.world, name) == "CREATING":
            call.refuse("ResourceNotFoundException", "Requested resource not found")


@before(98, "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive", "dynamodb:DeleteTable")
def _table_is_settled(call: Call) -> None:
    name = call.params["TableName"]
    state = _state(call.world, name)
    if _table(call.world, name) is not None and state != "ACTIVE":
        message = f"Attempt to change a resource which is still in use: Table is being: {state}"
        call.refuse("ResourceInUseException", f"{message}: {name}")


@before(98, "dynamodb:UpdateTimeToLive")
def _ttl_once(call: Call) -> None:
    wanted = call.params["TimeToLiveSpecification"]["Enabled"]
    held = call.raw.describe_time_to_live(TableName=call.params["TableName"])
    enabled = held["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    if wanted == enabled:
        state = "enabled" if enabled else "disabled"
        call.refuse("ValidationException", f"TimeToLive is already {state}")


@before(98, "dynamodb:DeleteTable")
def _delete_table(call: Call) -> bool:
    world, name = call.world, call.params["TableName"]
    table = _table(world, name)
    if table is None or table.get("DeletionProtectionEnabled"):
        return False
    world.add("deleting table", name)
    world.at("table_delete", lambda: _table_deleted(world, name))
    call.answer = {"TableDescription": {**table, "TableStatus": "DELETING"}}
    return True


def _table_deleted(world: World, name: str) -> None:
    world.raw("dynamodb").delete_table(TableName=name)
    world.drop("deleting table", name)
    world.drop("table", name)
    world.seen.discard(("seen table", name))


@before(98, "dynamodb:BatchWriteItem")
def _one_unprocessed(call: Call) -> bool:
    name, items = next(iter(call.params["RequestItems"].items()))
    if len(items) < 2 or not call.world.once("unprocessed", name):
        return False
    left = items[-1:]
    call.answer = call.ask({**call.params, "RequestItems": {name: items[:-1]}})
    call.answer["UnprocessedItems"] = {name: left}
    return True


@before(99, "s3:CreateBucket")
def _bucket_name(call: Call) -> None:
    name, world = call.params["Bucket"], call.world
    if not BUCKET.fullmatch(name) or re.fullmatch(r"[\d.]+", name):
        call.refuse("InvalidBucketName", "The specified bucket is not valid.")
    if world.find("foreign bucket", name):
        message = "The requested bucket name is not available."
        call.refuse("BucketAlreadyExists", message, 409)
    if world.younger("deleted bucket", name, "bucket_name"):
        message = (
            "A conflicting conditional operation is currently in progress against this resource. "
            "Please try again."
        )
        call.refuse("OperationAborted", message, 409)


@before(99, "s3:*")
def _bucket_is_ours(call: Call) -> None:
    foreign = call.world.find("foreign bucket", call.params.get("Bucket", ""))
    if foreign is None or call.operation == "CreateBucket":
        return
    code = "403" if call.operation == "HeadBucket" else "AccessDenied"
    call.refuse(code, "Forbidden" if code == "403" else "Access Denied", 403)


@before(99, "s3:DeleteBucket")
def _bucket_is_empty(call: Call) -> None:
    name = call.params["Bucket"]
    try:
        held = call.raw.list_object_versions(Bucket=name)
    except ClientError:
        return
    if held.get("Versions") or held.get("DeleteMarkers"):
        message = "The bucket you tried to delete is not empty"
        call.refuse("BucketNotEmpty", message, 409)


@after(0, "s3:DeleteBucket")
def _bucket_gone(call: Call) -> None:
    call.world.add("deleted bucket", call.params["Bucket"])


@before(99, "s3:DeleteObjects")
def _one_not_deleted(call: Call) -> bool:
    name, objects = call.params["Bucket"], call.params["Delete"]["Objects"]
    if not objects or not call.world.once("delete objects", name):
        return False
    last, rest = objects[-1], objects[:-1]
    call.answer = {"Deleted": []}
    if rest:
        call.answer = call.ask({"Bucket": name, "Delete": {"Objects": rest}})
    message = "We encountered an internal error. Please try again."
    call.answer["Errors"] = [{**last, "Code": "InternalError", "Message": message}]
    return True
