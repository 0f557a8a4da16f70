"""
What a job may do: named statements of its role's policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from batchkit._model.checks import (
    Checked,
    Constraint,
    as_dict,
    as_set,
    checked,
    each,
    one_of,
    require,
    text,
)
from batchkit._model.secret_arn import SecretArn
from batchkit._model.values import Arn, Scope, is_json, resolve
from batchkit.errors import Problem

MOST_POLICY: Final = 10_240
"""
Characters of a role's inline policies together
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""
_ACTION = text(r"\*|[a-zA-Z0-9-]+:[A-Za-z0-9*?]+", "an IAM action such as 's3:GetObject'")
_RESOURCE = text(r"\*|arn:.+", "'*' or an ARN")
_BUCKET = text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name")
_KEY = text(r"(?s).{1,1024}", "a key, or a pattern of keys with *")
_TABLE = text(r"[a-zA-Z0-9_.-]{3,255}", "a table's name")
_SECRET = text(r"[\w/+=.@-]{1,512}|arn:.+", "a secret's name or ARN")
_KMS_KEY = text(
    r"(arn:[\w-]+:kms:[\w-]+:\d+:)?alias/[\w/-]{1,250}"
    r"|(arn:[\w-]+:kms:[\w-]+:\d+:key/)?[\w-]{1,256}",
    "a key's id, alias/... or the ARN of either",
)
_CONDITIONS = Constraint(
    "IAM's conditions: operators with keys and their values",
    lambda value: is_json(value) and all(isinstance(item, Mapping) for item in value.values()),
)


@frozen
class Grant(Checked):
    """
    A statement of a policy: *actions* on *resources*, under *conditions*.
    """

    actions: tuple[str, ...] = checked(each(_ACTION, least=1), converter=as_set)
    resources: tuple[str | Arn, ...] = checked(each(_RESOURCE, least=1), converter=as_set)
    conditions: Mapping[str, Any] = checked(_CONDITIONS, factory=dict, converter=as_dict)
    effect: str = checked(one_of("Allow", "Deny"), default="Allow")

    def statement(self) -> dict[str, Any]:
        """
        The statement in the form that IAM takes.
        """
        conditions = {"Condition": self.conditions} if self.conditions else {}
        return {
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **conditions,
        }


def allow(
    actions: str | tuple[str, ...] | list[str],
    resources: str | Arn | tuple[str | Arn, ...] | list[str | Arn] = "*",
) -> Grant:
    """
    Any *actions* on any *resources*, for what no named grant covers.
    """
    return Grant(_many(actions), _many(resources))


def s3_read(bucket: str, key: str = "*") -> tuple[Grant, Grant]:
    """
    Reading the objects of *bucket* that *key* matches, and listing the bucket.

    Without s3:ListBucket, S3 answers 403 instead of 404 for a key that doesn't exist
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
    """
    # ListBucket is authorized on the bucket, GetObject on its objects
    # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html).
    return allow("s3:ListBucket", _bucket(bucket)), allow("s3:GetObject", _objects(bucket, key))


def s3_write(bucket: str, key: str = "*") -> tuple[Grant, ...]:
    """
    Writing the objects of *bucket* that *key* matches, in one or many parts.
    """
    # Each part of a multipart upload is authorized as s3:PutObject; only to abort one needs more
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
    return (allow(("s3:PutObject", "s3:AbortMultipartUpload"), _objects(bucket, key)),)


def dynamodb_read(table: str) -> tuple[Grant, ...]:
    """
    Reading the items of *table* and of its indexes.
    """
    # An index has an ARN of its own, below that of its table
    # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
    actions = ("BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan")
    return (allow(_dynamodb(actions), (_table(table), _table(table, "/index/*"))),)


def dynamodb_write(table: str) -> tuple[Grant, ...]:
    """
    Writing items of *table*; not reading or deleting them.
    """
    actions = ("BatchWriteItem", "DescribeTable", "PutItem", "UpdateItem")
    return (allow(_dynamodb(actions), _table(table)),)


def secret_read(name: str) -> tuple[Grant, ...]:
    """
    Reading the secret *name* of Secrets Manager.
    """
    require("grant", "name", name, _SECRET)
    # Secrets Manager adds six random characters to the name in the ARN
    # (https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html).
    if name.startswith("arn:"):
        return (allow("secretsmanager:GetSecretValue", SecretArn.parse(name).resources),)
    return (allow("secretsmanager:GetSecretValue", Arn("secretsmanager", f"secret:{name}-??????")),)


def secrets_read(values: Iterable[str]) -> list[Grant]:
    """
    Reading the secrets and parameters that a job's variables have their *values* from.
    """
    readable: dict[str, set[str]] = {}
    for secret in map(SecretArn.parse, values):
        readable.setdefault(secret.action, set()).update(secret.resources)
    return [allow(action, tuple(arns)) for action, arns in sorted(readable.items())]


def kms_decrypt(key: str) -> tuple[Grant, ...]:
    """
    Decrypting with *key* of KMS, given by its id, its ARN or an alias such as `alias/films`.
    """
    require("grant", "key", key, _KMS_KEY)
    before, found, alias = key.partition("alias/")
    if not found:
        return (
            allow("kms:Decrypt", key if before.startswith("arn:") else Arn("kms", f"key/{key}")),
        )
    # A policy names keys, and an alias only in a condition
    # (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
    keys = f"{before}key/*" if before else Arn("kms", "key/*")
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{alias}"}}
    return (Grant(("kms:Decrypt",), (keys,), named),)


def _bucket(bucket: str) -> Arn:
    return Arn("s3", _named(bucket), region=False, account=False)


def _objects(bucket: str, key: str) -> Arn:
    require("grant", "key", key, _KEY)
    return Arn("s3", f"{_named(bucket)}/{key.lstrip('/')}", region=False, account=False)


def _named(bucket: str) -> str:
    require("grant", "bucket", bucket, _BUCKET)
    return bucket


def _table(table: str, below: str = "") -> Arn:
    require("grant", "table", table, _TABLE)
    return Arn("dynamodb", f"table/{table}{below}")


def _dynamodb(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"dynamodb:{name}" for name in names)


def _many(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def flatten(value: Any) -> Any:
    """
    Grants as one flat tuple; a named grant is a tuple of statements.
    """
    if not isinstance(value, (tuple, list)):
        return value
    flat: list[Any] = []
    for item in value:
        flat.extend(item if isinstance(item, (tuple, list)) else (item,))
    return tuple(flat)


def policy_fits(field: str, grants: Any) -> Iterator[Problem]:
    """
    What is wrong with the size of the inline policy that *grants* amount to.

    ARNs count as in a region with a short name: what is refused fits nowhere.
    """
    statements = [grant.statement() for grant in grants or ()]
    document = resolve({"Version": "2012-10-17", "Statement": statements}, _somewhere)
    size = len(json.dumps(document, separators=(",", ":"), default=repr))
    if size > MOST_POLICY:
        expects = f"statements of at most {MOST_POLICY} characters together, as JSON"
        yield Problem(field, f"{size} characters", expects)


def _somewhere(placeholder: Any) -> Any:
    scope = Scope("aws", "us-east-1", "0" * 12)
    return scope.arn(placeholder) if isinstance(placeholder, Arn) else repr(placeholder)
