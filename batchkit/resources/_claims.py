"""
Claims: which of several twins stays, where AWS has no natural key.

Two callers that make the same VPC at once both succeed, and each may list its own before the
other's.  What decides is a name that only one of them can take: an empty log group, tagged with the
id of the twin that stays.  CloudWatch Logs is consistent about names, and charges nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from batchkit._calls import Arn, Call, Job, NotYet, Operation, Ref
from batchkit._failures import AlreadyThere
from batchkit._resource import Ask, Resource, digest
from batchkit._tags import CLAIM, OWNER, parse

_NOT_FOUND: Final = "ResourceNotFoundException"
_BUSY: Final = (NotYet("OperationAbortedException", 60),)
TAKE: Final = Operation(
    "logs",
    "CreateLogGroup",
    ("logs:TagResource",),
    exists=("ResourceAlreadyExistsException",),
    not_yet=_BUSY,
)
LOOK: Final = Operation("logs", "ListTagsForResource", absent=(_NOT_FOUND,))
DROP: Final = Operation("logs", "DeleteLogGroup", absent=(_NOT_FOUND,), not_yet=_BUSY)
SURE: Final = 10.0
"""After how many seconds something that EC2 doesn't list isn't there."""


@frozen
class Claim(Job):
    """
    A step: take the name for the twin *identity*, or find that another has it.

    Args:
        group: The log group that stands for the name.
        there: The call that tells whether a twin is there; its answer's *listed* is empty if not.
    """

    operation: Operation
    group: str
    stack: str
    identity: str | Ref
    there: Operation
    filter: str
    listed: str

    def perform(self, aws: Any, emit: Any) -> Mapping[str, Any]:
        """
        Takes the name, unless it is taken for the same twin.

        Raises:
            AlreadyThere: It is taken for another twin, which stays.
        """
        try:
            self._take(aws)
        except AlreadyThere:
            holder = claimed(aws.call(_look(self.group)))
            if holder == self.identity:
                return {}
            if self._stands(aws, holder):
                raise
            aws.call(DROP(logGroupName=self.group))
            self._take(aws)
        return {}

    def _take(self, aws: Any) -> None:
        tags = {OWNER: self.stack, CLAIM: self.identity}
        aws.call(TAKE(logGroupName=self.group, tags=tags))

    def _stands(self, aws: Any, holder: str) -> bool:
        """
        Whether the twin that has the name is there; EC2 may list it late.
        """
        began = aws.clock.monotonic()
        while aws.clock.monotonic() - began < SURE:
            found = aws.call(self.there(Filters=[{"Name": self.filter, "Values": [holder]}]))
            if found[self.listed]:
                return True
            aws.pause(2.0)
        return False


@frozen
class Unclaim(Job):
    """
    A step: give the name back, if *identity* has it.
    """

    operation: Operation
    group: str
    identity: str

    def perform(self, aws: Any, emit: Any) -> Mapping[str, Any]:
        """
        Gives the name back; the claim of another twin stays.
        """
        if claimed(aws.call(_look(self.group))) == self.identity:
            aws.call(DROP(logGroupName=self.group))
        return {}


def group_of(resource: Resource) -> str:
    """
    The log group that stands for the name of *resource*.
    """
    return f"{prefix(resource.stack)}{type(resource).__name__}-{digest(resource.name)}"


def prefix(stack: str) -> str:
    """
    What the names of all claims of a stack begin with.
    """
    return f"/batchkit/{stack}/claims/"


def claimed(answer: Mapping[str, Any] | None) -> str:
    """
    The id of the twin that has the name, or an empty text.
    """
    return parse((answer or {}).get("tags")).get(CLAIM, "")


def holder_of(resource: Resource, ask: Ask) -> str:
    """
    The id of the twin that has the name of *resource*, or an empty text.
    """
    return claimed(ask(_look(group_of(resource))))


def _look(group: str) -> Call:
    return LOOK(resourceArn=Arn("logs", f"log-group:{group}"))
