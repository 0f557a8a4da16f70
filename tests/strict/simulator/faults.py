"""
Faults put in on purpose: errors, missing permissions, throttling, ambiguous answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ReadTimeoutError

from .account import Account
from .api_call import ApiCall
from .permissions import actions, denied
from .refusal import Refusal
from .rules import declare

declare(
    (7, "D", "any call may be throttled, up to eight times in a row"),
    (8, "D", "a call may take effect and yet be answered with a 5xx or not at all"),
)

THROTTLED = {
    "ec2": ("RequestLimitExceeded", 503),
    "iam": ("Throttling", 400),
    "sts": ("Throttling", 400),
    "s3": ("SlowDown", 503),
    "batch": ("TooManyRequestsException", 429),
}
IN_A_ROW = 8

When = Callable[[dict[str, Any]], bool]


class InjectedFault(NamedTuple):
    """
    What goes wrong with which calls; *left* counts down in a list of one.
    """

    service: str | None
    operation: str | None
    left: list[float]
    after_effect: bool
    when: When | None
    error: Callable[[ApiCall], BaseException]
    rule: int | None = None

    def hits(self, call: ApiCall) -> bool:
        """
        Whether this fault is for *call*.
        """
        if self.left[0] <= 0:
            return False
        if self.service not in (None, call.service):
            return False
        if self.operation not in (None, call.operation):
            return False
        return self.when is None or self.when(call.params)


class FaultInjector:
    """
    The faults of one simulated AWS.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._faults: list[InjectedFault] = []
        self._denied: set[str] = set()
        self._row = 0

    def add(self, fault: InjectedFault) -> None:
        """
        Have a fault happen from now on.
        """
        self._faults.append(fault)

    def deny(self, action: str) -> None:
        """
        Take the permission for *action* (`iam:PassRole`) away.
        """
        self._denied.add(action)

    def allow(self, action: str) -> None:
        """
        Give the permission for *action* back.
        """
        self._denied.discard(action)

    def denies(self, action: str) -> bool:
        """
        Whether the permission for *action* was taken away.
        """
        return action in self._denied

    def clear(self) -> None:
        """
        Have nothing go wrong any more.
        """
        self._faults.clear()
        self._denied.clear()

    def before(self, call: ApiCall) -> None:
        """
        Fail *call* if it shall fail without effect.
        """
        for action in sorted(actions(call) & self._denied):
            raise denied(call, action)
        self._maybe_throttle(call)
        self._strike(call, after_effect=False)

    def after(self, call: ApiCall) -> None:
        """
        Fail *call* if it shall fail although it took effect.
        """
        self._strike(call, after_effect=True)

    def _strike(self, call: ApiCall, after_effect: bool) -> None:
        for fault in self._faults:
            if fault.after_effect == after_effect and fault.hits(call):
                fault.left[0] -= 1
                if fault.rule is None or self._account.hit(fault.rule):
                    raise fault.error(call)

    def _maybe_throttle(self, call: ApiCall) -> None:
        throttled = self._account.profile == "throttled" and self._row < IN_A_ROW
        if throttled and self._account.rng.random() < 0.2 and self._account.hit(7):
            self._row += 1
            raise throttle_error(call)
        self._row = 0


def throttle_error(call: ApiCall) -> Refusal:
    """
    What the service of *call* says when it is asked too often.
    """
    code, status = THROTTLED.get(call.service, ("ThrottlingException", 400))
    return Refusal(code, "Rate exceeded", status)


def ambiguous_error(kind: str) -> Callable[[ApiCall], BaseException]:
    """
    A lost answer: a *kind* of `timeout`, or `5xx`.
    """

    def error(call: ApiCall) -> BaseException:
        if kind == "timeout":
            return ReadTimeoutError(endpoint_url=f"https://{call.service}.strict.invalid/")
        code = "ServiceUnavailable" if call.service == "ec2" else "InternalFailure"
        return Refusal(code, "The service is unavailable.", 503)

    return error
