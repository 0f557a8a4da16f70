"""
Claims: which of several twins stays, where AWS has no natural key.

Two callers that make the same VPC at once both succeed, and each may list its own before the
other's.  What decides is a name that only one of them can take: an empty log group, tagged with the
id of the twin that stays.  CloudWatch Logs is consistent about names, and charges nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from attrs import frozen

from batchkit._model.calls import AwsClient, Call, NotYet, Operation, Task
from batchkit._model.names import digest
from batchkit._model.resource import Reader, Resource
from batchkit._model.signals import AlreadyThere
from batchkit._model.tags import LOCK, OWNER, parse
from batchkit._model.values import Arn, Ref
from batchkit.errors import AwsError
from batchkit.events import Listener

_NOT_FOUND: Final = "ResourceNotFoundException"
_BUSY: Final = (NotYet("OperationAbortedException", 60),)
TAKE_LOCK: Final = Operation(
    "logs",
    "CreateLogGroup",
    ("logs:TagResource",),
    exists=("ResourceAlreadyExistsException",),
    not_yet=_BUSY,
)
READ_LOCK: Final = Operation("logs", "ListTagsForResource", absent=(_NOT_FOUND,))
RELEASE_LOCK: Final = Operation("logs", "DeleteLogGroup", absent=(_NOT_FOUND,), not_yet=_BUSY)
SURE: Final = 10.0
"""After how many seconds something that EC2 doesn't list isn't there."""


@frozen
class TakeLock(Task):
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
    describe: Operation
    filter: str
    listed: str

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Takes the name, unless it is taken for the same twin.

        Raises:
            AlreadyThere: It is taken for another twin, which stays.
        """
        try:
            self._take(aws)
        except AlreadyThere:
            holder = locked_for(aws.call(read_lock(self.group)))
            if holder == self.identity:
                return {}
            if self._stands(aws, holder):
                raise
            aws.call(RELEASE_LOCK(logGroupName=self.group))
            self._take(aws)
        return {}

    def _take(self, aws: AwsClient) -> None:
        tags = {OWNER: self.stack, LOCK: self.identity}
        aws.call(TAKE_LOCK(logGroupName=self.group, tags=tags))

    def _stands(self, aws: AwsClient, holder: str) -> bool:
        """
        Whether the twin that has the name is there; EC2 may list it late.
        """
        began = aws.clock.monotonic()
        while aws.clock.monotonic() - began < SURE:
            found = aws.call(self.describe(Filters=[{"Name": self.filter, "Values": [holder]}]))
            if found[self.listed]:
                return True
            aws.pause(2.0)
        return False


@frozen
class ReleaseLock(Task):
    """
    A step: give the name back, if *identity* has it.
    """

    operation: Operation
    group: str
    identity: str

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Gives the name back; the claim of another twin stays.

        A refusal doesn't keep the twin from going: a teardown finds the claim by itself, too.
        """
        with suppress(AwsError):
            if locked_for(aws.call(read_lock(self.group))) == self.identity:
                aws.call(RELEASE_LOCK(logGroupName=self.group))
        return {}


@frozen
class RecordIntent(Task):
    """
    A step: note that *name* is about to be made, since AWS tags it only afterwards.

    What carries no tags, of a name that is noted, is what a caller that crashed has made.
    """

    operation: Operation
    group: str
    stack: str
    name: str

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Makes the note, unless an earlier attempt has.
        """
        tags = {OWNER: self.stack, LOCK: self.name}
        with suppress(AlreadyThere):
            aws.call(TAKE_LOCK(logGroupName=self.group, tags=tags))
        return {}


def intent_group(resource: Resource) -> str:
    """
    The log group that says that *resource* is about to be made.
    """
    kind = type(resource).__name__
    return f"{intent_prefix(resource.stack, kind)}{digest(resource.name)}"


def intent_prefix(stack: str, kind: str) -> str:
    """
    What the names of a stack's notes about one *kind* begin with.
    """
    return f"/batchkit/{stack}/notes/{kind}-"


def lock_group(resource: Resource) -> str:
    """
    The log group that stands for the name of *resource*.
    """
    return f"{prefix(resource.stack)}{type(resource).__name__}-{digest(resource.name)}"


def prefix(stack: str) -> str:
    """
    What the names of all claims of a stack begin with.
    """
    return f"/batchkit/{stack}/claims/"


def locked_for(answer: Mapping[str, Any] | None) -> str:
    """
    The id of the twin that has the name, or an empty text.
    """
    return parse((answer or {}).get("tags")).get(LOCK, "")


def lock_holder(resource: Resource, reader: Reader) -> str:
    """
    The id of the twin that has the name of *resource*, or an empty text.
    """
    return locked_for(reader(read_lock(lock_group(resource))))


def has_intent(resource: Resource, reader: Reader) -> bool:
    """
    Whether there is a note that *resource* is about to be made.
    """
    return locked_for(reader(read_lock(intent_group(resource)))) == resource.name


def read_lock(group: str) -> Call:
    """
    The question for the tags of a claim or note.
    """
    return READ_LOCK(resourceArn=Arn("logs", f"log-group:{group}"))
