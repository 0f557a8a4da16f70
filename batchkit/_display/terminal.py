"""
Stacks, plans, runs and findings on a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from batchkit._diagnosis.finding import Diagnosis, Finding, Severity
from batchkit._display import html as _html
from batchkit._display.diff import differences
from batchkit._display.progress import STYLES
from batchkit._display.text import label_of, seconds, state_of
from batchkit._engine.plan import SIGNS, Plan
from batchkit._jobs.jobs import Job
from batchkit._model.display import as_rich
from batchkit._printable import printable
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
        for change in item.changes:
            lines += [_difference(*place) for place in differences(change)]
    for item in made.waiting:
        name = f"{item.resource_type} {printable(item.name)}"
        lines += [Text(f"… {name} {printable(str(held))}", "dim") for held in item.waits]
    return Group(*lines)


def _difference(place: str, actual: str, wanted: str) -> Text:
    return Text.assemble(
        f"    {printable(place)}: ", (printable(actual), "red"), " → ", (printable(wanted), "green")
    )


@as_rich.register
def stack(described: Stack) -> RenderableType:
    """
    The resources of a stack.
    """
    title = f"{described.name} in {described.region}"
    table = Table("type", "name", "state", title=title, box=None)
    for one in described.resources:
        table.add_row(one.type_name(), Text(printable(one.name)), word(state_of(one)))
    return table


@as_rich.register
def run(followed: Run) -> RenderableType:
    """
    A run with its jobs and last lines.
    """
    name, status = printable(followed.name), word(followed.status)
    parts: list[RenderableType] = [Text.assemble(("run ", "bold"), name, " ", status)]
    jobs = followed.jobs
    if jobs:
        parts.append(_table(jobs[:_JOBS]))
    if len(jobs) > _JOBS:
        parts.append(Text(f"and {len(jobs) - _JOBS} more", "dim"))
    parts += [Text(f"  | {printable(line.text)}", "dim") for line in followed.tail()]
    return Group(*parts)


def _table(jobs: Sequence[Job]) -> Table:
    table = Table("job", "state", "attempts", "exit code", "took", "reason", box=None)
    for job in jobs:
        table.add_row(*_job(job))
    return table


def _job(job: Job) -> list[RenderableType]:
    """
    The row of a job.
    """
    name, reason = Text(printable(label_of(job))), Text(printable(job.reason))
    attempts = str(len(job.attempts)) if job.attempts else ""
    code = "" if job.exit_code is None else str(job.exit_code)
    took = seconds(job.stopped - job.started) if job.started and job.stopped else ""
    return [name, word(job.status), attempts, code, took, reason]


@as_rich.register
def diagnosis(found: Diagnosis) -> RenderableType:
    """
    Findings with what repairs them.
    """
    if not found:
        return Text("✓ nothing is wrong", "green")
    return Group(*[_finding(one) for one in found])


def _finding(finding: Finding) -> Text:
    return Text.assemble(
        (f"{finding.severity}: ", _SEVERITIES[finding.severity]),
        (printable(finding.subject), "bold"),
        f": {printable(finding.message)}\n",
        (f"  fix: {printable(finding.fix)}", "dim"),
    )


def line(followed: Run) -> RenderableType:
    """
    A run on one line.
    """
    name = printable(followed.name)
    return Text.assemble(word(followed.status), f"  {name}  ", (followed.arn, "dim"))
