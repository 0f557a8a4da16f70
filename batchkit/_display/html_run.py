"""
A run as a page: how far it is, when its attempts were, its last lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from batchkit._display.html import (
    BAD,
    BUSY,
    GOOD,
    Markup,
    colour_of,
    frame,
    join,
    link,
    rows,
    tag,
    text,
)
from batchkit._display.text import label_of, seconds, shortened
from batchkit._jobs.jobs import Attempt, Job
from batchkit._model.display import as_html
from batchkit._runs.run import Run

SHOWN: Final = 20
"""How many jobs have a line of their own."""
WIDTH: Final = 700.0
HEIGHT: Final = 22
LABEL: Final = 170


@as_html.register
def page(run: Run) -> str:
    """
    The run as it is now.
    """
    jobs = run.jobs
    why = tag("div", run.reason) if run.reason else ""
    links = [link(name, address) for name, address in run.links.items()]
    return frame(
        _head(run),
        why,
        _summary(jobs),
        timeline(jobs[:SHOWN]),
        _log(run),
        tag("div", Markup(" · ".join(links))),
    )


def _head(run: Run) -> Markup:
    """
    The name and status of a run.
    """
    status = run.status
    colour = colour_of(status)
    return tag(
        "h4",
        tag("span", "● ", class_=colour),
        "Run ",
        run.name,
        ": ",
        tag("span", status, class_=colour),
    )


def _log(run: Run) -> Markup:
    """
    The last lines of a run, if there are any.
    """
    lines = run.tail()
    if not lines:
        return Markup("")
    return tag("pre", Markup("\n".join(text(line) for line in lines)))


def _summary(jobs: Sequence[Job]) -> Markup:
    """
    How many jobs are in each state, if there are several.
    """
    if len(jobs) < 2:
        return Markup("")
    counts = Counter(job.status for job in jobs)
    return rows(
        [(tag("span", state, class_=colour_of(state)), count) for state, count in counts.items()]
    )


def timeline(jobs: Sequence[Job]) -> Markup:
    """
    A bar for each attempt of *jobs*, on one scale.
    """
    times = [time for job in jobs for time in _times(job)]
    if not times:
        return Markup("")
    scale = Scale(min(times), max(times))
    drawn = [_row(number, job, scale) for number, job in enumerate(jobs)]
    width = LABEL + WIDTH + 90
    height = HEIGHT * len(jobs) + 4
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {width:g} {height}",
        width="100%",
        style=f"max-width:{width:g}px;display:block",
        role="img",
        aria_label="timeline of attempts",
        font_size=11,
    )


@frozen
class Scale:
    """
    Where a time is drawn: *first* at the left end, *last* at the right end.
    """

    first: float
    last: float

    def x(self, time: float) -> float:
        """
        The place of a time, from the left.
        """
        return LABEL + self.width(time - self.first)

    def width(self, seconds: float) -> float:
        """
        How wide a span of time is.
        """
        return WIDTH * seconds / max(self.last - self.first, 0.001)


def _times(job: Job) -> list[float]:
    """
    When the attempts of a job started and stopped.
    """
    times = []
    for attempt in _attempts(job):
        times += [attempt.started, attempt.stopped]
    return [time for time in times if time]


def _attempts(job: Job) -> Sequence[Attempt]:
    """
    The attempts that have ended, or the one that runs.
    """
    if job.attempts or job.started is None:
        return job.attempts
    return [Attempt(1, job.exit_code, job.reason, job.log_stream, job.started, job.stopped)]


def _row(number: int, job: Job, scale: Scale) -> Markup:
    """
    The name of a job, the bars of its attempts, and how long the last one took.
    """
    y = number * HEIGHT + 4
    name = label_of(job)
    label = tag("text", tag("title", name), shortened(name, 26), x=0, y=y + 12)
    attempts = _attempts(job)
    bars = [_bar(attempt, y, scale) for attempt in attempts]
    took = _took(attempts[-1], y, scale) if attempts else ""
    return join(label, *bars, took)


def _bar(attempt: Attempt, y: int, scale: Scale) -> Markup:
    """
    The bar of an attempt; of one that never started there is none.
    """
    if attempt.started is None:
        return Markup("")
    x, width = _extent(attempt, scale)
    return tag(
        "rect",
        tag("title", _description(attempt, scale)),
        x=f"{x:.1f}",
        y=y,
        width=f"{min(width, LABEL + WIDTH - x + 3):.1f}",
        height=HEIGHT - 7,
        rx=3,
        fill=f"var(--{_colour(attempt)})",
    )


def _took(attempt: Attempt, y: int, scale: Scale) -> Markup:
    """
    How long an attempt took, behind its bar.
    """
    if attempt.started is None:
        return Markup("")
    x, width = _extent(attempt, scale)
    return tag("text", _duration(attempt, scale), x=f"{x + width + 6:.1f}", y=y + 12)


def _extent(attempt: Attempt, scale: Scale) -> tuple[float, float]:
    """
    Where the bar of an attempt begins, and how wide it is; three pixels can still be seen.
    """
    started = attempt.started or scale.first
    stopped = attempt.stopped or scale.last
    return scale.x(started), max(3.0, scale.width(stopped - started))


def _duration(attempt: Attempt, scale: Scale) -> str:
    started = attempt.started or scale.first
    return seconds((attempt.stopped or scale.last) - started)


def _description(attempt: Attempt, scale: Scale) -> str:
    code = "" if attempt.exit_code is None else f", exit code {attempt.exit_code}"
    return f"attempt {attempt.number}: {_duration(attempt, scale)}{code}  {attempt.reason}"


def _colour(attempt: Attempt) -> str:
    if attempt.exit_code == 0:
        return GOOD
    return BUSY if attempt.stopped is None else BAD
