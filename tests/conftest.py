"""
What all tests share.
"""

from __future__ import annotations

import pytest
from fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """
    A clock that only tests move.
    """
    return FakeClock()
