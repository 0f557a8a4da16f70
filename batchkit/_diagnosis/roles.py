"""
Roles as IAM holds them: who may assume one, and what its policies allow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote

from attrs import frozen

from batchkit._model.calls import Call, Operation
from batchkit.resources.iam import Role

Reader = Callable[[Call], Any]
ATTACHED: Final = Operation("iam", "ListAttachedRolePolicies", absent=("NoSuchEntity",))
# The policies of roles may be AWS's or anybody's in the account.
MANAGED: Final = Operation("iam", "GetPolicy", wide=True, absent=("NoSuchEntity",))
VERSION: Final = Operation("iam", "GetPolicyVersion", wide=True, absent=("NoSuchEntity",))
INLINE: Final = Operation("iam", "ListRolePolicies", absent=("NoSuchEntity",))
DOCUMENT: Final = Operation("iam", "GetRolePolicy", absent=("NoSuchEntity",))
OPERATIONS: Final = (Role.GET, ATTACHED, MANAGED, VERSION, INLINE, DOCUMENT)


@frozen
class RoleFacts:
    """
    A role: whether it is *there*, its *trust*, the *policies* that it has, and the *boundary* of
    its permissions.

    If it isn't *known*, the caller may not look at all of that.
    """

    arn: str
    there: bool
    trust: Mapping[str, Any]
    policies: Sequence[Mapping[str, Any]] = ()
    known: bool = True
    boundary: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """
        Its name, without the path.
        """
        return self.arn.rpartition("/")[2]

    def trusts(self, service: str) -> bool:
        """
        Whether *service* may assume it; conditions are taken to hold.
        """
        return any(
            one.get("Effect") == "Allow"
            and service in _many((one.get("Principal") or {}).get("Service"))
            and any(_matches("sts:AssumeRole", action) for action in _many(one.get("Action")))
            for one in _many(self.trust.get("Statement"))
        )

    def allows(self, action: str, resource: str = "*") -> bool:
        """
        Whether its policies, and the boundary of its permissions, allow it.
        """
        return self.within(action, resource) and _allow(self.policies, action, resource)

    def within(self, action: str, resource: str = "*") -> bool:
        """
        Whether the boundary of its permissions allows it.
        """
        return self.boundary is None or _allow([self.boundary], action, resource)


def _allow(policies: Sequence[Mapping[str, Any]], action: str, resource: str) -> bool:
    """
    Whether some statement allows it, and none denies it without a condition.
    """
    statements = [one for policy in policies for one in _many(policy.get("Statement"))]
    hits = [one for one in statements if _applies(one, action, resource)]
    denied = any(one["Effect"] == "Deny" and not one.get("Condition") for one in hits)
    return not denied and any(one["Effect"] == "Allow" for one in hits)


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not any(_matches(action, one) for one in _many(statement["NotAction"]))
    else:
        acts = any(_matches(action, one) for one in _many(statement.get("Action")))
    if "NotResource" in statement:
        within = not any(_matches(resource, one) for one in _many(statement["NotResource"]))
    else:
        within = any(_matches(resource, one) for one in _many(statement.get("Resource", "*")))
    return acts and (within or (resource == "*" and statement["Effect"] == "Allow"))


def _matches(value: str, pattern: str) -> bool:
    escaped = pattern.replace("[", "[[]")
    return fnmatchcase(value.lower(), escaped.lower())


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def read_role(reader: Reader, arn: str) -> RoleFacts:
    """
    The role *arn* with its policies.
    """
    name = arn.rpartition("/")[2]
    answer = reader(Role.GET(RoleName=name))
    if answer is None or arn not in (name, answer["Role"].get("Arn", arn)):
        return RoleFacts(arn, there=False, trust={})
    role = answer["Role"]
    policies = [*_managed(reader, name), *_inline(reader, name)]
    limit = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    boundary = _policy(reader, limit) if limit else None
    trust = document(role["AssumeRolePolicyDocument"])
    return RoleFacts(arn, True, trust, policies, boundary=boundary)


def _policy(reader: Reader, arn: str) -> Mapping[str, Any] | None:
    """
    The document of a managed policy, or None if there is none.
    """
    policy = reader(MANAGED(PolicyArn=arn))
    version = policy and policy["Policy"]["DefaultVersionId"]
    actual = reader(VERSION(PolicyArn=arn, VersionId=version)) if version else None
    return document(actual["PolicyVersion"]["Document"]) if actual else None


def _managed(reader: Reader, name: str) -> Iterable[Mapping[str, Any]]:
    answer = reader(ATTACHED(RoleName=name)) or {}
    actual = (_policy(reader, one["PolicyArn"]) for one in answer.get("AttachedPolicies", ()))
    return [one for one in actual if one is not None]


def _inline(reader: Reader, name: str) -> Iterable[Mapping[str, Any]]:
    answer = reader(INLINE(RoleName=name)) or {}
    for policy in answer.get("PolicyNames", ()):
        actual = reader(DOCUMENT(RoleName=name, PolicyName=policy))
        if actual:
            yield document(actual["PolicyDocument"])


def document(given: Any) -> Mapping[str, Any]:
    """
    A policy document, which botocore gives decoded, and moto sometimes as text.
    """
    return dict(json.loads(unquote(given))) if isinstance(given, str) else dict(given or {})
