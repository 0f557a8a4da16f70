"""
One request at a time: moto's backends are plain dictionaries, and callers use many threads.
"""

from __future__ import annotations

import threading

DISPATCH = threading.RLock()
