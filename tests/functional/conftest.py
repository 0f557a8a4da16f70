"""
An account for each test.
"""

from __future__ import annotations

from account_fixture import keep_models, there

__all__ = ["keep_models", "there"]
