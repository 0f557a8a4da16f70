"""
Where processes meet: each call waits here until it is its process's turn.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .clock import SimulatedClock
from .threads import GRACE, ThreadWatch


class Interleaved(NamedTuple):
    """
    How one of several interleaved functions ended.
    """

    value: Any
    error: BaseException | None


class Interleaver:
    """
    Lets the calls of several processes through one by one, in an order drawn from a seed.

    A call goes on as soon as another process also waits here and loses the draw, or all
    other threads rest (the other processes sleep, or have ended).  The winner of a draw may keep
    its turn for a burst of calls, as if the others were slow meanwhile.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._turn = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._rng: random.Random | None = None
        self._next: int | None = None
        self._longest_burst = 1
        self._winner: int | None = None
        self._left = 0

    def enter(self, process: int) -> None:
        """
        Return when a call of the process of that number may go on.
        """
        if self._rng is None:
            return
        with self._turn:
            mine = (process, threading.get_ident())
            self._waiting.append(mine)
            self._turn.notify_all()
            watch = ThreadWatch()
            while not self._may_pass(process, watch):
                self._turn.wait(GRACE)
            self._waiting.remove(mine)
            self._next = None
            self._turn.notify_all()

    def interleave(
        self, functions: Sequence[Callable[[], Any]], seed: int, burst: int = 1
    ) -> list[Interleaved]:
        """
        Run all functions at once, alternating as *seed* has it, after *burst* calls at most.
        """
        self._rng = random.Random(seed)
        self._longest_burst = burst
        outcomes: dict[int, Interleaved] = {}
        threads = [
            threading.Thread(target=_run, args=(outcomes, place, function), daemon=True)
            for place, function in enumerate(functions)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._rng = None
        return [outcomes[place] for place in range(len(functions))]

    def _may_pass(self, process: int, watch: ThreadWatch) -> bool:
        if self._rng is None:
            return True
        present = sorted({waiting for waiting, _ in self._waiting})
        if self._next not in present:
            resting = self._clock.resting() | {ident for _, ident in self._waiting}
            everybody = len(present) > 1 or watch.at_rest(resting)
            self._next = self._draw(present, self._rng) if everybody else None
        return self._next == process

    def _draw(self, present: list[int], rng: random.Random) -> int:
        if self._winner not in present or self._left == 0:
            self._winner = rng.choice(present)
            self._left = rng.randint(1, self._longest_burst)
        self._left -= 1
        return self._winner


def _run(outcomes: dict[int, Interleaved], place: int, function: Callable[[], Any]) -> None:
    try:
        outcomes[place] = Interleaved(function(), None)
    except BaseException as error:  # noqa: B036 - the test judges how the process ended
        outcomes[place] = Interleaved(None, error)
