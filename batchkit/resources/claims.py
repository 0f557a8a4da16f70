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

from batchkit._model.calls import Call, Door, Job, NotYet, Operation
from batchkit._model.names import digest
from batchkit._model.resource import Ask, Resource
from batchkit._model.signals import AlreadyThere
from batchkit._model.tags import CLAIM, OWNER, parse
from batchkit._model.values import Arn, Ref
from batchkit.errors import AwsError
from batchkit.events import Listener

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

    def perform(self, aws: Door, emit: Listener) -> Mapping[str, Any]:
        """
        Takes the name, unless it is taken for the same twin.

        Raises:
            AlreadyThere: It is taken for another twin, which stays.
        """
        try:
            self._take(aws)
        except AlreadyThere:
            holder = claimed(aws.call(look(self.group)))
            if holder == self.identity:
                return {}
            if self._stands(aws, holder):
                raise
            aws.call(DROP(logGroupName=self.group))
            self._take(aws)
        return {}

    def _take(self, aws: Door) -> None:
        tags = {OWNER: self.stack, CLAIM: self.identity}
        aws.call(TAKE(logGroupName=self.group, tags=tags))

    def _stands(self, aws: Door, holder: str) -> bool:
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

    def perform(self, aws: Door, emit: Listener) -> Mapping[str, Any]:
        """
        Gives the name back; the claim of another twin stays.

        A refusal doesn't keep the twin from going: a teardown finds the claim by itself, too.
        """
        with suppress(AwsError):
            if claimed(aws.call(look(self.group))) == self.identity:
                aws.call(DROP(logGroupName=self.group))
        return {}


@frozen
class Note(Job):
    """
    A step: note that *name* is about to be made, since AWS tags it only afterwards.

    What carries no tags, of a name that is noted, is what a caller that crashed has made.
    """

    operation: Operation
    group: str
    stack: str
    name: str

    def perform(self, aws: Door, emit: Listener) -> Mapping[str, Any]:
        """
        Makes the note, unless an earlier attempt has.
        """
        tags = {OWNER: self.stack, CLAIM: self.name}
        with suppress(AlreadyThere):
            aws.call(TAKE(logGroupName=self.group, tags=tags))
        return {}


def note_of(resource: Resource) -> str:
    """
    The log group that says that *resource* is about to be made.
    """
    kind = type(resource).__name__
    return f"{notes(resource.stack, kind)}{digest(resource.name)}"


def notes(stack: str, kind: str) -> str:
    """
    What the names of a stack's notes about one *kind* begin with.
    """
    return f"/batchkit/{stack}/notes/{kind}-"


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
    return claimed(ask(look(group_of(resource))))


def is_noted(resource: Resource, ask: Ask) -> bool:
    """
    Whether there is a note that *resource* is about to be made.
    """
    return claimed(ask(look(note_of(resource)))) == resource.name


def look(group: str) -> Call:
    """
    The question for the tags of a claim or note.
    """
    return LOOK(resourceArn=Arn("logs", f"log-group:{group}"))
