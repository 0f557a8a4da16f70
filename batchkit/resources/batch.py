"""
AWS Batch: what compute environments and job queues have in common.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeVar

from attrs import frozen

from batchkit._model.calls import WAIT_STABLE, NotYet, Operation, Steps
from batchkit._model.checks import a_bool, checked, text
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import tag_fields

B = TypeVar("B", bound="BatchResource")

NAME = text(
    r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}",
    "1-128 letters, digits, _ or -, starting with a letter or digit",
)
ROLE = text(r"arn:.+:role/.+", "a role's ARN")
# Batch answers nearly every refusal with ClientException, so a part of the message decides.

# While a status is CREATING, UPDATING or DELETING, every change is refused: "resource is being
# modified".
MODIFIED: Final = NotYet("ClientException", 600, "being modified")
# For up to a minute after its queue is gone, an environment can't be deleted: "found existing
# JobQueue relationship".
RELATED: Final = NotYet("ClientException", 300, "relationship")
# A role made moments ago can't be passed yet
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html).
PASS_ROLE: Final = NotYet("AccessDeniedException", 30, "iam:passrole")
# The first environment of an account makes ECS's service-linked role, which takes some seconds:
# "Unable to assume the service linked role".
UNLINKED: Final = NotYet("ClientException", 300, "service linked role")
# IAM is eventually consistent: EC2 learns of an instance profile some seconds after its creation
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html).
YOUNG_PROFILE: Final = NotYet("ClientException", 120, "instance profile")
# A queue takes only environments that are VALID, and may learn of that later than a read.
NOT_VALID: Final = NotYet("ClientException", 300, "valid before attaching")
LIST_JOBS: Final = Operation("batch", "ListJobs", wide=True)
DUPLICATE: Final = "ClientException: already exists"
MISSING: Final = "ClientException: does not exist"


@frozen(kw_only=True)
class BatchResource(Resource):
    """
    What Batch knows by name and gives a status.
    """

    # Every change is asynchronous: the status goes through CREATING, UPDATING or DELETING, and ends
    # at VALID or INVALID
    # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeEnvironmentDetail.html).

    DESCRIBE: ClassVar[Operation]
    LISTED: ClassVar[str]
    NAMED: ClassVar[str]
    PARAMETER: ClassVar[str]
    DISABLE: ClassVar[Operation]
    DELETE: ClassVar[Operation]
    TAG: ClassVar = Operation("batch", "TagResource")
    UNTAG: ClassVar = Operation("batch", "UntagResource")
    READY: ClassVar = ("VALID",)
    FAILED: ClassVar = ("INVALID",)
    DELETING: ClassVar = ("DELETING", "DELETED")
    TIMEOUT: ClassVar = 1200

    name: str = checked(NAME)
    enabled: bool = checked(a_bool(), default=True)
    arn: str = read_only()

    @classmethod
    def find(cls: type[B], stack: str, reader: Reader) -> Iterable[B]:
        found = (cls.parse(one) for one in cls._listed(reader))
        return [actual for actual in found if actual.owner == stack]

    def read(self: B, reader: Reader) -> B | None:
        for one in self._listed(reader):
            if one[self.NAMED] == self.name and one["status"] != "DELETED":
                return self.parse(one, self.stack)
        return None

    @classmethod
    def _listed(cls, reader: Reader) -> list[Mapping[str, Any]]:
        # All of them: a region has at most 50 of each, and one answer serves every read
        # (https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html).
        return list(reader(cls.DESCRIBE())[cls.LISTED])

    @classmethod
    def parse(cls: type[B], answer: Mapping[str, Any], stack: str = "") -> B:
        """
        The resource that one item of the answer to DESCRIBE describes.
        """
        raise NotImplementedError

    @classmethod
    def common(cls, answer: Mapping[str, Any], stack: str) -> dict[str, Any]:
        """
        The fields that compute environments and queues share.
        """
        return {
            **tag_fields(answer.get("tags"), name=answer[cls.NAMED], stack=stack),
            "enabled": answer["state"] == "ENABLED",
            "state": answer["status"],
            "reason": answer.get("statusReason", ""),
        }

    @property
    def switch(self) -> str:
        """
        The state that stands for *enabled* in Batch.
        """
        return "ENABLED" if self.enabled else "DISABLED"

    def before_delete(self) -> Steps:
        # Batch deletes neither a queue nor an environment that is ENABLED
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html).
        if self.enabled:
            yield self.DISABLE(**{self.PARAMETER: self.name}, state="DISABLED")
            yield WAIT_STABLE

    def retry_delete(self: B, actual: B) -> Steps | None:
        # A deletion that has failed leaves it INVALID: its role may have been too young, or a job
        # may not have ended yet.  It never goes on by itself.
        return iter((self.DELETE(**{self.PARAMETER: self.name}),))

    def tag(self, actual: Resource, drift: Collection[str]) -> Steps:
        """
        The calls that bring the tags to what is desired, if they differ.
        """
        if "tags" in drift:
            tag = self.TAG(resourceArn=actual.identity, tags=self.all_tags)
            untag = self.UNTAG(resourceArn=actual.identity, tagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)
