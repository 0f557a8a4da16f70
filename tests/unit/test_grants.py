"""
What a job may do, by name.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchkit import (
    Grant,
    SpecError,
    allow,
    dynamodb_read,
    dynamodb_write,
    kms_decrypt,
    s3_read,
    s3_write,
    secret_read,
)
from batchkit._model.values import Arn, resolve
from batchkit.grants import flatten
from fakes import here

BUCKET = Arn("s3", "films", region=False, account=False)
OBJECTS = Arn("s3", "films/movies.zip", region=False, account=False)


def actions(*grants: Grant) -> list[str]:
    return [action for grant in grants for action in grant.actions]


def test_reading_objects_includes_listing_so_that_a_missing_key_is_told() -> None:
    """
    Two statements: the bucket may be listed, the objects read.
    """
    assert s3_read("films", "/movies.zip") == (
        Grant(("s3:ListBucket",), (BUCKET,)),
        Grant(("s3:GetObject",), (OBJECTS,)),
    )


def test_writing_objects() -> None:
    """
    Putting, and giving up a put in parts; neither reading nor deleting.
    """
    (grant,) = s3_write("films")
    assert grant.actions == ("s3:AbortMultipartUpload", "s3:PutObject")
    assert grant.resources == (Arn("s3", "films/*", region=False, account=False),)


def test_reading_and_writing_a_table() -> None:
    """
    Reading takes the indexes in; writing neither reads nor deletes items.
    """
    (read,), (write,) = dynamodb_read("films"), dynamodb_write("films")
    assert set(read.resources) == {
        Arn("dynamodb", "table/films"),
        Arn("dynamodb", "table/films/index/*"),
    }
    assert "dynamodb:Scan" in read.actions and "dynamodb:PutItem" not in read.actions
    assert set(write.actions) == {
        f"dynamodb:{name}" for name in ("BatchWriteItem", "DescribeTable", "PutItem", "UpdateItem")
    }


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        (
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            Arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            "",
        ),
        ("mrk-1", Arn("kms", "key/mrk-1"), ""),
        ("arn:aws:kms:eu-west-1:1:key/x", "arn:aws:kms:eu-west-1:1:key/x", ""),
        ("alias/films", Arn("kms", "key/*"), "alias/films"),
        ("arn:aws:kms:eu-west-1:1:alias/f/x", "arn:aws:kms:eu-west-1:1:key/*", "alias/f/x"),
    ],
)
def test_a_key_decrypts(key: str, resource: Any, alias: str) -> None:
    """
    A policy names a key by its ARN, and by an alias only in a condition.
    """
    (grant,) = kms_decrypt(key)
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}} if alias else {}
    assert grant == Grant(("kms:Decrypt",), (resource,), named)


@pytest.mark.parametrize("key", ["", "a b", "alias/", "arn:aws:s3:::x", None, 1])
def test_what_is_no_key_is_refused(key: Any) -> None:
    """
    The error names it.
    """
    with pytest.raises(SpecError, match="key"):
        kms_decrypt(key)


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("db", Arn("secretsmanager", "secret:db-??????")),
        ("arn:aws:secretsmanager:x:1:secret:db-AbCdEf",) * 2,
        (
            "arn:aws:secretsmanager:x:1:secret:db-AbCdEf:key::",
            "arn:aws:secretsmanager:x:1:secret:db-AbCdEf",
        ),
        (
            "arn:aws:secretsmanager:x:1:secret:db",
            "arn:aws:secretsmanager:x:1:secret:db-??????",
        ),
    ],
)
def test_a_secret_is_named_or_given_by_its_arn(name: str, resource: Any) -> None:
    """
    A name stands for the ARN with the six characters that Secrets Manager adds.
    """
    assert secret_read(name) == (allow("secretsmanager:GetSecretValue", resource),)


def test_a_statement_is_as_iam_takes_it() -> None:
    """
    Effect, actions and resources in one order; conditions only where there are some.
    """
    grant = allow(["sqs:SendMessage", "sqs:DeleteMessage"], "arn:aws:sqs:::q")
    assert grant.statement() == {
        "Effect": "Allow",
        "Action": ["sqs:DeleteMessage", "sqs:SendMessage"],
        "Resource": ["arn:aws:sqs:::q"],
    }
    conditions = {"Bool": {"aws:SecureTransport": "true"}}
    assert Grant(("*",), ("*",), conditions).statement()["Condition"] == conditions


def test_the_order_in_which_things_are_given_does_not_matter() -> None:
    """
    The same actions in another order are the same grant.
    """
    assert allow(["s3:A", "s3:B"], ["*"]) == allow(("s3:B", "s3:A", "s3:A"), "*")


def test_grants_are_flattened_to_one_tuple() -> None:
    """
    The named ones come as tuples; what is no collection is left to the field's check.
    """
    one = allow("s3:A")
    assert flatten([s3_read("films"), one]) == (*s3_read("films"), one)
    assert flatten(one) is one


@pytest.mark.parametrize(
    "make",
    [
        lambda: allow("GetObject"),
        lambda: allow([]),
        lambda: allow("s3:GetObject", "my-bucket"),
        lambda: allow("s3:GetObject", []),
        # A caller whose types nobody checks gets a SpecError, too.
        lambda: allow(None),  # type: ignore[arg-type]
        lambda: allow("s3:GetObject", 3),  # type: ignore[arg-type]
        lambda: Grant(("s3:A",), ("*",), effect="Maybe"),
        lambda: s3_read("My_Bucket"),
        lambda: s3_write("s3://films"),
        lambda: s3_read(None),  # type: ignore[arg-type]
        lambda: s3_read("films", None),  # type: ignore[arg-type]
        lambda: dynamodb_read("a b"),
        lambda: dynamodb_write(7),  # type: ignore[arg-type]
        lambda: secret_read(None),  # type: ignore[arg-type]
        lambda: secret_read(""),
        lambda: Grant(("s3:A",), ("*",), {1: object()}),  # type: ignore[dict-item]
    ],
)
def test_what_iam_would_refuse_is_a_spec_error(make: Any) -> None:
    """
    An action without its service, no resource, a name that no bucket has, a wrong type.
    """
    with pytest.raises(SpecError):
        make()


def test_grants_are_written_for_where_the_calls_go() -> None:
    """
    Nothing in a statement stays unknown once the account is known.
    """
    statement = resolve(dynamodb_write("films")[0].statement(), here)
    assert statement["Resource"] == ["arn:aws:dynamodb:us-east-1:123456789012:table/films"]
