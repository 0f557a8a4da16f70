"""
The strict AWS: moto under the rules of the real one, on simulated time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

import boto3

from . import _sections  # noqa: F401 - enters the rules
from ._base import moto_base
from ._clock import Clock
from ._delays import DELAYS
from ._ec2_interfaces import plant
from ._faults import Fault, Faults, When, ambiguous_error, throttle_error
from ._gate import Gate, Outcome
from ._process import SAME_INSTANT, Process, Record
from ._rules import Refused
from ._snapshot import snapshot
from ._world import World

Base = Callable[[str], AbstractContextManager[boto3.Session]]
PROFILES = ("strict", "slow", "flaky", "throttled")
FOREVER = float("inf")


def _densest(times: list[float]) -> int:
    """
    The most of the (ascending) *times* that lie within one second.
    """
    return max(
        sum(1 for later in times[place:] if later < time + 1) for place, time in enumerate(times)
    )


class StrictAws:
    """
    A simulated account that behaves as AWS does, for as long as the `with` block lasts.

    *profile* is `strict`, `slow` (delays times ten), `flaky` (consistency misses on 30 % of first
    reads) or `throttled`. *rules_off* are numbers of rules not to hold to. *delays* overrides
    seconds by name. *base* is called with the region and gives the session underneath.
    """

    def __init__(
        self,
        profile: str = "strict",
        *,
        seed: int = 0,
        rules_off: Collection[int] = (),
        delays: dict[str, float] | None = None,
        region: str = "us-east-1",
        base: Base = moto_base,
    ) -> None:
        if profile not in PROFILES:
            msg = f"profile: got {profile!r}, takes one of {', '.join(PROFILES)}"
            raise ValueError(msg)
        self.profile = profile
        self.seed = seed
        self._off = set(rules_off)
        self._factor = 10 if profile == "slow" else 1
        self._delays = delays or {}
        self._region = region
        self._base = base
        self.calls: list[Record] = []

    def __enter__(self) -> StrictAws:
        self._started = self._base(self._region)
        session = self._started.__enter__()
        delays = {name: seconds * self._factor for name, seconds in DELAYS.items()}
        delays.update(self._delays)
        self.world = World(session, self.profile, self.seed, self._off, delays)
        self.faults = Faults(self.world)
        self.gate = Gate(self.clock)
        self._processes = 0
        self._instant: Counter[Any] = Counter()
        self._instant_of = 0.0
        self.first = self.another()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._started.__exit__(*raised)

    @property
    def session(self) -> boto3.Session:
        """
        The session of the first process.
        """
        return self.first.session

    @property
    def clock(self) -> Clock:
        """
        Simulated time.
        """
        return self.world.clock

    @property
    def raw(self) -> boto3.Session:
        """
        The session underneath: no rules, no faults, no record; for what was there before.
        """
        return self.world.base

    @property
    def hits(self) -> Counter[int]:
        """
        How often each rule fired.
        """
        return self.world.hits

    @property
    def mutations(self) -> list[Record]:
        """
        The calls that changed something, or may have.
        """
        return [call for call in self.calls if call.mutates and call.effect]

    def polls(self) -> Counter[tuple[int, str, str]]:
        """
        How often, at most, each read was repeated within a second of simulated time.

        The keys are process, operation and parameters.
        """
        times: dict[tuple[int, str, str], list[float]] = defaultdict(list)
        for call in self.calls:
            if not call.mutates:
                key = (call.process, f"{call.service}:{call.operation}", repr(call.params))
                times[key].append(call.time)
        return Counter({key: _densest(found) for key, found in times.items()})

    def another(self) -> Process:
        """
        A second process on the same account.
        """
        self._processes += 1
        return Process(self, self._processes)

    def crash_after(self, mutations: int) -> None:
        """
        Have the first process die as its *mutations*-th change from now took effect.
        """
        self.first.crash_after(mutations)

    def fail(
        self,
        service: str,
        operation: str,
        code: str,
        message: str = "This failure was put in on purpose.",
        *,
        times: float = 1,
        after_effect: bool = False,
        when: When | None = None,
        status: int = 400,
    ) -> None:
        """
        Have *operation* answered with an error; *when* is given its parameters and decides.
        """
        self.faults.add(
            Fault(
                service,
                operation,
                [times],
                after_effect,
                when,
                lambda call: Refused(code, message, status),
            )
        )

    def ambiguous(
        self,
        service: str,
        operation: str,
        kind: str = "5xx",
        *,
        times: float = 1,
        when: When | None = None,
    ) -> None:
        """
        Have *operation* take effect and its answer lost: *kind* is `5xx` or `timeout`.
        """
        error = ambiguous_error(kind)
        self.faults.add(Fault(service, operation, [times], True, when, error, 8))

    def throttle(
        self,
        service: str | None = None,
        operation: str | None = None,
        *,
        times: float = 1,
        when: When | None = None,
    ) -> None:
        """
        Have the next calls (of any service, if none is named) refused as too many.
        """
        self.faults.add(Fault(service, operation, [times], False, when, throttle_error, 7))

    def deny(self, action: str) -> None:
        """
        Take the permission for *action* (`ec2:CreateVpc`, `iam:PassRole`) away.
        """
        self.faults.deny(action)

    def allow(self, action: str) -> None:
        """
        Give the permission for *action* back.
        """
        self.faults.allow(action)

    def interleave(
        self, first: Callable[[], Any], second: Callable[[], Any], seed: int = 0
    ) -> tuple[Outcome, Outcome]:
        """
        Run two functions at once, each on a process of its own, alternating at each call.
        """
        return self.gate.interleave(first, second, seed)

    def foreign_interface(
        self, subnet: str, groups: Collection[str] = (), seconds: float = 1800
    ) -> str:
        """
        Have another service put a network interface into *subnet*, for a while; returns its id.
        """
        description = "AWS Lambda VPC ENI-somebody-else"
        return plant(self.world, subnet, list(groups), description, "lambda", seconds)

    def foreign_bucket(self, name: str) -> None:
        """
        Have the bucket name be taken by another account.
        """
        self.world.add("foreign bucket", name)

    def snapshot(self) -> dict[str, Any]:
        """
        Everything that the account holds, normalised, so that two snapshots can be compared.
        """
        with self.world.lock:
            self.world.tick()
            return snapshot(self.world)

    def watch_for_spin(self, record: Record) -> None:
        """
        Fail a caller that polls without ever sleeping: time would not move, and it not end.
        """
        if record.time != self._instant_of:
            self._instant_of = record.time
            self._instant.clear()
        key = (record.process, record.operation, repr(record.params))
        self._instant[key] += 1
        if self._instant[key] > SAME_INSTANT:
            msg = f"{record.operation} was called {SAME_INSTANT} times without any time passing"
            raise AssertionError(msg)
