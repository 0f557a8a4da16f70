"""
Patience: which errors of AWS are worth another attempt, after what pause, and for how long.
"""

from __future__ import annotations

import random
from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

from batchkit._engine import failures as _failures
from batchkit._model.calls import Operation
from batchkit._model.signals import Ambiguous
from batchkit.clock import Clock

_UNCONNECTED: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_UNANSWERED: Final = (HTTPClientError, ConnectionClosedError, ResponseParserError)
SLOWEST: Final = 8.0
"""Seconds of the longest pause between two attempts."""
ATTEMPTS: Final = 3
"""How often at least a call is made whose error may pass, however long each attempt took."""


class Patience:
    """
    The patience with one call: it counts the attempts, and how long each error has lasted.
    """

    def __init__(self, operation: Operation, clock: Clock) -> None:
        self._operation = operation
        self._clock = clock
        self._failed_attempts = 0
        # By error, as one may follow another: an answer may be lost after the long wait for a role.
        self._since: dict[str, float] = {}

    def pause_after(self, error: Exception) -> float | None:
        """
        Seconds to wait before the next attempt; None if *error* doesn't pass, or has lasted long.

        Raises:
            Ambiguous: The call may have taken effect, and must not be repeated blindly.
        """
        self._failed_attempts += 1
        limit = limit_for(self._operation, error)
        now = self._clock.monotonic()
        spent = now - self._since.setdefault(_name(error), now)
        if limit is None or (spent >= limit and self._failed_attempts >= ATTEMPTS):
            return None
        # AWS recommends exponential backoff with jitter: callers that are throttled together must
        # not come back together
        # (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
        longest: float = min(SLOWEST, 0.5 * 2 ** min(self._failed_attempts - 1, 10))
        return min(longest * random.uniform(0.5, 1.0), max(limit - spent, 0.1))


def _name(error: Exception) -> str:
    return _failures.code(error) if isinstance(error, ClientError) else type(error).__name__


def limit_for(operation: Operation, error: Exception) -> float | None:
    """
    For how many seconds *error* is worth another attempt; None if it never is.

    Raises:
        Ambiguous: The call may have taken effect, and must not be repeated blindly.
    """
    if isinstance(error, ClientError):
        code, message = _failures.code(error), _failures.message(error)
        for rule in operation.not_yet:
            if rule.matches(code, message):
                return rule.seconds
        # A call that was throttled had no effect, so it may be repeated, whatever it is.
        if code in _failures.THROTTLED or _failures.status(error) == 429:
            return 120.0
        if _failures.status(error) < 500 and code not in _failures.TRANSIENT:
            return _failures.unreadable(operation, error)
    elif isinstance(error, _UNCONNECTED):
        return 15.0  # nothing has reached AWS
    elif not isinstance(error, _UNANSWERED):
        return None
    # A time-out or a 5xx may come after the call took effect, and most creates of EC2 and Batch
    # have no client token by which AWS would know the second one
    # (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
    if operation.reads or operation.repeatable:
        return 60.0
    raise Ambiguous(f"{operation} ended without an answer: {error}") from error
