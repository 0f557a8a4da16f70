"""
Locks: which of several duplicates stays, where AWS has no natural key.

Two callers that make the same VPC at once both succeed, and each may list its own VPC before that
of the other.  A name that only one of them can take decides: an empty log group, tagged with the id
of the duplicate that stays.

A log group is used because its name is unique in a region and account
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html), it
carries tags from its creation on, it costs nothing while it is empty, and every stack uses
CloudWatch Logs anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from attrs import frozen

from batchkit._model.calls import AwsClient, Call, NotYet, Operation, Task
from batchkit._model.names import digest
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.signals import AlreadyThere
from batchkit._model.tags import LOCK, OWNER, parse
from batchkit._model.values import Arn, Ref
from batchkit.errors import AwsError
from batchkit.events import Listener

_NOT_FOUND: Final = "ResourceNotFoundException"
# Two calls for one log group at the same time: CloudWatch Logs aborts one of them.
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
LISTED_WITHIN: Final = 10.0
"""Seconds within which EC2 lists what exists; it is eventually consistent."""


@frozen
class TakeLock(Task):
    """
    A step: take the lock for the duplicate *identity*, or find that another one has it.

    Args:
        group: The log group that is the lock.
        describe: The call that lists the duplicates.
        filter: The filter of *describe* that takes an id.
        listed: The key of its answer that is empty if no duplicate has that id.
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
        Takes the lock, unless it is taken for the same duplicate.

        Raises:
            AlreadyThere: It is taken for another duplicate, which stays.
        """
        try:
            self._take(aws)
        except AlreadyThere:
            holder = locked_for(aws.call(read_lock(self.group)))
            if holder == self.identity:
                return {}
            if self._exists(aws, holder):
                raise
            # The holder was deleted outside of batchkit, which left its lock behind.
            aws.call(RELEASE_LOCK(logGroupName=self.group))
            self._take(aws)
        return {}

    def _take(self, aws: AwsClient) -> None:
        # The id is in the same call: a lock without it would look like an abandoned one.
        tags = {OWNER: self.stack, LOCK: self.identity}
        aws.call(TAKE_LOCK(logGroupName=self.group, tags=tags))

    def _exists(self, aws: AwsClient, holder: str) -> bool:
        """
        Whether the duplicate that has the lock exists.
        """
        began = aws.clock.monotonic()
        # EC2 may list it late: a single empty answer does not mean that it is gone
        # (https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
        while aws.clock.monotonic() - began < LISTED_WITHIN:
            # By filter, not by id: a filter that matches nothing is an empty list, not an error.
            found = aws.call(self.describe(Filters=[{"Name": self.filter, "Values": [holder]}]))
            if found[self.listed]:
                return True
            aws.pause(2.0)
        return False


@frozen
class ReleaseLock(Task):
    """
    A step: release the lock, if *identity* has it.
    """

    operation: Operation
    group: str
    identity: str

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Releases the lock; that of another duplicate stays.

        An error does not stop the deletion of the duplicate: a teardown finds the lock by itself.
        """
        with suppress(AwsError):
            if locked_for(aws.call(read_lock(self.group))) == self.identity:
                aws.call(RELEASE_LOCK(logGroupName=self.group))
        return {}


@frozen
class RecordIntent(Task):
    """
    A step: record that *name* is about to be made, since AWS tags it only afterwards.

    A resource without tags whose name is recorded is one that a caller made before it crashed.
    """

    operation: Operation
    group: str
    stack: str
    name: str

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Makes the intent record, unless an earlier attempt has made it.
        """
        tags = {OWNER: self.stack, LOCK: self.name}
        with suppress(AlreadyThere):
            aws.call(TAKE_LOCK(logGroupName=self.group, tags=tags))
        return {}


def intent_group(resource: Resource) -> str:
    """
    The log group that records that *resource* is about to be made.
    """
    return f"{intent_prefix(resource.stack, type(resource).__name__)}{digest(resource.name)}"


def intent_prefix(stack: str, resource_type: str) -> str:
    """
    What the names of a stack's intent records for one resource type begin with.
    """
    return f"/batchkit/{stack}/intents/{resource_type}-"


def lock_group(resource: Resource) -> str:
    """
    The log group that is the lock of *resource*.
    """
    # A hash, since a log group's name allows fewer characters than the names of resources.
    return f"{lock_prefix(resource.stack)}{type(resource).__name__}-{digest(resource.name)}"


def lock_prefix(stack: str) -> str:
    """
    What the names of all locks of a stack begin with.
    """
    return f"/batchkit/{stack}/locks/"


def locked_for(answer: Mapping[str, Any] | None) -> str:
    """
    The id of the duplicate that has the lock, or an empty text.
    """
    return parse((answer or {}).get("tags")).get(LOCK, "")


def lock_holder(resource: Resource, reader: Reader) -> str:
    """
    The id of the duplicate that has the lock of *resource*, or an empty text.
    """
    return locked_for(reader(read_lock(lock_group(resource))))


def has_intent(resource: Resource, reader: Reader) -> bool:
    """
    Whether there is a record that *resource* is about to be made.
    """
    return locked_for(reader(read_lock(intent_group(resource)))) == resource.name


def read_lock(group: str) -> Call:
    """
    The call for the tags of a lock or an intent record.
    """
    # Without the :* at the end, which other calls of CloudWatch Logs want
    # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html).
    return READ_LOCK(resourceArn=Arn("logs", f"log-group:{group}"))
