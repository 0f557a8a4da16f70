"""
IAM: roles with their trust, the managed policies attached to them and one inline policy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import Factory, evolve, frozen

from batchkit._model.calls import ForEach, NotYet, Operation, Parallel, Steps
from batchkit._model.checks import as_set, checked, each, instance, optional, require, text, whole
from batchkit._model.properties import read_only, write_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import OWNER, as_list, parse, tag_fields
from batchkit._model.users import Use
from batchkit._model.values import ITEM, Arn, Json
from batchkit.errors import Problem
from batchkit.grants import Grant, flatten, policy_fits
from batchkit.resources.iam_documents import UNKNOWN, canonical, grants_in, trust
from batchkit.resources.iam_paths import is_here, path_of

POLICY: Final = "batchkit"
"""The name of the one inline policy; others on the role are left alone until it is deleted."""
# IAM is eventually consistent: the next call may not know a role that was just made
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html).
FRESH_ROLE: Final = (NotYet("NoSuchEntity", 30),)


def aws_managed(name: str) -> Arn:
    """
    The policy *name* that AWS manages, such as `service-role/AWSBatchServiceRole`.
    """
    require(
        "aws_managed", "name", name, text(r"[\w+=,.@/-]{1,512}", "a policy's name, with its path")
    )
    return Arn("iam", f"policy/{name}", region=False, account="aws")


def _flattened(value: Any) -> Any:
    """
    Grants in one order; a named grant is a tuple of statements.
    """
    return as_set(flatten(value))


def _policy_fits(role: Any) -> Iterator[Problem]:
    yield from policy_fits("grants", role.grants)


@frozen(kw_only=True)
class Role(Resource):
    """
    A role that *service* may assume, with managed policies attached and *grants* inline.

    Args:
        service: The principal, such as `ecs-tasks.amazonaws.com`.
        managed: ARNs of the managed policies that are attached, and no others; None to leave
            them alone.
        grants: The statements of its inline policy; None to leave it alone.
        boundary: The ARN of a permissions boundary.
        session_seconds: How long a session of it may last.
    """

    RULES = (_policy_fits,)
    # IAM has no ARN for a role that isn't there, and denies the call to whoever may make it only
    # for some roles (https://github.com/keikoproj/iam-manager/pull/35).
    GET: ClassVar = Operation("iam", "GetRole", wide=True, absent=("NoSuchEntity",))
    ATTACHED: ClassVar = Operation("iam", "ListAttachedRolePolicies", absent=("NoSuchEntity",))
    INLINE: ClassVar = Operation("iam", "GetRolePolicy", absent=("NoSuchEntity",))
    LIST: ClassVar = Operation("iam", "ListRoles", wide=True)
    LIST_INLINE: ClassVar = Operation("iam", "ListRolePolicies", absent=("NoSuchEntity",))
    CREATE: ClassVar = Operation(
        "iam", "CreateRole", ("iam:TagRole",), exists=("EntityAlreadyExists",)
    )
    UPDATE: ClassVar = Operation("iam", "UpdateRole")
    TRUST: ClassVar = Operation("iam", "UpdateAssumeRolePolicy")
    ATTACH: ClassVar = Operation("iam", "AttachRolePolicy", not_yet=FRESH_ROLE)
    DETACH: ClassVar = Operation("iam", "DetachRolePolicy", absent=("NoSuchEntity",))
    PUT_INLINE: ClassVar = Operation("iam", "PutRolePolicy", not_yet=FRESH_ROLE)
    DELETE_INLINE: ClassVar = Operation("iam", "DeleteRolePolicy", absent=("NoSuchEntity",))
    PUT_BOUNDARY: ClassVar = Operation("iam", "PutRolePermissionsBoundary")
    DELETE_BOUNDARY: ClassVar = Operation("iam", "DeleteRolePermissionsBoundary")
    TAG: ClassVar = Operation("iam", "TagRole")
    UNTAG: ClassVar = Operation("iam", "UntagRole")
    # The policies were detached a moment ago, and IAM may not see it in this call yet.
    DELETE: ClassVar = Operation(
        "iam", "DeleteRole", absent=("NoSuchEntity",), not_yet=(NotYet("DeleteConflict", 60),)
    )

    name: str = checked(text(r"[\w+=,.@-]{1,64}", "1-64 letters, digits or _+=,.@-"))
    service: str = write_only(text(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", "a service principal"))
    trust: Mapping[str, Any] = checked(
        default=Factory(lambda self: trust(self.service), takes_self=True), converter=canonical
    )
    managed: Sequence[str | Arn] | None = checked(
        optional(each(text(r"arn:.+", "a policy's ARN"), most=10)), default=(), converter=as_set
    )
    grants: Sequence[Grant] | None = checked(
        optional(each(instance(Grant, expects="a grant such as s3_read(...)"))),
        default=(),
        converter=_flattened,
    )
    boundary: str | Arn | None = checked(optional(text(r"arn:.+", "a policy's ARN")), default=None)
    session_seconds: int = checked(whole(3600, 43200, "seconds"), default=3600)
    arn: str = read_only("Role.Arn")

    @property
    def path(self) -> str:
        """
        Its IAM path, which names its owner.
        """
        return path_of(self.stack)

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return (Arn("iam", f"role{path_of(stack)}*", region=False),)

    def assumed_by(self) -> Collection[str]:
        return (self.service,)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Role]:
        listed = reader(cls.LIST(PathPrefix=path_of(stack)))["Roles"]
        for role in (one for one in listed if one["Path"] == path_of(stack)):
            name = role["RoleName"]
            if is_here(name, reader.scope.region):
                any_service = "batch.amazonaws.com"
                desired = cls(
                    name=name, stack=stack, service=any_service, managed=None, grants=None
                )
                yield desired._parse(role, {})

    def read(self, reader: Reader) -> Role | None:
        # ListRoles leaves out the tags and the boundary
        # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html).
        own = self.GET(RoleName=self.name)
        calls = {"listed": self.LIST(PathPrefix=self.path), "own": own}
        if self.managed is not None:
            calls["attached"] = self.ATTACHED(RoleName=self.name)
        if self.grants is not None:
            calls["inline"] = self.INLINE(RoleName=self.name, PolicyName=POLICY)
        # IAM has no ARN for a role that isn't there, so it may refuse to tell of its policies.
        found = reader.all(*calls.values(), exists=self._listed)
        answers = dict(zip(calls, found, strict=True))
        # What isn't in the stack's path may be another's, of the same name.
        held = answers["own"] or reader(own)
        return None if held is None else self._parse(held["Role"], answers)

    def _listed(self, answer: Any) -> Mapping[str, Any] | None:
        return next((one for one in answer["Roles"] if one["RoleName"] == self.name), None)

    def _parse(self, role: Mapping[str, Any], answers: Mapping[str, Any]) -> Role:
        by_path = {OWNER: self.stack} if role["Path"] == self.path else {}
        attached = (answers.get("attached") or {}).get("AttachedPolicies", ())
        return Role(
            **tag_fields({**by_path, **parse(role.get("Tags"))}, name=self.name, stack=self.stack),
            service=self.service,
            trust=role["AssumeRolePolicyDocument"],
            managed=None if self.managed is None else [one["PolicyArn"] for one in attached],
            grants=None if self.grants is None else grants_in(answers["inline"]),
            boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            session_seconds=role.get("MaxSessionDuration", 3600),
            arn=role["Arn"],
        )

    def widened(self, actual: Role, at_work: Collection[Use]) -> Role:
        # A boundary isn't widened: it is the limit that the account sets, whoever is at work.
        known = [grant for grant in actual.grants or () if grant != UNKNOWN]
        grants = None if self.grants is None else [*self.grants, *known]
        managed = None if self.managed is None else [*self.managed, *(actual.managed or ())]
        return evolve(self, grants=grants, managed=managed)

    def create(self) -> Steps:
        boundary = {"PermissionsBoundary": self.boundary} if self.boundary else {}
        yield self.CREATE(
            RoleName=self.name,
            Path=self.path,
            AssumeRolePolicyDocument=Json(self.trust),
            MaxSessionDuration=self.session_seconds,
            Tags=as_list(self.all_tags),
            **boundary,
        )
        for policy in self.managed or ():
            yield self.ATTACH(RoleName=self.name, PolicyArn=policy)
        if self.grants:
            yield self._put()

    def update(self, actual: Role, drift: Collection[str]) -> Steps:
        # First, as the caller may be allowed to give policies only to roles that have it.
        if "boundary" in drift:
            yield self._set_boundary()
        if "trust" in drift:
            yield self.TRUST(RoleName=self.name, PolicyDocument=Json(self.trust))
        if "session_seconds" in drift:
            yield self.UPDATE(RoleName=self.name, MaxSessionDuration=self.session_seconds)
        if "managed" in drift:
            yield from self._attach(actual)
        if "grants" in drift:
            # A policy document needs at least one statement, so without grants there is no policy
            # (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
            yield self._put() if self.grants else self._delete_inline()
        if "tags" in drift:
            tag = self.TAG(RoleName=self.name, Tags=as_list(self.all_tags))
            untag = self.UNTAG(RoleName=self.name, TagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        # IAM deletes no role that has policies, and those of others count too
        # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html).
        detach = self.DETACH(RoleName=self.name, PolicyArn=ITEM)
        delete = self.DELETE_INLINE(RoleName=self.name, PolicyName=ITEM)
        managed = ForEach(self.ATTACHED(RoleName=self.name), "AttachedPolicies[].PolicyArn", detach)
        yield Parallel(
            (managed, ForEach(self.LIST_INLINE(RoleName=self.name), "PolicyNames", delete))
        )
        yield self.DELETE(RoleName=self.name)

    def _attach(self, actual: Role) -> Steps:
        desired, attached = self.managed or (), actual.managed or ()
        for policy in desired:
            if policy not in attached:
                yield self.ATTACH(RoleName=self.name, PolicyArn=policy)
        for policy in attached:
            if policy not in desired:
                yield self.DETACH(RoleName=self.name, PolicyArn=policy)

    def _set_boundary(self) -> Any:
        if self.boundary is None:
            return self.DELETE_BOUNDARY(RoleName=self.name)
        return self.PUT_BOUNDARY(RoleName=self.name, PermissionsBoundary=self.boundary)

    def _put(self) -> Any:
        statements = [grant.statement() for grant in self.grants or ()]
        document = {"Version": "2012-10-17", "Statement": statements}
        return self.PUT_INLINE(RoleName=self.name, PolicyName=POLICY, PolicyDocument=Json(document))

    def _delete_inline(self) -> Any:
        return self.DELETE_INLINE(RoleName=self.name, PolicyName=POLICY)
