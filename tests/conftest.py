"""
What all tests share.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

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


class Methods:
    """
    The names of a class's methods, each looked up as it is asked for.
    """

    def __init__(self, of: type) -> None:
        self._of = of

    def __contains__(self, name: str) -> bool:
        return inspect.isfunction(getattr(self._of, name, None))


@pytest.fixture(scope="session")
def quick_moto() -> Iterator[None]:
    """
    moto doesn't make and sort a list of hundreds of methods at each call to see if one is in it.
    """
    from moto.core import responses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses, "method_names_from_class", Methods)
        yield


@pytest.fixture
def clock() -> FakeClock:
    """
    A clock that only tests move.
    """
    return FakeClock()
