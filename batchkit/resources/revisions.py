"""
Equal revisions of a job definition, which callers register that make the same stack at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from batchkit._model.calls import AwsClient, Operation, Task
from batchkit._model.values import Ref
from batchkit.events import Listener

Content = Callable[[Mapping[str, Any]], object]
"""Gives all of a revision but its number."""


def newest_first(active: Iterable[Mapping[str, Any]], content: Content) -> list[Mapping[str, Any]]:
    """
    The *active* revisions, the newest first; of newest ones that are equal only the oldest.

    Callers that register the same at the same time all use that one, and withdraw their own.
    """
    # Batch doesn't say in which order it returns them.
    newest = sorted(active, key=lambda one: -int(one["revision"]))
    while len(newest) > 1 and content(newest[0]) == content(newest[1]):
        del newest[0]
    return newest


@frozen
class Withdraw(Task):
    """
    A step: deregister the revision *arn*, if another caller has just registered an equal one.
    """

    operation: Operation
    describe: Operation
    name: str
    arn: str | Ref
    content: Content

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        The oldest of equal revisions stays, and is used; nothing uses this one yet.
        """
        # RegisterJobDefinition takes no client token, and makes a revision of whatever it is given
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html).
        active = aws.call(self.describe(jobDefinitionName=self.name, status="ACTIVE"))
        revisions = active["jobDefinitions"]
        kept = {one["jobDefinitionArn"] for one in newest_first(revisions, self.content)}
        listed = {one["jobDefinitionArn"] for one in revisions}
        if self.arn in listed - kept:
            aws.call(self.operation(jobDefinition=self.arn))
        return {}
