"""
Patch for all services: calls from different threads take turns.
"""

from __future__ import annotations

from typing import Any

from moto.core.botocore_stubber import BotocoreStubber

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.lock import DISPATCH

PATCHES = Patches()


@PATCHES(
    BotocoreStubber,
    "process_request",
    reason="AWS serves parallel calls, but moto's backends are plain dictionaries that break "
    "when several threads call them",
)
def one_at_a_time(original: Any, self: Any, request: Any) -> Any:
    with DISPATCH:
        return original(self, request)
