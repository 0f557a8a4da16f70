"""
The strict AWS: moto under the rules of the real one, on simulated time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

import boto3

from . import every_rule  # noqa: F401 - enters the rules
from .account import Account
from .backend import moto_base
from .clock import SimulatedClock
from .delays import DELAYS
from .ec2.interfaces import plant
from .faults import FaultInjector, InjectedFault, When, ambiguous_error, throttle_error
from .interleaving import Interleaved, Interleaver
from .process import Process
from .recording import CallLog, Record
from .refusal import Refusal
from .snapshot import snapshot

Base = Callable[[str], AbstractContextManager[boto3.Session]]
PROFILES = ("strict", "slow", "flaky", "throttled")


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
        self._log = CallLog()

    def __enter__(self) -> StrictAws:
        self._started = self._base(self._region)
        session = self._started.__enter__()
        delays = {name: seconds * self._factor for name, seconds in DELAYS.items()}
        delays.update(self._delays)
        self.account = Account(session, self.profile, self.seed, self._off, delays)
        self.faults = FaultInjector(self.account)
        self._interleaver = Interleaver(self.clock)
        self._processes = 0
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
    def clock(self) -> SimulatedClock:
        """
        Simulated time.
        """
        return self.account.clock

    @property
    def raw(self) -> boto3.Session:
        """
        The session underneath: no rules, no faults, no record; for what was there before.
        """
        return self.account.base

    @property
    def hits(self) -> Counter[int]:
        """
        How often each rule fired.
        """
        return self.account.hits

    @property
    def calls(self) -> list[Record]:
        """
        The calls of all processes.
        """
        return self._log.calls

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
        return self._log.polls()

    def another(self) -> Process:
        """
        A second process on the same account.
        """
        self._processes += 1
        return Process(self.account, self.faults, self._interleaver, self._log, self._processes)

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
            InjectedFault(
                service,
                operation,
                [times],
                after_effect,
                when,
                lambda call: Refusal(code, message, status),
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
        self.faults.add(InjectedFault(service, operation, [times], True, when, error, 8))

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
        self.faults.add(InjectedFault(service, operation, [times], False, when, throttle_error, 7))

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
        self, *functions: Callable[[], Any], seed: int = 0, burst: int = 1
    ) -> list[Interleaved]:
        """
        Run functions at once, each on its own process, alternating after *burst* calls at most.
        """
        return self._interleaver.interleave(functions, seed, burst)

    def foreign_interface(
        self, subnet: str, groups: Collection[str] = (), seconds: float = 1800
    ) -> str:
        """
        Have another service put a network interface into *subnet*, for a while; returns its id.
        """
        description = "AWS Lambda VPC ENI-somebody-else"
        return plant(self.account, subnet, list(groups), description, "lambda", seconds)

    def foreign_bucket(self, name: str) -> None:
        """
        Have the bucket name be taken by another account.
        """
        self.account.add("foreign bucket", name)

    def snapshot(self) -> dict[str, Any]:
        """
        Everything that the account holds, normalised, so that two snapshots can be compared.
        """
        with self.account.lock:
            self.account.tick()
            return snapshot(self.account)
