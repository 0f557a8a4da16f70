"""
Calls take turns, whichever thread they come from.
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
    reason="moto's backends are plain dictionaries, which many threads break",
)
def one_at_a_time(original: Any, self: Any, request: Any) -> Any:
    with DISPATCH:
        return original(self, request)
