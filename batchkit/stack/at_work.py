"""
Where a stack is, and which of its jobs haven't ended: what a teardown would end.
"""

from __future__ import annotations

import boto3
from attrs import frozen

from batchkit._engine import reads as _reads, teardown as _teardown
from batchkit._engine.aws import Aws
from batchkit.clock import Clock
from batchkit.resources.queues import JobQueue


@frozen
class AtWork:
    """
    The account and region of a stack, and its *jobs* that wait or run, in words.
    """

    account: str
    region: str
    jobs: tuple[str, ...]

    def __str__(self) -> str:
        count = f"{len(self.jobs)} of its jobs wait or run"
        ended = f"{count}, and will be ended" if self.jobs else "none of its jobs waits or runs"
        return f"account {self.account}, region {self.region}: {ended}"


def at_work(
    name: str, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> AtWork:
    """
    Where the stack *name* is, and which of its jobs haven't ended; an array counts with those of
    its children that run.
    """
    aws = Aws(session, clock)
    queues = _teardown.find(aws, [JobQueue], name)
    jobs = [user.words for user in _reads.active_users(aws, queues)]
    return AtWork(aws.scope.account, aws.region, tuple(jobs))
