"""
Roles as IAM describes them: who may assume one, and what its policies allow.
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

Read = Callable[[Call], Any]
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

    If it isn't *known*, the caller may not read all of that.
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
        statements = _many(self.trust.get("Statement"))
        return any(_lets_assume(statement, service) for statement in statements)

    def allows(self, action: str, resource: str = "*") -> bool:
        """
        Whether its policies, and the boundary of its permissions, allow it.
        """
        # A boundary allows nothing by itself: both must allow an action
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
        return self.within(action, resource) and _allow(self.policies, action, resource)

    def within(self, action: str, resource: str = "*") -> bool:
        """
        Whether the boundary of its permissions allows it.
        """
        return self.boundary is None or _allow([self.boundary], action, resource)


def _lets_assume(statement: Mapping[str, Any], service: str) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    services = _many((statement.get("Principal") or {}).get("Service"))
    return service in services and _any_matches("sts:AssumeRole", statement.get("Action"))


def _allow(policies: Sequence[Mapping[str, Any]], action: str, resource: str) -> bool:
    """
    Whether some statement allows it, and none denies it without a condition.
    """
    # A Deny wins over every Allow.  Whether a condition holds isn't known here: an Allow
    # with one counts, a Deny with one doesn't
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
    allowed = False
    for policy in policies:
        for statement in _many(policy.get("Statement")):
            if not _applies(statement, action, resource):
                continue
            if statement["Effect"] == "Allow":
                allowed = True
            elif not statement.get("Condition"):
                return False
    return allowed


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    return _has_action(statement, action) and _has_resource(statement, resource)


def _has_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not _any_matches(action, statement["NotAction"])
    return _any_matches(action, statement.get("Action"))


def _has_resource(statement: Mapping[str, Any], resource: str) -> bool:
    # "*" asks whether the action is allowed on anything at all.
    if resource == "*" and statement["Effect"] == "Allow":
        return True
    if "NotResource" in statement:
        return not _any_matches(resource, statement["NotResource"])
    return _any_matches(resource, statement.get("Resource", "*"))


def _any_matches(value: str, patterns: Any) -> bool:
    return any(_matches(value, pattern) for pattern in _many(patterns))


def _matches(value: str, pattern: str) -> bool:
    """
    Whether *value* matches a pattern of IAM, in which only * and ? have a meaning.
    """
    escaped = pattern.replace("[", "[[]")
    return fnmatchcase(value.lower(), escaped.lower())


def _many(value: Any) -> list[Any]:
    """
    A field of a policy as a list: IAM takes a single item without brackets.
    """
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value]


def read_role(read: Read, arn: str) -> RoleFacts:
    """
    The role *arn* with its policies.
    """
    name = arn.rpartition("/")[2]
    answer = read(Role.GET(RoleName=name))
    # GetRole takes a name, which is unique in the account; the path is a part of the ARN alone.  A
    # role of that name with another path is another role.
    if answer is None or arn not in (name, answer["Role"].get("Arn", arn)):
        return RoleFacts(arn, there=False, trust={})
    role = answer["Role"]
    policies = [*_managed(read, name), *_inline(read, name)]
    limit = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    boundary = _policy(read, limit) if limit else None
    trust = document(role["AssumeRolePolicyDocument"])
    return RoleFacts(arn, there=True, trust=trust, policies=policies, boundary=boundary)


def _policy(read: Read, arn: str) -> Mapping[str, Any] | None:
    """
    The document of a managed policy, or None if there is none.
    """
    # GetPolicy has no document: it belongs to a version, and the default one is in force.
    policy = read(MANAGED(PolicyArn=arn))
    if not policy:
        return None
    version = read(VERSION(PolicyArn=arn, VersionId=policy["Policy"]["DefaultVersionId"]))
    return document(version["PolicyVersion"]["Document"]) if version else None


def _managed(read: Read, name: str) -> Iterable[Mapping[str, Any]]:
    """
    The managed policies that are attached to the role *name*.
    """
    answer = read(ATTACHED(RoleName=name)) or {}
    for attached in answer.get("AttachedPolicies", ()):
        policy = _policy(read, attached["PolicyArn"])
        if policy is not None:
            yield policy


def _inline(read: Read, name: str) -> Iterable[Mapping[str, Any]]:
    """
    The inline policies of the role *name*.
    """
    answer = read(INLINE(RoleName=name)) or {}
    for policy in answer.get("PolicyNames", ()):
        inline = read(DOCUMENT(RoleName=name, PolicyName=policy))
        if inline:
            yield document(inline["PolicyDocument"])


def document(given: Any) -> Mapping[str, Any]:
    """
    A policy document, which botocore gives decoded, and moto sometimes as text.
    """
    return dict(json.loads(unquote(given))) if isinstance(given, str) else dict(given or {})
