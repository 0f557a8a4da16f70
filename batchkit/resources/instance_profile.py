"""
IAM: instance profiles, by which EC2 instances act as a role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import WAIT_VISIBLE, NotYet, Operation, Steps
from batchkit._model.checks import checked, text
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import OWNER, as_list, parse, tag_fields
from batchkit._model.users import Use
from batchkit._model.values import Arn
from batchkit.resources.iam import FRESH_ROLE
from batchkit.resources.iam_paths import is_here, path_of

_MISSING: Final = ("NoSuchEntity",)


@frozen(kw_only=True)
class InstanceProfile(Resource):
    """
    An instance profile that holds *role*: the instances that have it act as that role.

    Args:
        role: The name of the role, which EC2 may assume.
    """

    COMES_AFTER: ClassVar = ("Role",)
    LIST: ClassVar = Operation("iam", "ListInstanceProfiles", wide=True)
    # As with roles, IAM has no ARN for a profile that isn't there.
    GET: ClassVar = Operation("iam", "GetInstanceProfile", wide=True, absent=_MISSING)
    CREATE: ClassVar = Operation(
        "iam", "CreateInstanceProfile", ("iam:TagInstanceProfile",), exists=("EntityAlreadyExists",)
    )
    # A profile holds one role.  Where another caller has just put it in, IAM refuses to do it again
    # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html).
    ADD: ClassVar = Operation(
        "iam",
        "AddRoleToInstanceProfile",
        ("iam:PassRole",),
        absent=("LimitExceeded", "EntityAlreadyExists"),
        not_yet=FRESH_ROLE,
    )
    REMOVE: ClassVar = Operation("iam", "RemoveRoleFromInstanceProfile", absent=_MISSING)
    TAG: ClassVar = Operation("iam", "TagInstanceProfile")
    UNTAG: ClassVar = Operation("iam", "UntagInstanceProfile")
    # The role was taken out a moment ago, and IAM may not see it in this call yet.
    DELETE: ClassVar = Operation(
        "iam", "DeleteInstanceProfile", absent=_MISSING, not_yet=(NotYet("DeleteConflict", 60),)
    )

    name: str = checked(text(r"[\w+=,.@-]{1,128}", "1-128 letters, digits or _+=,.@-"))
    role: str = checked(text(r"[\w+=,.@-]{1,64}", "a role's name"))
    arn: str = read_only("InstanceProfile.Arn")

    @property
    def path(self) -> str:
        """
        Its IAM path, which names its owner.
        """
        return path_of(self.stack)

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return (Arn("iam", f"instance-profile{path_of(stack)}*", region=False),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[InstanceProfile]:
        for one in cls._listed(stack, reader):
            if is_here(one["InstanceProfileName"], reader.scope.region):
                yield cls._parse(one, stack)

    def read(self, reader: Reader) -> InstanceProfile | None:
        # ListInstanceProfiles leaves out the tags
        # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html).
        answer = reader(self.GET(InstanceProfileName=self.name))
        return None if answer is None else self._parse(answer["InstanceProfile"], self.stack)

    @classmethod
    def _listed(cls, stack: str, reader: Reader) -> list[Mapping[str, Any]]:
        listed = reader(cls.LIST(PathPrefix=path_of(stack)))["InstanceProfiles"]
        return [one for one in listed if one["Path"] == path_of(stack)]

    @classmethod
    def _parse(cls, answer: Mapping[str, Any], stack: str) -> InstanceProfile:
        name = answer["InstanceProfileName"]
        by_path = {OWNER: stack} if answer["Path"] == path_of(stack) else {}
        return cls(
            **tag_fields({**by_path, **parse(answer.get("Tags"))}, name=name, stack=stack),
            role=next((role["RoleName"] for role in answer["Roles"]), ""),
            arn=answer["Arn"],
        )

    def refers_to(self) -> Iterator[Use]:
        yield "Role", self.role

    def create(self) -> Steps:
        yield self.CREATE(
            InstanceProfileName=self.name, Path=self.path, Tags=as_list(self.all_tags)
        )
        yield from self._add()

    def update(self, actual: InstanceProfile, drift: Collection[str]) -> Steps:
        if "role" in drift:
            yield from actual.empty()
            yield from self._add()
        if "tags" in drift:
            tag = self.TAG(InstanceProfileName=self.name, Tags=as_list(self.all_tags))
            untag = self.UNTAG(InstanceProfileName=self.name, TagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        # IAM deletes no profile that holds a role, and no role that is in a profile
        # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html).
        yield from self.empty()
        yield self.DELETE(InstanceProfileName=self.name)

    def empty(self) -> Steps:
        """
        The step that takes the role out of it, if it holds one.
        """
        if self.role:
            yield self.REMOVE(InstanceProfileName=self.name, RoleName=self.role)

    def _add(self) -> Steps:
        yield self.ADD(InstanceProfileName=self.name, RoleName=self.role)
        # IAM is eventually consistent: an environment whose profile holds no role yet is INVALID
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html).
        yield WAIT_VISIBLE
