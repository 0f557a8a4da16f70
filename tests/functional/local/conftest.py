"""
An embedded AWS for each test.
"""

from __future__ import annotations

from local_lab import lab

__all__ = ["lab"]
