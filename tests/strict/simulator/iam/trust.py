"""
Who may use a role, and from when on; the roles that AWS makes for its services.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from ..account import Account
from ..rules import declare

declare((48, "D", "a role and its policies work for other services only after some seconds"))

LINKED = {
    "batch.amazonaws.com": "AWSServiceRoleForBatch",
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
}


def role_name(arn: str) -> str:
    """
    The name at the end of a role's ARN.
    """
    return arn.rpartition("/")[2]


def role_of(account: Account, arn: str) -> dict[str, Any] | None:
    """
    The role with that ARN, if there is one.
    """
    try:
        role: dict[str, Any] = account.raw("iam").get_role(RoleName=role_name(arn))["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
    return role if role["Arn"] == arn else None


def assumable(account: Account, arn: str, service: str) -> bool:
    """
    Whether *service* may assume the role by now.
    """
    role = role_of(account, arn)
    if role is None:
        return False
    if _fresh(account, "role", role_name(arn)) or _fresh(account, "trust", role_name(arn)):
        return False
    return any(
        statement.get("Effect") == "Allow" and service in _services(statement)
        for statement in statements(role["AssumeRolePolicyDocument"])
    )


def authorised(account: Account, arn: str, action: str, delay: str = "iam", on: str = "") -> bool:
    """
    Whether the role has had the permission for *action* long enough, *on* a resource if given.
    """
    return any(
        statement.get("Effect") == "Allow"
        and any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement["Action"]))
        for document in _documents(account, role_name(arn), delay)
        for statement in statements(document)
        if "Action" in statement
        and (not on or any(fnmatchcase(on, each) for each in listed(statement["Resource"])))
    )


def _fresh(account: Account, kind: str, id: str, delay: str = "iam") -> bool:
    return account.younger(kind, id, delay) and account.hit(48)


def _documents(account: Account, role: str, delay: str) -> Iterator[Any]:
    iam = account.raw("iam")
    try:
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    except iam.exceptions.NoSuchEntityException:
        return
    for name in names:
        if not _fresh(account, "policy", f"{role}/{name}", delay):
            yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for arn in [each["PolicyArn"] for each in attached]:
        if not _fresh(account, "policy", f"{role}/{arn}", delay):
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            held = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            yield held["PolicyVersion"]["Document"]


def statements(document: Any) -> list[dict[str, Any]]:
    """
    The statements of a policy document, parsed or not.
    """
    parsed = json.loads(document) if isinstance(document, str) else document
    return listed(parsed.get("Statement", []))


def listed(value: Any) -> list[Any]:
    """
    *value*, as a list of one if it is none.
    """
    return value if isinstance(value, list) else [value]


def _services(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return listed(principal.get("Service", [])) if isinstance(principal, dict) else []


def linked_role(account: Account, service: str) -> str:
    """
    The ARN that the service-linked role of *service* has or would have.
    """
    path = f"aws-service-role/{service}/{LINKED[service]}"
    return f"arn:{account.partition}:iam::{account.id}:role/{path}"


def make_linked_role(account: Account, service: str) -> None:
    """
    Have AWS make the service-linked role of *service*, if there is none.
    """
    if role_of(account, linked_role(account, service)) is not None:
        return
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    account.raw("iam").create_role(
        RoleName=LINKED[service],
        Path=f"/aws-service-role/{service}/",
        AssumeRolePolicyDocument=json.dumps(trust),
    )
    account.add("linked role", LINKED[service])
