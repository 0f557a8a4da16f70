"""
The commands about runs: start one, follow it, see how far it is, learn why it is stuck.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import click
from rich.console import Group

from batchkit._diagnosis.finding import Diagnosis
from batchkit._display import terminal as _rich
from batchkit._display.text import state_of
from batchkit._jobs.logs import LogLine
from batchkit._preflight.preflight import preflight as inspect
from batchkit._printable import printable
from batchkit._runs.run import Run
from batchkit.cli.terminal import Exit, Terminal, on_stack, options
from batchkit.errors import RunNotFound
from batchkit.stack import verbs as stacks


def _pairs(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> Any:
    """
    `K=V` options as a dict.
    """
    wrong = [number for number, one in enumerate(given, 1) if "=" not in one]
    if wrong:  # it may be a value, which nothing shows
        raise click.BadParameter(f"number {wrong[0]} is not of the form NAME=VALUE")
    return dict(one.split("=", 1) for one in given)


@click.command()
@options
@on_stack
@click.option("-e", "--env", multiple=True, callback=_pairs, metavar="K=V", help="For the job.")
@click.option("--name", help="The name of the run and its job.")
@click.option("--wait", is_flag=True, help="Show its lines; exit code 3 if it fails.")
@click.pass_obj
def run(terminal: Terminal, env: Mapping[str, str], name: str | None, wait: bool) -> None:
    """
    Start the stack's job; print the ARN of the run.
    """
    stack = stacks.describe_stack(terminal.stack(), session=terminal.session())
    started = stack.run(env or None, name=name)
    terminal.report(started.arn, {"arn": started.arn, "name": started.name})
    if not wait:
        terminal.notify("Next: batchkit logs -f")
        return
    with _goes_on(started):
        for line in started.logs(follow=True):
            terminal.notify(f"  | {printable(line.text)}")
        started.wait()
    terminal.notify("SUCCEEDED")


@click.command()
@options
@on_stack
@click.argument("run", default="")
@click.option("-f", "--follow", is_flag=True, help="Show lines as they come, until the end.")
@click.pass_obj
def logs(terminal: Terminal, run: str, follow: bool) -> None:
    """
    Print the lines of a run.

    RUN is an ARN, a job's id or a name; the newest run without it.
    """
    chosen = _run(terminal, run)
    with _goes_on(chosen):
        for line in chosen.logs(follow):
            click.echo(_as_json(line) if terminal.json else printable(line.text))


def _as_json(line: LogLine) -> str:
    return json.dumps({"time": line.time.isoformat(), "job": line.job, "message": line.text})


@click.command()
@options
@on_stack
@click.argument("run", default="")
@click.pass_obj
def status(terminal: Terminal, run: str) -> None:
    """
    Show the stack and its newest runs, or one RUN.
    """
    if run:
        chosen = _run(terminal, run)
        terminal.report(chosen, {**_summary(chosen), **_details(chosen)})
        return
    stack = stacks.describe_stack(terminal.stack(), session=terminal.session())
    runs = stack.runs(limit=5)
    states = {str(one): state_of(one) for one in stack.resources}
    data = {"stack": stack.name, "resources": states, "runs": [_summary(one) for one in runs]}
    lines = [_rich.line(one) for one in runs]
    terminal.report(Group(_rich.stack(stack), "", *lines), data)


@click.command()
@options
@on_stack
@click.argument("run", default="")
@click.pass_obj
def diagnose(terminal: Terminal, run: str) -> int:
    """
    Say why jobs of the stack, or RUN, are stuck or have failed.
    """
    if run:
        found = _run(terminal, run).explain()
    else:
        stack = stacks.describe_stack(terminal.stack(), session=terminal.session())
        found = stack.diagnose()
    return _findings(terminal, found)


@click.command()
@options
@click.pass_obj
def preflight(terminal: Terminal) -> int:
    """
    Say what would stop `up`, before anything is made.
    """
    return _findings(terminal, inspect(terminal.spec(), session=terminal.session()))


@click.command()
@options
@on_stack
@click.argument("run", default="")
@click.option("--reason", default="cancelled by its user", show_default=True)
@click.pass_obj
def cancel(terminal: Terminal, run: str, reason: str) -> None:
    """
    End RUN, or the newest run, and its jobs.
    """
    chosen = _run(terminal, run)
    chosen.cancel(reason)
    terminal.notify(f"{chosen.name} is being ended")


def _findings(terminal: Terminal, found: Diagnosis) -> Exit:
    terminal.report(found, [attrs.asdict(one) for one in found])
    return Exit.JOB_FAILED if found.errors else Exit.DONE


def _run(terminal: Terminal, given: str) -> Run:
    """
    The run of that ARN or id, or of that name; the newest if none is given.
    """
    session = terminal.session()
    is_arn = ":" in given
    is_id = len(given) == 36 and given.count("-") == 4
    if is_arn or is_id:
        return Run.from_arn(given, session=session)
    stack = stacks.describe_stack(terminal.stack(), session=session)
    if not given:
        newest = stack.runs(limit=1)
        if not newest:
            raise RunNotFound("no runs yet")
        return newest[0]
    for one in stack.runs(limit=100):
        if one.name == given:
            return one
    raise RunNotFound(f"there is no run {given!r} of that stack")


def _summary(run: Run) -> dict[str, Any]:
    """
    A run as JSON has it in a list.
    """
    return {"arn": run.arn, "name": run.name, "status": run.status}


def _details(run: Run) -> dict[str, Any]:
    """
    What JSON has of a single run besides.
    """
    return {
        "reason": run.reason,
        "jobs": [attrs.asdict(job, filter=_not_details) for job in run.jobs],
        "log": [line.text for line in run.tail()],
    }


def _not_details(attribute: Any, value: object) -> bool:
    # The details are AWS's whole answer, with times and texts that JSON has already.
    return bool(attribute.name != "details")


@contextmanager
def _goes_on(run: Run) -> Iterator[None]:
    """
    If the block is interrupted, the user reads that *run* goes on, and how to pick it up.
    """
    try:
        yield
    except KeyboardInterrupt:
        message = f"Interrupted; the run goes on.  To pick it up: batchkit logs -f {run.arn}"
        click.echo(f"\n{message}", err=True)
        raise


COMMANDS = (run, logs, status, diagnose, preflight, cancel)
