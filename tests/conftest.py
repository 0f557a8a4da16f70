"""
What all tests share.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from fakes import FakeClock

settings.register_profile(
    "untimed",
    settings(),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("untimed")


@pytest.fixture
def clock() -> FakeClock:
    """
    A clock that only tests move.
    """
    return FakeClock()
