"""
The command's surroundings: its options, its streams, its exit codes, and how it reports errors.
"""

from __future__ import annotations

import enum
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3
import click
from attrs import define
from botocore.exceptions import BotoCoreError
from rich.console import Console
from rich.text import Text

from batchkit import local
from batchkit._display.progress import Progress, progress
from batchkit._engine import failures as _failures
from batchkit._engine.session import new_session
from batchkit._model.confidential import masked
from batchkit._printable import printable_lines
from batchkit.cli import config as _config
from batchkit.errors import BatchkitError, ConfigError, JobFailed, SpecError
from batchkit.spec import StackSpec

F = TypeVar("F", bound=Callable[..., Any])


class Exit(enum.IntEnum):
    """
    How the command ends; `batchkit --help` lists them.
    """

    DONE = 0
    FAILED = 1
    CHANGES = 2
    JOB_FAILED = 3
    USAGE = 64
    INTERRUPTED = 130


@define
class Terminal:
    """
    The common options, and where output goes.
    """

    profile: str | None = None
    region: str | None = None
    config: str = _config.FILE
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    of_stack: str | None = None

    @property
    def out(self) -> Console:
        """
        Where results go.
        """
        return Console(highlight=False, soft_wrap=True)

    @property
    def err(self) -> Console:
        """
        Where progress and errors go.
        """
        return Console(stderr=True, highlight=False, soft_wrap=True, quiet=self.quiet)

    def session(self) -> boto3.Session:
        """
        A session of the chosen profile and region, or of the embedded AWS in this process.
        """
        embedded = local.active()
        if embedded is not None and not (self.profile or self.region):
            return embedded
        try:
            return new_session(self.profile, self.region)
        except BotoCoreError as error:
            raise _failures.unreachable("any", error) from error

    def spec(self) -> StackSpec:
        """
        The spec in the `batchkit.toml`.
        """
        return _config.load_spec(self.config)

    def stack(self) -> str:
        """
        The name of the stack: the option's, or that in the `batchkit.toml`.
        """
        if self.of_stack:
            return self.of_stack
        if not Path(self.config).exists():
            msg = f"there is no {self.config} that says which stack: name it with --stack"
            raise ConfigError(msg)
        return self.spec().name

    def notify(self, text: object) -> None:
        """
        A line for the user, beside the results.
        """
        self.err.print(text if isinstance(text, Text) else Text(printable_lines(str(text))))

    def report(self, text: object, data: Any) -> None:
        """
        A result: *text*, or *data* as JSON.
        """
        if self.json:
            click.echo(json.dumps(masked(data), indent=2, default=str))
        else:
            self.out.print(Text(text) if isinstance(text, str) else text)

    @contextmanager
    def standing(self, command: str) -> Iterator[Progress]:
        """
        A listener for the block, which shows progress; an interrupt reports what was done.
        """
        with progress(self.err, verbose=self.verbose) as listener:
            try:
                yield listener
            except KeyboardInterrupt:
                click.echo(f"\nInterrupted.  {listener.summary}", err=True)
                click.echo(f"`batchkit {command}` again goes on from here.", err=True)
                raise


def options(command: F) -> F:
    """
    *command* with the options that all commands have; their values go into its `Terminal`.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    terminal = context.ensure_object(Terminal)
    if value:
        setattr(terminal, str(parameter.name), value)


def _option(*names: str, **given: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_keep, **given)


_OPTIONS = (
    _option("--profile", metavar="NAME", help="The AWS profile."),
    _option("--region", metavar="NAME", help="The AWS region."),
    _option("-c", "--config", metavar="FILE", help=f"Instead of {_config.FILE}."),
    _option("--json", is_flag=True, help="Results as JSON."),
    _option("-q", "--quiet", is_flag=True, help="Only results and errors."),
    _option("-v", "--verbose", is_flag=True, help="All events, and tracebacks of errors."),
)
on_stack = _option(
    "-s", "--stack", "of_stack", metavar="NAME", help="Instead of the config's stack."
)


class Commands(click.Group):
    """
    A group of commands that report an error in a line, and end with the exit codes of `Exit`.
    """

    def main(self, *args: Any, **given: Any) -> Any:
        """
        Runs a command and ends the process; see `Exit`.
        """
        # click hands `obj` to the context, and the options write into it: so it is known here how
        # to report an error, even one that left no context behind.
        terminal = given.setdefault("obj", Terminal())
        given["standalone_mode"] = False  # click's own exit codes are 1 and 2
        try:
            code = super().main(*args, **given)
        except BaseException as error:
            code = _report(error, verbose=terminal.verbose)
        sys.exit(int(code or 0))


def _report(error: BaseException, *, verbose: bool) -> Exit:
    """
    Writes *error* to standard error; returns how the command ends.
    """
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, click.ClickException):
        error.show()
        return Exit.USAGE
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return Exit.INTERRUPTED
    if verbose:
        traceback.print_exception(error)
    else:
        click.echo(_line(error), err=True)
    return _exit(error)


def _line(error: BaseException) -> str:
    text = printable_lines(str(error))
    if isinstance(error, BatchkitError):
        return f"Error: {text}"
    return f"Error: {type(error).__name__}: {text} (-v shows where)"


def _exit(error: BaseException) -> Exit:
    if isinstance(error, (SpecError, ConfigError)):
        return Exit.USAGE
    return Exit.JOB_FAILED if isinstance(error, JobFailed) else Exit.FAILED
