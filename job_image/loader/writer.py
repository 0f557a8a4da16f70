"""
Writes items over many connections at once; of two rows with one key the later one stays.

A key always goes down the same lane, and a lane has one request on its way at most. There are no
threads: while the answers come, the next rows are read, and where a lane must wait the others go
on. (Threads would fight for the interpreter: at no latency 16 of them take twice the CPU.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol

from .aws import TIMEOUT_SECONDS
from .channel import BROKEN
from .counts import Counts
from .faults import BadInput, Fault, Refused, Terminated
from .lane import BATCH_ITEMS, ChannelT, Lane
from .rate import Rate, back_off
from .rows import Made
from .table import Batch, BatchOutcome, broken

_LOOK_AGAIN = 8  # rows put on a lane before its answer is asked for again
_TURN = 0.2  # seconds after which a deadline is looked at again, at the latest


class LoaderClock(Protocol):
    """
    Tells the time and lets it pass.
    """

    def now(self) -> float:
        """
        Seconds that never run backwards.
        """

    def wait(self, seconds: float) -> None:
        """
        Returns after *seconds*.
        """


class Protocols(Protocol):
    """
    How batches become requests, and answers outcomes.
    """

    def request_body(self, batch: Batch) -> bytes:
        """
        The request that writes *batch*.
        """

    def outcome(self, batch: Batch, status: int, answer: bytes) -> BatchOutcome:
        """
        What became of *batch*.
        """


class Writer(Generic[ChannelT]):
    """
    Takes rows and has them written.
    """

    def __init__(
        self,
        table: Protocols,
        channels: Sequence[ChannelT],
        wait_for: Callable[[Sequence[ChannelT], float], Sequence[ChannelT]],
        counts: Counts,
        rate: Rate,
        clock: LoaderClock,
        give_up_seconds: float,
    ) -> None:
        self._table = table
        self._wait_for = wait_for
        self._counts = counts
        self._rate = rate
        self._clock = clock
        self._give_up_seconds = give_up_seconds
        self._fruitless_since: float | None = None
        self._lanes = [Lane(channel) for channel in channels]
        self._failure: Fault | None = None
        self.deadline = float("inf")

    def put(self, made: Made) -> None:
        """
        The row will be written, after every earlier row of its key; waits while its lane is full.
        """
        key, body = made
        lane = self._lanes[hash(key) % len(self._lanes)]
        if lane.add(key, body):
            self._counts.superseded += 1
        if lane.full:
            if lane.batch and not (len(lane.pending) - BATCH_ITEMS) % _LOOK_AGAIN:
                self._answers(0)
            if not lane.batch:
                self._launch(lane)
            while lane.overfull:
                self._turn(_TURN)

    def flush(self) -> None:
        """
        Every row that was put is in the table; raises what stopped that.
        """
        while any(lane.pending or lane.batch for lane in self._lanes):
            if self._failure is not None:
                self._count_the_rest()
                raise self._failure
            self._turn(_TURN, everything=True)

    def close(self) -> None:
        """
        All connections are closed, whatever was on its way.
        """
        for lane in self._lanes:
            lane.channel.close()

    def _count_the_rest(self) -> None:
        """
        Takes the answers that are still on their way: the table may have taken more.
        """
        while any(lane.sent_at is not None for lane in self._lanes):
            try:
                self._answers(_TURN)
            except (Refused, BadInput):
                pass  # the first one is told

    def _turn(self, seconds: float, everything: bool = False) -> None:
        """
        Sends what is due and takes the answers that are there, waiting up to *seconds* for one.
        """
        now = self._clock.now()
        if now > self.deadline:
            raise Terminated("told to stop (SIGTERM), and the table took too long for the rest")
        soonest = now + seconds
        for lane in self._lanes:
            if not lane.batch and (lane.full or (everything and lane.pending)):
                self._book(lane, now)
            if lane.batch and lane.sent_at is None:
                if lane.due <= now:
                    self._send(lane)
                else:
                    soonest = min(soonest, lane.due)
        self._answers(soonest - now)

    def _answers(self, seconds: float) -> None:
        """
        Takes the answers that are there, or come within *seconds*.
        """
        waiting = {lane.channel: lane for lane in self._lanes if lane.sent_at is not None}
        if not waiting:
            # A rest too small for the clock to show would be waited for without end.
            return self._clock.wait(max(seconds, 0.001)) if seconds > 0 else None
        for channel in self._wait_for(list(waiting), seconds):
            self._receive(waiting.pop(channel))
        now = self._clock.now()
        for lane in waiting.values():
            if lane.sent_at is not None and now - lane.sent_at > TIMEOUT_SECONDS:
                self._lost(lane, TimeoutError(f"no answer in {TIMEOUT_SECONDS:.0f} s"))

    def _launch(self, lane: Lane[ChannelT]) -> None:
        now = self._clock.now()
        self._book(lane, now)
        if lane.due <= now:
            self._send(lane)

    def _book(self, lane: Lane[ChannelT], now: float) -> None:
        """
        Takes a batch, and finds out when it may go.
        """
        lane.units = units(lane.take())
        delay = self._rate.reserve(lane.units)
        lane.due = max(lane.due, now + delay)

    def _send(self, lane: Lane[ChannelT]) -> None:
        lane.sent_at = self._clock.now()
        try:
            lane.channel.send(self._table.request_body(lane.batch))
        except BROKEN as error:
            self._lost(lane, error)

    def _receive(self, lane: Lane[ChannelT]) -> None:
        try:
            status, answer = lane.channel.receive()
        except BROKEN as error:
            return self._lost(lane, error)
        lane.sent_at = None
        try:
            self._settle(lane, self._table.outcome(lane.batch, status, answer))
        except Fault as failure:
            self._failure = failure
            raise

    def _lost(self, lane: Lane[ChannelT], error: Exception) -> None:
        """
        No answer will come: the request may have been carried out or not, so it goes again.
        """
        lane.sent_at = None
        lane.channel.close()
        # A put of the same item twice leaves the same item.
        self._settle(lane, BatchOutcome(lane.batch, error=broken(error)))

    def _settle(self, lane: Lane[ChannelT], outcome: BatchOutcome) -> None:
        """
        Counts what was taken, and makes the lane ready for the rest.
        """
        batch, left = lane.batch, outcome.left
        taken = batch if not left else {key: batch[key] for key in batch if key not in left}
        self._counts.sent(taken, len(left), outcome.throttled)
        accepted = units(taken) if left else lane.units
        self._rate.report(accepted, lane.units - accepted if outcome.throttled else 0)
        if taken:
            self._fruitless_since = None
        if outcome.invalid:
            return self._refused(lane, outcome)
        self._counts.superseded += lane.give_back(left)
        if left:
            self._pause(lane, outcome, nothing_taken=not taken)
        else:
            lane.attempt = 0

    def _pause(self, lane: Lane[ChannelT], outcome: BatchOutcome, nothing_taken: bool) -> None:
        """
        Backs off before the next try, longer if nothing at all was taken; gives up in the end.
        """
        now = self._clock.now()
        lane.attempt = lane.attempt + 1 if nothing_taken else 1
        if self._fruitless_since is None:
            self._fruitless_since = now
        if now - self._fruitless_since > self._give_up_seconds:
            why = outcome.error or "every item came back unprocessed"
            self._failure = Refused(f"no item was taken for {self._give_up_seconds:.0f} s: {why}")
            raise self._failure
        # A kept connection that the other side has closed is no sign of trouble.
        if outcome.throttled or lane.attempt > 1:
            lane.due = now + back_off(lane.attempt)

    def _refused(self, lane: Lane[ChannelT], outcome: BatchOutcome) -> None:
        """
        Finds the items for which DynamoDB refuses a batch, and skips them: every row is tried.
        """
        if len(lane.batch) > 1:
            self._counts.superseded += lane.suspect()
            return
        (key,) = lane.batch
        if lane.convict():
            self._counts.superseded -= 1
        self._counts.refuse(f"key {key!r}: {outcome.error}")


def units(batch: Batch) -> int:
    """
    The write units that *batch* takes at most: one for each KB of an item, begun or full.
    """
    return sum([(len(body) + 1023) >> 10 for body in batch.values()])
