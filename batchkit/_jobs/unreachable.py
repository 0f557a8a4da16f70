"""
Riding out an AWS that can't be reached: a laptop that sleeps, or changes its network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from batchkit._engine.aws import Aws
from batchkit.errors import AwsError

T = TypeVar("T")
LONGEST: Final = 1800.0
"""For how many seconds a watch goes on that has no end of its own."""
PAUSE: Final = 5.0
_log = logging.getLogger("batchkit")


def ride_out(aws: Aws, ask: Callable[[], T], seconds: float = LONGEST) -> T:
    """
    What *ask* reads; where AWS doesn't answer, it is asked again for *seconds*, which is logged.

    Raises:
        AwsError: AWS refuses, or doesn't answer for all that time.
    """
    began = aws.clock.monotonic()
    while True:
        try:
            return ask()
        except AwsError as error:
            if not error.unanswered or aws.clock.monotonic() - began >= seconds:
                raise
            _log.warning("AWS does not answer, it is asked again: %s", error.code)
            aws.pause(PAUSE)
