"""
The fixtures of the strict tests.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from .broken_stacks import Scene
from .simulator import StrictAws
from .stacks import BARE, make


def pytest_configure(config: pytest.Config) -> None:
    """
    Make the marker known that says which rules a test makes fire.
    """
    config.addinivalue_line("markers", "rule(*numbers): the rules that this test makes fire")


@pytest.fixture(scope="session", autouse=True)
def _models_are_kept(quick_moto: None) -> None:
    """
    What is loaded once for all tests, AWS's models above all, is not looked at by each collection.
    """
    with StrictAws() as aws:
        make(aws, BARE)
    gc.collect()
    gc.freeze()


@pytest.fixture
def strict_aws(request: pytest.FixtureRequest) -> Iterator[StrictAws]:
    """
    A strict account, empty, with every rule in force; the rules a test is marked with must fire.
    """
    with StrictAws() as aws:
        yield aws
        marked = request.node.get_closest_marker("rule")
        silent = [number for number in (marked.args if marked else ()) if not aws.hits[number]]
        assert not silent, f"these rules did not fire: {silent}"


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """
    One stack for all tests of a module, on a strict account of its own SEED.
    """
    with StrictAws(seed=request.module.SEED) as aws:
        yield Scene(aws)


@pytest.fixture
def at(scene: Scene) -> Iterator[Scene]:
    """
    The stack, as its spec wants it before and after each test.
    """
    yield scene
    scene.restore()
