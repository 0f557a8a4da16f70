"""
IAM's policy documents: trust policies, and what an inline policy allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchkit._model.values import ACCOUNT
from batchkit.errors import SpecError
from batchkit.grants import Grant

UNKNOWN: Final = Grant(("unknown:*",), ("*",))
"""What stands for a statement that batchkit can't have written."""


def trust(service: str) -> dict[str, Any]:
    """
    A trust policy for *service*, acting for this account only.

    Without the condition another account could have the service use the role (the confused deputy,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    # EC2 isn't among the services that are said to send the account, and an instance that can't
    # assume its role never joins its cluster, without a word.
    if not service.startswith("ec2."):
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def canonical(document: Any) -> Any:
    """
    A policy document in one form, so that what IAM returns can be compared.

    IAM may return a list of one item as the item, and a list in another order: both mean the same.
    """
    if isinstance(document, Mapping):
        return {key: canonical(document[key]) for key in sorted(document)}
    if isinstance(document, (list, tuple)):
        items = sorted((canonical(item) for item in document), key=repr)
        return items[0] if len(items) == 1 else items
    return document


def grants_in(answer: Any) -> tuple[Grant, ...]:
    """
    The statements of an inline policy; one that batchkit can't have written counts as drift.
    """
    if answer is None:
        return ()
    statements = answer["PolicyDocument"]["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    return tuple(map(_grant, listed))


def _grant(statement: Mapping[str, Any]) -> Grant:
    try:
        return Grant(
            _listed(statement["Action"]),
            _listed(statement["Resource"]),
            statement.get("Condition", {}),
            statement["Effect"],
        )
    except (KeyError, SpecError):
        return UNKNOWN


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
