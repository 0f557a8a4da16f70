"""
The commands about runs: start one, follow it, see how it is, learn why it is stuck.
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
from batchkit._display.text import printable
from batchkit._jobs.logs import LogLine
from batchkit._preflight.preflight import preflight as inspect
from batchkit._runs.run import Run
from batchkit.cli.terminal import Exit, Terminal, on_stack, options
from batchkit.errors import RunNotFound
from batchkit.stack import verbs as stacks


def _pairs(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> Any:
    """
    `K=V` options as a dict.
    """
    wrong = [one for one in given if "=" not in one]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not of the form NAME=VALUE")
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
            terminal.notify(f"  | {printable(line)}")
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
            click.echo(_as_json(line) if terminal.json else printable(line))


def _as_json(line: LogLine) -> str:
    return json.dumps({"time": line.time.isoformat(), "job": line.job, "message": line})


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
        terminal.report(chosen, _told(chosen, jobs=True))
        return
    stack = stacks.describe_stack(terminal.stack(), session=terminal.session())
    runs = stack.runs(limit=5)
    states = {str(one): one.state if isinstance(one.state, str) else "" for one in stack.resources}
    data = {"stack": stack.name, "resources": states, "runs": [_told(one) for one in runs]}
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
    if ":" in given or given.count("-") == 4 and len(given) == 36:
        return Run.from_arn(given, session=session)
    runs = stacks.describe_stack(terminal.stack(), session=session).runs(limit=100 if given else 1)
    for one in runs:
        if not given or one.name == given:
            return one
    raise RunNotFound(f"there is no run {given!r} of that stack" if given else "no runs yet")


def _told(run: Run, *, jobs: bool = False) -> dict[str, Any]:
    """
    A run as JSON has it.
    """
    told: dict[str, Any] = {"arn": run.arn, "name": run.name, "status": run.status}
    if jobs:
        told["reason"] = run.reason
        told["jobs"] = [attrs.asdict(one, filter=_short) for one in run.jobs]
        told["log"] = list(run.tail())
    return told


def _short(attribute: Any, value: object) -> bool:
    return bool(attribute.name != "details")


@contextmanager
def _goes_on(run: Run) -> Iterator[None]:
    """
    If the block is interrupted, it is said that *run* goes on, and how to pick it up.
    """
    try:
        yield
    except KeyboardInterrupt:
        told = f"Interrupted; the run goes on.  To pick it up: batchkit logs -f {run.arn}"
        click.echo(f"\n{told}", err=True)
        raise


COMMANDS = (run, logs, status, diagnose, preflight, cancel)
