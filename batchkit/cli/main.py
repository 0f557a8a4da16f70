"""
The command `batchkit`: a thin layer over the public functions.
"""

from __future__ import annotations

import atexit
import gc
import json
from pathlib import Path
from typing import Any

import attrs
import click

from batchkit._preflight.instances import instance_types
from batchkit._version import VERSION
from batchkit.cli import outputs as _outputs, runs as _commands, scaffold as _scaffold
from batchkit.cli.terminal import Commands, Exit, Terminal, on_stack, options
from batchkit.stack import verbs as stacks
from batchkit.stack.at_work import at_work

EPILOG = """
\b
Exit codes:
  0    done
  1    it failed; the last line on standard error says why and what to do
  2    plan: there are changes
  3    a job failed, or diagnose has found an error
  64   wrong usage, or a batchkit.toml that can't be used
  130  interrupted (Ctrl-C)

\b
Tab completion: add to ~/.bashrc (or zsh, fish)
  eval "$(batchkit completion bash)"
"""


@click.group(
    "batchkit",
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@options
@click.version_option(VERSION, "--version", message="batchkit %(version)s")
def main() -> None:
    """
    AWS Batch: from a folder with a Dockerfile to a running, watched, explained job.

    A first stack: batchkit init; batchkit up; batchkit run --wait; batchkit down.
    """
    # botocore's models are large, and Python would collect garbage in them once more at its exit.
    atexit.register(gc.freeze)


@main.command()
@options
@click.argument("name", default="")
@click.option("--folder", default="job", show_default=True, help="The folder of the job.")
@click.pass_obj
def init(terminal: Terminal, name: str, folder: str) -> None:
    """
    Write a batchkit.toml and a job that works.

    The stack is called NAME; hello without one.
    """
    written = _scaffold.write(Path("."), name or "hello", folder)
    terminal.report("\n".join(map(str, written)), [str(path) for path in written])
    terminal.notify("Next: batchkit up")


@main.command()
@options
@click.option("--vcpus", default=1, show_default=True, help="vCPUs of the job.")
@click.option("--memory", default=2048, show_default=True, help="MiB of the job.")
@click.option("--gpus", default=0, show_default=True, help="NVIDIA GPUs of the job.")
@click.option("--architecture", default="X86_64", show_default=True, help="Or ARM64.")
@click.pass_obj
def types(terminal: Terminal, vcpus: int, memory: int, gpus: int, architecture: str) -> None:
    """
    List the EC2 instance types that a job fits on.

    The smallest come first, each with its zones.  The memory is what a job can have for certain;
    the system takes the rest.
    """
    found = instance_types(
        vcpus=vcpus,
        memory=memory,
        gpus=gpus,
        architecture=architecture,
        session=terminal.session(),
    )
    terminal.report("\n".join(map(str, found)), [attrs.asdict(one) for one in found])


@main.command()
@options
@click.option("--adopt", is_flag=True, help="Take over what has the stack's names.")
@click.option("--show-values", is_flag=True, help="Show the values of environment variables.")
@click.pass_obj
def plan(terminal: Terminal, adopt: bool, show_values: bool) -> int:
    """
    Show what `up` would change; exit code 2 if anything.

    Of environment variables it shows names, and that a value changes.
    """
    made = stacks.plan_stack(terminal.spec(), session=terminal.session(), adopt=adopt)
    made = made.with_values() if show_values else made
    terminal.report(made, _outputs.plan(made))
    return Exit.DONE if made.empty else Exit.CHANGES


@main.command()
@options
@click.option("--adopt", is_flag=True, help="Take over what has the stack's names.")
@click.pass_obj
def up(terminal: Terminal, adopt: bool) -> None:
    """
    Create, update or leave alone what batchkit.toml asks for.
    """
    spec, session = terminal.spec(), terminal.session()
    with terminal.standing("up") as listener:
        stack = stacks.ensure_stack(spec, session=session, on_event=listener, adopt=adopt)
    changes = len(stack.plan.changes)
    terminal.report(f"{stack.name} stands; {changes} changes", _outputs.plan(stack.plan))


@main.command()
@options
@on_stack
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--delete-data", is_flag=True, help="Delete the stack's table and bucket too.")
@click.pass_obj
def down(terminal: Terminal, yes: bool, delete_data: bool) -> None:
    """
    Delete everything that the stack owns.

    Its table and bucket stay without --delete-data.
    """
    name, session = terminal.stack(), terminal.session()
    what = f"{name} and its data" if delete_data else name
    if not yes:
        click.echo(f"{name} in {at_work(name, session=session)}.", err=True)
        click.confirm(f"Delete the stack {what}?", abort=True, err=True)
    with terminal.standing("down") as listener:
        done = stacks.destroy_stack(
            name, session=session, delete_data=delete_data, on_event=listener
        )
    terminal.report(str(done), {"deleted": done.deleted, "kept": done.kept})


@main.command("list")
@options
@click.pass_obj
def list_(terminal: Terminal) -> None:
    """
    List the stacks of this account and region.
    """
    names = stacks.list_stacks(session=terminal.session())
    terminal.report("\n".join(names) or "no stacks here", names)


@main.command()
@options
@click.option("--part", type=click.IntRange(1), help="Only this one of the documents that fit IAM.")
@click.pass_obj
def policy(terminal: Terminal, part: int | None) -> None:
    """
    Print the IAM policy that `up`, `run` and `down` need.
    """
    document = stacks.stack_policy(terminal.spec(), session=terminal.session())
    parts = document.documents
    if part is not None and part > len(parts):
        raise click.BadParameter(f"there are {len(parts)} documents", param_hint="--part")
    if part is None and len(parts) > 1:
        message = f"a managed policy of IAM takes less: see --part 1 to --part {len(parts)}"
        click.echo(message, err=True)
    click.echo(json.dumps(parts[part - 1] if part else document, indent=2))


@main.command()
@options
@on_stack
@click.option("--format", "form", type=click.Choice(list(_outputs.FORMATS)), default="env")
@click.pass_obj
def outputs(terminal: Terminal, form: str) -> None:
    """
    Print the ARNs and ids of what the stack has.
    """
    stack = stacks.describe_stack(terminal.stack(), session=terminal.session())
    found = _outputs.variables(stack.name, stack.region, stack.resources)
    click.echo(_outputs.FORMATS["json" if terminal.json else form](found))


@main.command()
@options
@click.pass_obj
def demo(terminal: Terminal) -> None:
    """
    Show all of it in a minute, without an account.
    """
    from batchkit.demo import demo as show

    show(terminal.out)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """
    Print what makes SHELL complete this command.
    """
    from click.shell_completion import get_completion_class

    completion_class: Any = get_completion_class(shell)
    click.echo(completion_class(main, {}, "batchkit", "_BATCHKIT_COMPLETE").source())


for command in _commands.COMMANDS:
    main.add_command(command)
