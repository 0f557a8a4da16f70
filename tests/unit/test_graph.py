"""
Work in the order of its dependencies, with one worker and with eight.
"""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, strategies as st

from batchkit._engine.graph import Outcome, walk

DIAMOND = {"top": {"left", "right"}, "left": {"base"}, "right": {"base"}, "base": set()}
WORKERS = pytest.mark.parametrize("workers", [1, 8])


class Work:
    """
    Work that records what it has done, and fails where it is told to.
    """

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.done: list[str] = []

    def __call__(self, node: str) -> None:
        if node in self.failing:
            raise ValueError(node)
        self.done.append(node)


@WORKERS
def test_each_node_comes_after_those_that_it_needs(workers: int) -> None:
    """
    The base first, the top last.
    """
    work = Work()
    outcome = walk(DIAMOND, work, workers=workers)
    assert work.done[0] == "base" and work.done[-1] == "top"
    assert set(outcome.done) == set(DIAMOND)
    assert (outcome.failed, outcome.not_started) == ({}, [])


@WORKERS
def test_without_a_stop_a_failure_ends_only_what_stands_on_it(workers: int) -> None:
    """
    The sibling goes on; what needs both is not started.
    """
    work = Work("left")
    outcome = walk({**DIAMOND, "alone": set()}, work, workers=workers)
    assert set(outcome.done) == {"base", "right", "alone"}
    assert {key: str(error) for key, error in outcome.failed.items()} == {"left": "left"}
    assert outcome.not_started == ["top"]


@WORKERS
def test_with_a_stop_nothing_new_is_started_after_a_failure(workers: int) -> None:
    """
    The stop is called once, and what was not running stays undone.
    """
    stopped: list[bool] = []
    chain = {"a": set(), "b": {"a"}, "c": {"b"}, "later": {"a"}}
    outcome = walk(chain, Work("a"), workers=workers, stop=lambda: stopped.append(True))
    assert stopped == [True]
    assert outcome.done == [] and set(outcome.not_started) == {"b", "c", "later"}


def test_what_waited_for_a_worker_is_not_begun_after_a_failure() -> None:
    """
    With one worker the first to fail is the last to begin.
    """
    work = Work("a")
    outcome = walk({"a": (), "b": (), "c": ()}, work, workers=1, stop=lambda: None)
    assert work.done == [] and outcome.not_started == ["b", "c"]


def test_what_runs_is_finished_before_the_walk_ends() -> None:
    """
    A failure beside it does not cut off work that has begun.
    """
    begun, failed = threading.Event(), threading.Event()

    def work(node: str) -> None:
        if node == "fails":
            assert begun.wait(5)
            raise ValueError(node)
        begun.set()
        assert failed.wait(5)

    outcome = walk({"fails": (), "slow": ()}, work, workers=2, stop=failed.set)
    assert outcome.done == ["slow"] and set(outcome.failed) == {"fails"}


@WORKERS
def test_an_interrupt_stops_and_is_raised(workers: int) -> None:
    """
    What isn't an Exception is nobody's result: nothing new begins and it goes on to the caller.
    """
    stopped: list[bool] = []
    begun: list[str] = []

    def work(node: str) -> None:
        begun.append(node)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk({"a": (), "b": ("a",)}, work, workers=workers, stop=lambda: stopped.append(True))
    assert begun == ["a"] and stopped


def test_needs_outside_of_the_graph_are_taken_as_there() -> None:
    """
    A need that is no node holds nothing up.
    """
    assert walk({"a": {"elsewhere"}}, Work(), workers=1).done == ["a"]


def test_an_empty_graph_is_done_at_once() -> None:
    """
    Nothing to do is nothing done.
    """
    assert walk({}, Work(), workers=8) == Outcome([], {}, [])


@given(
    st.lists(st.sets(st.integers(0, 9), max_size=4), max_size=10),
    st.sets(st.integers(0, 9)),
    st.sampled_from([1, 8]),
)
def test_every_node_is_done_failed_or_not_started(
    above: list[set[int]], failing: set[int], workers: int
) -> None:
    """
    Of any graph: in one of the three, never done before its needs, never done on a failed one.
    """
    graph = {n: {need for need in needs if need < n} for n, needs in enumerate(above)}

    def work(node: int) -> None:
        if node in failing:
            raise ValueError(node)

    outcome = walk(graph, work, workers=workers)
    ended = [*outcome.done, *outcome.failed, *outcome.not_started]
    assert sorted(ended) == sorted(graph)
    for place, node in enumerate(outcome.done):
        assert graph[node] <= set(outcome.done[:place])
