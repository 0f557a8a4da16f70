"""
What AWS knows beyond what moto keeps: ages, states, and what is still to happen.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import boto3

from .clock import SimulatedClock

_T = TypeVar("_T")


class OverlayEntry:
    """
    One resource as the overlay knows it; *data* holds what its kind needs.
    """

    def __init__(self, kind: str, id: str, born: float, **data: Any) -> None:
        self.kind = kind
        self.id = id
        self.born = born
        self.data = data

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        """
        The value of *key*, or *default*.
        """
        return self.data.get(key, default)


class Account:
    """
    The overlay of one simulated account.

    A resource that is not in the overlay was there before: it is old and settled.
    """

    def __init__(
        self,
        base: boto3.Session,
        profile: str,
        seed: int,
        off: set[int],
        delays: dict[str, float],
    ) -> None:
        self.base = base
        self.profile = profile
        self.rng = random.Random(seed)
        self.off = off
        self.delays = delays
        self.clock = SimulatedClock()
        self.lock = threading.RLock()
        self.zones_without_nat: set[str] = set()
        self.hits: Counter[int] = Counter()
        self.entries: dict[tuple[str, str], OverlayEntry] = {}
        self.seen: set[tuple[str, ...]] = set()
        self.pages: dict[str, dict[str, Any]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._at: float | None = None
        self._id: str | None = None

    @property
    def now(self) -> float:
        """
        Simulated time; inside a timer, the time it was set for.
        """
        return self.clock.monotonic() if self._at is None else self._at

    @property
    def region(self) -> str:
        """
        The region of the session underneath.
        """
        return str(self.base.region_name)

    @property
    def id(self) -> str:
        """
        The number of the account.
        """
        if self._id is None:
            self._id = self.raw("sts").get_caller_identity()["Account"]
        return self._id

    @property
    def partition(self) -> str:
        """
        The partition of the region, as ARNs name it.
        """
        return str(self.base.get_partition_for_region(self.region))

    def raw(self, service: str, region: str | None = None) -> Any:
        """
        A client of what is under the rules: no rule, no fault, no record.
        """
        key = (service, region or self.region)
        clients = self.base.__dict__.setdefault("_strict_clients", {})
        if key not in clients:
            make: Any = self.base.client
            clients[key] = make(service, region_name=key[1])
        return clients[key]

    def on(self, rule: int) -> bool:
        """
        Whether *rule* is in force.
        """
        return rule not in self.off

    def hit(self, rule: int) -> bool:
        """
        Count a hit of *rule* that no handler's answer tells; whether it is in force.
        """
        if not self.on(rule):
            return False
        self.hits[rule] += 1
        return True

    def add(self, kind: str, id: str, **data: Any) -> OverlayEntry:
        """
        Enter a resource that begins to be now.
        """
        entry = self.entries[kind, id] = OverlayEntry(kind, id, self.now, **data)
        return entry

    def find(self, kind: str, id: str | None) -> OverlayEntry | None:
        """
        The overlay's resource of that kind and id, if it has one.
        """
        return self.entries.get((kind, id or ""))

    def drop(self, kind: str, id: str) -> None:
        """
        Forget a resource.
        """
        self.entries.pop((kind, id), None)

    def all(self, kind: str) -> Iterator[OverlayEntry]:
        """
        All the resources of one kind.
        """
        yield from [entry for (of, _), entry in self.entries.items() if of == kind]

    def younger(self, kind: str, id: str | None, delay: str) -> bool:
        """
        Whether a resource is known to have come into being less than *delay* ago.
        """
        entry = self.find(kind, id)
        return entry is not None and self.now < entry.born + self.delays[delay]

    def once(self, *key: str) -> bool:
        """
        Whether this is the first time that *key* is asked about.
        """
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def at(self, delay: str | float, do: Callable[[], None]) -> float:
        """
        Have *do* done after *delay* (a name in `DELAYS`, or seconds); returns when.
        """
        due = self.now + (self.delays[delay] if isinstance(delay, str) else delay)
        heapq.heappush(self._timers, (due, next(self._numbers), do))
        return due

    def tick(self) -> None:
        """
        Do everything that is due by now, in order, each as of its own time.
        """
        while self._timers and self._timers[0][0] <= self.clock.monotonic():
            due, _, do = heapq.heappop(self._timers)
            self._at = due
            try:
                do()
            finally:
                self._at = None

    def shuffled(self, items: list[_T]) -> list[_T]:
        """
        The same items in another order.
        """
        items = list(items)
        self.rng.shuffle(items)
        return items

    def loose(self, facts: str) -> str:
        """
        A message about *facts* whose wording is not known, so nobody can rely on it.
        """
        words = ["cannot proceed", "request rejected", "not possible now", "constraint unmet"]
        tail = f"{self.rng.getrandbits(32):08x}"
        return self.rng.choice(
            [f"{self.rng.choice(words)} [{facts}] {tail}", f"{facts} - {tail}", f"{tail}: {facts}"]
        )
