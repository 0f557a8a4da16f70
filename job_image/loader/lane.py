"""
One connection's worth of work: what is to be sent on it, and what is on its way.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Generic, TypeVar

from .channel import Channel
from .table import Batch

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
        self._suspects = 0
        # Rows that one waiting, or one on its way, has replaced, until that one is taken.
        self._older: dict[Hashable, list[bytes]] = {}
        self._sent_older: dict[Hashable, list[bytes]] = {}

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
        self._older.setdefault(key, []).append(before)
        return True

    def take(self) -> Batch:
        """
        Moves up to a request's worth from *pending* to *batch*.
        """
        limit = 1 if self._suspects else BATCH_ITEMS
        if len(self.pending) <= limit and self.pending_bytes <= REQUEST_BYTES:
            self.batch, self.pending, self.pending_bytes = self.pending, {}, 0
            self._sent_older, self._older = self._older, {}
            return self.batch
        size = 0
        for key, body in islice(self.pending.items(), limit):
            size += len(body)
            if self.batch and size > REQUEST_BYTES:
                break
            self.batch[key] = body
        for key in self.batch:
            del self.pending[key]
        self._sent_older = {key: self._older.pop(key) for key in self.batch if key in self._older}
        self._count_bytes()
        return self.batch

    def give_back(self, left: Batch) -> int:
        """
        The request is over and *left* is to be sent again; returns how many are outdated.
        """
        self.batch = {}
        older, self._sent_older = self._sent_older, {}
        if not left:
            self._suspects = max(0, self._suspects - 1)
            return 0
        outdated = left.keys() & self.pending.keys()
        for key, body in left.items():
            before = older.get(key, []) + ([body] if key in outdated else [])
            if before:
                self._older[key] = before + self._older.get(key, [])
        self.pending = {**left, **self.pending}
        self._count_bytes()
        return len(outdated)

    def suspect(self) -> int:
        """
        DynamoDB refuses the batch: its items go one by one; returns how many are outdated.
        """
        self._suspects = len(self.batch)
        return self.give_back(self.batch)

    def convict(self) -> bool:
        """
        The batch of one is refused and dropped; whether an older row of its key goes in its place.

        Which rows share a batch must not decide what is stored: so a row that is refused doesn't
        replace one that isn't.
        """
        (key,) = self.batch
        self.batch = {}
        older = self._sent_older.pop(key, [])
        if older and key in self.pending:
            self._older[key] = older + self._older.get(key, [])
        elif older:
            self.pending = {key: older.pop(), **self.pending}
            self._older.update({key: older} if older else {})
            self._count_bytes()
            return True
        self._suspects = max(0, self._suspects - 1)
        self._count_bytes()
        return False

    def _count_bytes(self) -> None:
        bodies = sum(map(len, self.pending.values()))
        self.pending_bytes = bodies + sum(
            len(one) for key in self._older for one in self._older[key]
        )
