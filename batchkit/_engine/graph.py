"""
Work in the order of its dependencies, on a pool of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Final, Generic, TypeVar

from attrs import field, frozen

from batchkit._model.signals import Overtaken

K = TypeVar("K", bound=Hashable)
_SKIPPED: Final = object()


@frozen
class Outcome(Generic[K]):
    """
    How a walk ended.
    """

    done: list[K] = field(factory=list)
    failed: dict[K, Exception] = field(factory=dict)
    not_started: list[K] = field(factory=list)


def met(outcome: Outcome[K]) -> Overtaken | None:
    """
    What shows that another caller works against this one, if one does.
    """
    found = (error for error in outcome.failed.values() if isinstance(error, Overtaken))
    return next(found, None)


def walk(
    graph: Mapping[K, Collection[K]],
    work: Callable[[K], object],
    *,
    workers: int,
    stop: Callable[[], object] | None = None,
    interrupt: Callable[[], object] | None = None,
) -> Outcome[K]:
    """
    Calls *work* for each node once those that it needs are done; returns how that ended.

    After a failure, what depends on it isn't started.  If *stop* is given, it is called at once,
    and nothing else is started either.  An interrupt calls *stop* and *interrupt*, waits for what
    runs, and is raised.
    """
    walker = _Walker(graph)
    worker = _Worker(work, stop)
    with ThreadPoolExecutor(workers, "batchkit") as pool:
        try:
            while running := walker.start(lambda node: pool.submit(worker.begin, node)):
                walker.finish(wait(running, return_when=FIRST_COMPLETED).done)
        except BaseException:
            # KeyboardInterrupt comes here, in the main thread.  What runs goes on to its end, since
            # a call that is cut off may have taken effect without anybody knowing the id.
            worker.halted.set()
            worker.halt()
            if interrupt is not None:
                interrupt()
            raise
    return walker.outcome()


class _Worker(Generic[K]):
    """
    Does the work of one node, unless the walk is halted.
    """

    def __init__(self, work: Callable[[K], object], stop: Callable[[], object] | None) -> None:
        self._work = work
        self._stop = stop
        self.halted = threading.Event()

    def begin(self, node: K) -> object:
        # The node may have waited for a free worker while another one failed.
        if self.halted.is_set():
            return _SKIPPED
        try:
            return self._work(node)
        except BaseException:
            # Here, and not in the main thread: until that hears of the failure, others would begin.
            self.halt()
            raise

    def halt(self) -> None:
        if self._stop is not None:
            self.halted.set()
            self._stop()


class _Walker(Generic[K]):
    """
    What is done, what runs, and what may be started.
    """

    def __init__(self, graph: Mapping[K, Collection[K]]) -> None:
        self._order: TopologicalSorter[K] = TopologicalSorter(
            {node: [need for need in needs if need in graph] for node, needs in graph.items()}
        )
        self._order.prepare()
        self._nodes = list(graph)
        self._running: dict[Future[object], K] = {}
        self._done: list[K] = []
        self._failed: dict[K, Exception] = {}

    def start(self, submit: Callable[[K], Future[object]]) -> Collection[Future[object]]:
        self._running.update({submit(node): node for node in self._order.get_ready()})
        return self._running.keys()

    def finish(self, futures: Collection[Future[object]]) -> None:
        for future in futures:
            node = self._running.pop(future)
            error = future.exception()
            if isinstance(error, Exception):
                self._failed[node] = error
            elif error is not None:
                raise error
            elif future.result() is not _SKIPPED:
                self._done.append(node)
                self._order.done(node)

    def outcome(self) -> Outcome[K]:
        ended = {*self._done, *self._failed}
        left = [node for node in self._nodes if node not in ended]
        return Outcome(self._done, self._failed, left)
