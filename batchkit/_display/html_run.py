"""
A run as a page: how far it is, when its attempts were, its last lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from batchkit._display.html import Markup, colour_of, frame, join, link, rows, tag, text
from batchkit._display.text import seconds
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
    The run, asked anew.
    """
    status, jobs = run.status, run.jobs
    links = [link(name, address) for name, address in run.links.items()]
    head = tag(
        "h4",
        tag("span", "● ", class_=colour_of(status)),
        "Run ",
        run.name,
        ": ",
        tag("span", status, class_=colour_of(status)),
    )
    why = tag("div", run.reason) if run.reason else ""
    between = [Markup(" · ")] * len(links)
    shown = [piece for pair in zip(links, between) for piece in pair][:-1]
    lines = run.tail()
    log = tag("pre", Markup("\n".join(text(line) for line in lines))) if lines else ""
    return frame(head, why, _summary(jobs), timeline(jobs[:SHOWN]), log, tag("div", *shown))


def _summary(jobs: Sequence[Job]) -> Markup:
    """
    How many jobs are in each state, if there are several.
    """
    if len(jobs) < 2:
        return Markup("")
    states = list(dict.fromkeys(job.status for job in jobs))
    counts = [(state, sum(job.status == state for job in jobs)) for state in states]
    return rows([(tag("span", state, class_=colour_of(state)), n) for state, n in counts])


def timeline(jobs: Sequence[Job]) -> Markup:
    """
    A bar for each attempt of *jobs*, on one scale.
    """
    times = [
        moment
        for job in jobs
        for attempt in _attempts(job)
        for moment in (attempt.started, attempt.stopped)
        if moment
    ]
    if not times:
        return Markup("")
    first, span = min(times), max(max(times) - min(times), 0.001)
    drawn = [_row(number, job, first, span) for number, job in enumerate(jobs)]
    height = HEIGHT * len(jobs) + 4
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {LABEL + WIDTH + 90:g} {height}",
        width="100%",
        style=f"max-width:{LABEL + WIDTH + 90:g}px;display:block",
        role="img",
        aria_label="timeline of attempts",
        font_size=11,
    )


def _attempts(job: Job) -> Sequence[Attempt]:
    """
    The attempts that have ended, or the one that runs.
    """
    if job.attempts or job.started is None:
        return job.attempts
    return [Attempt(1, job.exit_code, job.reason, job.log_stream, job.started, job.stopped)]


def _row(number: int, job: Job, first: float, span: float) -> Markup:
    y = number * HEIGHT + 4
    name = job.name if job.index is None else f"{job.name} [{job.index}]"
    label = name if len(name) <= 26 else f"{name[:25]}…"
    bars = [_bar(attempt, job, y, first, span) for attempt in _attempts(job)]
    return join(tag("text", tag("title", name), label, x=0, y=y + 12), *bars)


def _bar(attempt: Attempt, job: Job, y: int, first: float, span: float) -> Markup:
    if attempt.started is None:
        return Markup("")
    stopped = attempt.stopped or first + span
    x = LABEL + WIDTH * (attempt.started - first) / span
    width = max(3.0, WIDTH * (stopped - attempt.started) / span)
    good = attempt.exit_code == 0
    colour = "good" if good else "busy" if attempt.stopped is None else "bad"
    took = seconds(stopped - attempt.started)
    code = "" if attempt.exit_code is None else f", exit code {attempt.exit_code}"
    told = f"attempt {attempt.number}: {took}{code}  {attempt.reason}"
    bar = tag(
        "rect",
        tag("title", told),
        x=f"{x:.1f}",
        y=y,
        width=f"{min(width, LABEL + WIDTH - x + 3):.1f}",
        height=HEIGHT - 7,
        rx=3,
        fill=f"var(--{colour})",
    )
    last = attempt.number == len(_attempts(job))
    shown = tag("text", took, x=f"{x + width + 6:.1f}", y=y + 12) if last else ""
    return join(bar, shown)
