"""
The lock around moto's backends: they are plain dictionaries, and callers use many threads.
"""

from __future__ import annotations

import threading

DISPATCH = threading.RLock()
