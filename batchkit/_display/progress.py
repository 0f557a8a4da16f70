"""
Progress: a listener that shows each change of a resource, on a terminal, in a notebook or a log.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from batchkit._display.html import events
from batchkit._display.text import seconds
from batchkit._engine.plan import SIGNS
from batchkit._model.checks import instance, optional, require
from batchkit._model.options import check_options
from batchkit._printable import printable
from batchkit.events import Action, Event, Phase

STYLES: Final = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "yellow",
    Action.ADOPT: "yellow",
    Action.KEEP: "dim",
    Action.DELETE: "red",
}
_ENDED: Final = (Phase.DONE, Phase.FAILED)
_SHOWN: Final = 8
_CONSOLE: Final = optional(instance(Console, expects="a rich.console.Console"))


class Progress:
    """
    A listener for `on_event`; it may be called from several threads.

    Args:
        console: Where to; standard error if None.
        verbose: Whether resources that are left alone, and each state of the others, are shown too.
    """

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        check_options("progress", verbose=verbose)
        require("progress", "console", console, _CONSOLE)
        self.console = console or Console(stderr=True)
        self._verbose = verbose
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], Event] = {}
        self._ended: list[Event] = []
        self._notebook = _notebook(self.console)

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._record(event)
            if self._notebook is not None:
                self._notebook.show(self._ended, list(self._running.values()))
                return
        if self._is_shown(event):
            self.console.print(line(event), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        with self._lock:
            running = list(self._running.values())
        spinners = [Spinner("dots", line(event)) for event in running[:_SHOWN]]
        more = len(running) - _SHOWN
        if more <= 0:
            return Group(*spinners)
        return Group(*spinners, Text(f"  and {more} more", "dim"))

    @property
    def summary(self) -> str:
        """
        What was done so far, and what is under way, in words.
        """
        with self._lock:
            ended, running = list(self._ended), list(self._running.values())
        done = [event for event in ended if event.phase is Phase.DONE]
        names_done = [f"{event.action} {event.resource_type} {event.name}" for event in done]
        names_running = [f"{event.resource_type} {event.name}" for event in running]
        done_so_far = f"Done: {', '.join(names_done) or 'nothing'}."
        under_way = f"Under way: {', '.join(names_running) or 'nothing'}."
        return printable(f"{done_so_far}  {under_way}")

    def _record(self, event: Event) -> None:
        key = (event.resource_type, event.name)
        if event.phase not in _ENDED:
            self._running[key] = event
            return
        self._running.pop(key, None)
        if event.action is not Action.KEEP:
            self._ended.append(event)

    def _is_shown(self, event: Event) -> bool:
        return self._verbose or (event.action is not Action.KEEP and event.phase in _ENDED)


@contextmanager
def progress(console: Console | None = None, *, verbose: bool = False) -> Iterator[Progress]:
    """
    A listener that also shows what is under way, if *console* is a terminal.
    """
    listener = Progress(console, verbose=verbose)
    with _live(listener):
        yield listener


def _live(listener: Progress) -> AbstractContextManager[Any]:
    console = listener.console
    if not console.is_terminal or console.is_jupyter or console.is_dumb_terminal:
        return nullcontext()
    return Live(listener, console=console, transient=True, refresh_per_second=8)


def line(event: Event) -> Text:
    """
    One line about *event*.
    """
    failed = event.phase is Phase.FAILED
    sign = "✗" if failed else SIGNS[event.action]
    text = Text(f"{sign} {event.action} ", "bold red" if failed else STYLES[event.action])
    text.append(f"{event.resource_type} ", "bold")
    text.append(printable(event.name), "default not bold")
    if event.detail and event.phase is not Phase.DONE:
        text.append(f"  {printable(event.detail)}", "red" if failed else "dim")
    elif event.phase is Phase.STARTED:
        text.append("  …", "dim")
    if event.phase is not Phase.STARTED and event.action is not Action.KEEP:
        text.append(f"  {seconds(event.seconds)}", "dim")
    return text


class Notebook:
    """
    A table in a notebook that is replaced with each event.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, ended: list[Event], running: list[Event]) -> None:
        """
        The output of the cell shows *ended*, and *running* beneath.
        """
        page = {"text/html": events(ended, running), "text/plain": f"{len(ended)} done"}
        if self._handle is None:
            self._handle = self._display(page, raw=True, display_id=True)
        else:
            self._handle.update(page, raw=True)


def _notebook(console: Console) -> Notebook | None:
    if not console.is_jupyter:
        return None
    from IPython.display import display

    return Notebook(display)
