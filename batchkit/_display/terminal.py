"""
Stacks, plans, runs and findings on a terminal.
"""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from batchkit._diagnosis.finding import Diagnosis, Severity
from batchkit._display import html as _html
from batchkit._display.diff import differences
from batchkit._display.progress import STYLES
from batchkit._display.text import printable, seconds
from batchkit._engine.plan import SIGNS, Plan
from batchkit._jobs.jobs import Job
from batchkit._model.display import as_rich
from batchkit._runs.run import Run
from batchkit.stack.stack import Stack

_COLOURS: Final = {
    _html.GOOD: "green",
    _html.BUSY: "yellow",
    _html.BAD: "red",
    _html.CALM: "dim",
}
_SEVERITIES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_JOBS: Final = 20


def word(status: str) -> Text:
    """
    A state in its colour.
    """
    return Text(printable(status), _COLOURS[_html.colour_of(status)])


@as_rich.register
def plan(made: Plan) -> RenderableType:
    """
    A plan as a diff.
    """
    lines = [Text.assemble((made.stack, "bold"), f": {made.summary}")]
    for item in made.changes:
        head = f"{SIGNS[item.action]} {item.action} {item.resource_type} "
        lines.append(Text(head, STYLES[item.action]).append(printable(item.name), "default"))
        lines += [_difference(*one) for change in item.changes for one in differences(change)]
    return Group(*lines)


def _difference(place: str, actual: str, wanted: str) -> Text:
    return Text.assemble(
        f"    {printable(place)}: ", (printable(actual), "red"), " → ", (printable(wanted), "green")
    )


@as_rich.register
def stack(stands: Stack) -> RenderableType:
    """
    The resources of a stack.
    """
    table = Table("kind", "name", "state", title=f"{stands.name} in {stands.region}", box=None)
    for one in stands.resources:
        state = one.state if isinstance(one.state, str) else ""
        table.add_row(one.type_name(), Text(printable(one.name)), word(state))
    return table


@as_rich.register
def run(told: Run) -> RenderableType:
    """
    A run with its jobs and last lines.
    """
    jobs = told.jobs
    table = Table("job", "state", "attempts", "exit code", "took", "reason", box=None)
    for job in jobs[:_JOBS]:
        table.add_row(*_job(job))
    more = [Text(f"and {len(jobs) - _JOBS} more", "dim")] if len(jobs) > _JOBS else []
    lines = [Text(f"  | {printable(line)}", "dim") for line in told.tail()]
    return Group(
        Text.assemble(("run ", "bold"), printable(told.name), " ", word(told.status)),
        *([table] if jobs else []),
        *more,
        *lines,
    )


def _job(job: Job) -> list[RenderableType]:
    name = job.name if job.index is None else f"{job.name} [{job.index}]"
    took = seconds(job.stopped - job.started) if job.started and job.stopped else ""
    code = "" if job.exit_code is None else str(job.exit_code)
    tried = str(len(job.attempts)) if job.attempts else ""
    return [Text(printable(name)), word(job.status), tried, code, took, Text(printable(job.reason))]


@as_rich.register
def diagnosis(found: Diagnosis) -> RenderableType:
    """
    Findings with what mends them.
    """
    if not found:
        return Text("✓ nothing is wrong", "green")
    return Group(
        *(
            Text.assemble(
                (f"{one.severity}: ", _SEVERITIES[one.severity]),
                (printable(one.subject), "bold"),
                f": {printable(one.message)}\n",
                (f"  fix: {printable(one.fix)}", "dim"),
            )
            for one in found
        )
    )


def line(told: Run) -> RenderableType:
    """
    A run on one line.
    """
    return Text.assemble(word(told.status), f"  {printable(told.name)}  ", (told.arn, "dim"))
