"""
Simulated time.
"""

from __future__ import annotations

import _thread
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from ..simulator import threads
from ..simulator.clock import SimulatedClock
from ..simulator.threads import GRACE, ThreadWatch


def test_sleeping_takes_no_real_time() -> None:
    """
    What is slept isn't lived through: a minute has passed on the clock, and none outside.
    """
    clock, began = SimulatedClock(), time.monotonic()
    for _ in range(10):
        clock.sleep(6)
    assert clock.monotonic() == 60
    assert time.monotonic() - began < clock.monotonic()


def test_sleepers_share_time() -> None:
    """
    Eight threads that each sleep ten times a second see ten seconds pass, not eighty.
    """
    clock = SimulatedClock()

    def sleeper() -> None:
        for _ in range(10):
            clock.sleep(1)

    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(sleeper)
    assert clock.monotonic() == 10


def test_sleepers_wake_in_the_order_of_their_wake_ups() -> None:
    """
    Whatever the order they fell asleep in, each wakes at its own time, the earliest first.
    """
    clock, woken = SimulatedClock(), []

    def sleeper(seconds: float) -> None:
        clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    with ThreadPoolExecutor(4) as pool:
        for seconds in (30.0, 10.0, 40.0, 20.0):
            pool.submit(sleeper, seconds)
    assert woken == [(10, 10), (20, 20), (30, 30), (40, 40)]


def test_time_waits_for_a_thread_that_works() -> None:
    """
    While a thread computes, time stands still, however long another sleeps.
    """
    clock, seen = SimulatedClock(), []
    working = threading.Event()

    def worker() -> None:
        working.set()
        until = time.monotonic() + 0.15
        while time.monotonic() < until:
            sum(range(100))
        seen.append(clock.monotonic())

    with ThreadPoolExecutor(2) as pool:
        pool.submit(worker)
        working.wait()
        clock.sleep(100)
    assert seen == [0]


def test_time_waits_for_a_call() -> None:
    """
    While a call to AWS is under way, time stands still.
    """
    clock, order = SimulatedClock(), []

    def sleeper() -> None:
        clock.sleep(1)
        order.append("slept")

    with ThreadPoolExecutor(1) as pool:
        with clock.call():
            pool.submit(sleeper)
            time.sleep(0.1)
            order.append("called")
    assert order == ["called", "slept"]


def test_threads_that_wait_for_each_other_do_not_stop_time() -> None:
    """
    A thread that waits for a sleeper's message, and an idle pool, count as resting.
    """
    clock = SimulatedClock()
    messages: Queue[float] = Queue()

    def sleeper() -> None:
        clock.sleep(5)
        messages.put(clock.monotonic())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: None, range(4)))
        pool.submit(sleeper)
        assert messages.get(timeout=60) == 5


def test_a_lock_held_by_a_sleeper_does_not_stop_time() -> None:
    """
    A thread that waits for a plain lock whose holder sleeps counts as resting after a while.
    """
    clock, lock, held = SimulatedClock(), threading.Lock(), threading.Event()

    def holder() -> None:
        with lock:
            held.set()
            clock.sleep(7)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(holder)
        held.wait()
        with lock:
            assert clock.monotonic() == 7


def test_what_was_there_before_the_clock_is_not_waited_for() -> None:
    """
    A thread that something earlier left behind doesn't hold time up, wherever it stands.
    """
    left = threading.Lock()
    with left:
        leftover = threading.Thread(target=left.acquire)
        leftover.start()
        clock = SimulatedClock()
        assert leftover.ident in clock.resting()
        assert threading.get_ident() not in clock.resting()
    leftover.join()
    assert leftover.ident not in clock.resting()


def test_threads_that_python_does_not_list_are_not_waited_for() -> None:
    """
    A test runner's own: they stand in reading a pipe, and each sleep would wait for them.
    """
    running, left, over = threading.Event(), threading.Lock(), threading.Event()

    def stand() -> None:
        running.set()
        with left:
            over.set()

    with left:
        ident = _thread.start_new_thread(stand, ())
        running.wait()
        clock = SimulatedClock()
        assert ident not in {one.ident for one in threading.enumerate()}
        assert ident in clock.resting()
    over.wait()


def test_who_runs_while_the_others_are_looked_at_has_not_rested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A thread that was woken long ago, and gets the processor only now, is waited for.
    """
    asked, told = Queue[bool](), Queue[bool]()

    def worker() -> None:
        while asked.get():
            told.put(True)

    def late(ignored: set[int]) -> bool:
        asked.put(True)
        return not told.get()

    others, watch = set(sys._current_frames()), ThreadWatch()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(worker)
        while not watch.at_rest(others):
            time.sleep(GRACE)
        monkeypatch.setattr(threads, "_runnable", late)
        rested = watch.at_rest(others)
        asked.put(False)
    assert not rested


def test_a_watcher_may_interrupt_a_sleeper() -> None:
    """
    What a watcher raises comes out of sleep, as Ctrl-C would; time has not moved.
    """
    clock = SimulatedClock()

    def interrupt(seconds: float) -> None:
        if seconds == 3:
            raise KeyboardInterrupt

    clock.watchers.append(interrupt)
    clock.sleep(2)
    with pytest.raises(KeyboardInterrupt):
        clock.sleep(3)
    assert clock.monotonic() == 2
