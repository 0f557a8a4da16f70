"""
S3: buckets, whose names are everybody's, and deletes that are not all done.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from .api_call import ApiCall
from .rules import after, before, declare

declare(
    (99, "D", "a bucket's name is checked and stays taken for a while; deletes fail inside a 200"),
    (132, "T", "a bucket takes tags at its creation in commercial regions only"),
)

BUCKET = re.compile(r"(?!xn--)(?!.*\.\.)(?!.*-s3alias$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@before(99, "s3:CreateBucket")
def _bucket_name(call: ApiCall) -> None:
    name, account = call.params["Bucket"], call.account
    if not BUCKET.fullmatch(name) or re.fullmatch(r"[\d.]+", name):
        call.refuse("InvalidBucketName", "The specified bucket is not valid.")
    if account.find("foreign bucket", name):
        message = "The requested bucket name is not available."
        call.refuse("BucketAlreadyExists", message, 409)
    if account.younger("deleted bucket", name, "bucket_name"):
        message = (
            "A conflicting conditional operation is currently in progress against this resource. "
            "Please try again."
        )
        call.refuse("OperationAborted", message, 409)


@before(132, "s3:CreateBucket")
def _untaggable(call: ApiCall) -> None:
    given = call.params.get("CreateBucketConfiguration") or {}
    if call.account.partition != "aws" and given.get("Tags"):
        call.refuse("UnsupportedArgument", "The request contained an unsupported argument.")


@before(99, "s3:*")
def _bucket_is_ours(call: ApiCall) -> None:
    foreign = call.account.find("foreign bucket", call.params.get("Bucket", ""))
    if foreign is None or call.operation == "CreateBucket":
        return
    code = "403" if call.operation == "HeadBucket" else "AccessDenied"
    call.refuse(code, "Forbidden" if code == "403" else "Access Denied", 403)


@before(99, "s3:DeleteBucket")
def _bucket_is_empty(call: ApiCall) -> None:
    name = call.params["Bucket"]
    try:
        held = call.raw.list_object_versions(Bucket=name)
    except ClientError:
        return
    if held.get("Versions") or held.get("DeleteMarkers"):
        message = "The bucket you tried to delete is not empty"
        call.refuse("BucketNotEmpty", message, 409)


@after(0, "s3:DeleteBucket")
def _bucket_gone(call: ApiCall) -> None:
    call.account.add("deleted bucket", call.params["Bucket"])


@before(99, "s3:DeleteObjects")
def _one_not_deleted(call: ApiCall) -> bool:
    name, objects = call.params["Bucket"], call.params["Delete"]["Objects"]
    if not objects or not call.account.once("delete objects", name):
        return False
    last, rest = objects[-1], objects[:-1]
    call.answer = {"Deleted": []}
    if rest:
        call.answer = call.ask({"Bucket": name, "Delete": {"Objects": rest}})
    message = "We encountered an internal error. Please try again."
    call.answer["Errors"] = [{**last, "Code": "InternalError", "Message": message}]
    return True
