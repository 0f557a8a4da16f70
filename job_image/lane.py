"""
One connection's worth of work: what is to be sent on it, and what is on its way.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Generic, TypeVar

from channel import Channel
from table import Batch

# BatchWriteItem takes 25 items.
BATCH_ITEMS = 25
BATCH_BYTES = 256 * 1024  # a lane never holds much more than two of these
REQUEST_BYTES = 4 * 1024**2  # DynamoDB takes 16 MB; one item in JSON can be 2.4 MB
ChannelT = TypeVar("ChannelT", bound=Channel)


class Lane(Generic[ChannelT]):
    """
    Items wait in *pending*, are taken as a *batch*, and are sent at *due* or later.

    At most one request is on its way. An item that comes back goes before newer ones, and is
    dropped where a newer one of its key already waits: so no retry can undo a later row.
    """

    def __init__(self, channel: ChannelT) -> None:
        self.channel = channel
        self.pending: Batch = {}
        self.pending_bytes = 0
        self.batch: Batch = {}
        self.units = 0
        self.due = 0.0
        self.sent_at: float | None = None
        self.attempt = 0
        self._suspects = self._tried = self._refused = 0

    @property
    def full(self) -> bool:
        """
        Whether there is enough for a request.
        """
        return len(self.pending) >= BATCH_ITEMS or self.pending_bytes >= BATCH_BYTES

    @property
    def overfull(self) -> bool:
        """
        Whether no more should be put before something is sent.
        """
        return len(self.pending) >= 2 * BATCH_ITEMS or self.pending_bytes >= BATCH_BYTES

    def add(self, key: Hashable, body: bytes) -> bool:
        """
        *body* is the newest item of *key*; whether it replaces one that wasn't sent yet.
        """
        before = self.pending.get(key)
        # BatchWriteItem refuses two items of one key, so only the newest one waits.
        self.pending[key] = body
        self.pending_bytes += len(body)
        if before is None:
            return False
        self.pending_bytes -= len(before)
        return True

    def take(self) -> Batch:
        """
        Moves up to a request's worth from *pending* to *batch*.
        """
        limit = 1 if self._suspects else BATCH_ITEMS
        if len(self.pending) <= limit and self.pending_bytes <= REQUEST_BYTES:
            self.batch, self.pending, self.pending_bytes = self.pending, {}, 0
            return self.batch
        size = 0
        for key, body in islice(self.pending.items(), limit):
            size += len(body)
            if self.batch and size > REQUEST_BYTES:
                break
            self.batch[key] = body
        for key, body in self.batch.items():
            del self.pending[key]
            self.pending_bytes -= len(body)
        return self.batch

    def give_back(self, left: Batch) -> int:
        """
        The request is over and *left* is to be sent again; returns how many are outdated.
        """
        self.batch = {}
        if not left:
            self._suspects = max(0, self._suspects - 1)
            return 0
        outdated = len(left.keys() & self.pending.keys())
        self.pending = {**left, **self.pending}
        self.pending_bytes = sum(map(len, self.pending.values()))
        return outdated

    def suspect(self) -> int:
        """
        DynamoDB refuses the batch: its items go one by one; returns how many are outdated.
        """
        self._suspects = self._tried = len(self.batch)
        self._refused = 0
        return self.give_back(self.batch)

    def convict(self) -> bool:
        """
        The batch of one is refused and dropped; whether every suspect before it was, too.
        """
        self.batch = {}
        self._suspects = max(0, self._suspects - 1)
        self._refused += 1
        return self._refused == self._tried
