"""
The command, as a new user types it, on an embedded AWS in the same process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from batchkit import Action, Event, Phase, Run, describe_stack, local_aws
from batchkit.cli import runs as _commands
from batchkit.cli.main import main
from batchkit.cli.terminal import Exit, Terminal
from command import Cli

COMMAND = "from batchkit.cli.main import main; main(prog_name='batchkit')"
HOSTILE = "import os; print('\\x1b[31mred\\x1b[0m \\x07 [bold]x[/] </pre><script>', flush=True)"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    here = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("project"))
    with local_aws(docker=False) as session:
        made = Cli(session)
        made("init", "films")
        made("up", "-q")
        yield made
    os.chdir(here)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    An empty folder, in which commands run.
    """
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_lines_and_failures_of_runs(cli: Cli) -> None:
    """
    A failed run ends with 3, its lines and the explanation.
    """
    failed = cli("run", "--wait", "-e", "GREETING=", code=Exit.JOB_FAILED)
    arn = failed.stdout.strip()
    assert "GREETING is not set" in failed.stderr and "fix:" in failed.stderr
    assert cli("logs").stdout == cli("logs", "-f", arn).stdout == "GREETING is not set\n"
    assert json.loads(cli("logs", "--json").stdout)["message"] == "GREETING is not set"
    name = arn.rpartition(":")[2]
    assert cli("logs", name).stdout == "GREETING is not set\n"
    assert cli.data("status", arn)["jobs"][0]["exit_code"] == 2
    assert "GREETING is not set" in cli("status", name).stdout
    assert "program ended with exit code 2" in cli("diagnose", code=Exit.JOB_FAILED).stdout
    assert cli.data("diagnose", name, code=Exit.JOB_FAILED)[0]["rule"] == "program-failed"
    assert cli("run", "--wait", "-e", "GREETING=Moin=x").stderr == "  | Moin=x!\nSUCCEEDED\n"
    assert "nothing is wrong" in cli("diagnose").stdout
    assert cli.data("status")["runs"][0]["status"] == "SUCCEEDED"


def test_a_run_is_cancelled_by_name(cli: Cli) -> None:
    """
    And its end is told.
    """
    arn = cli.data("run", "--name", "to-cancel")["arn"]
    assert "is being ended" in cli("cancel", "to-cancel", "--reason", "enough").stderr
    Run.from_arn(arn, session=cli.session).wait(30, check=False)
    assert "no run 'nope'" in cli("logs", "nope", code=Exit.FAILED).stderr


def test_outputs_are_for_programs(cli: Cli) -> None:
    """
    The same names in every format.
    """
    given = json.loads(cli("outputs", "--format", "json").stdout)
    assert given["STACK"] == "films" and given["JOB_QUEUE"].endswith("job-queue/films")
    assert given["ROLE_JOB"].endswith("films_job-us-east-1")
    assert f"VPC={given['VPC']}\n" in cli("outputs").stdout
    assert f"VPC := {given['VPC']}\n" in cli("outputs", "--format", "make").stdout
    assert cli.data("outputs") == given


def test_policy_and_preflight(cli: Cli) -> None:
    """
    The policy is a document; nothing stands in the way of the stack.
    """
    statements = cli.data("policy")["Statement"]
    actions = {action for one in statements for action in one["Action"]}
    assert {"states:StartExecution", "batch:SubmitJob", "logs:GetLogEvents"} <= actions
    assert {"ec2:Describe*", "servicequotas:GetServiceQuota"} <= actions
    assert cli.data("policy", "--part", "1")["Statement"] == statements
    assert "there are 1 documents" in cli("policy", "--part", "2", code=Exit.USAGE).stderr
    assert cli.data("preflight") == []


def test_plans_are_data_too(cli: Cli, empty: Path) -> None:
    """
    What differs, from what to what.
    """
    cli("init", "films")
    config = empty / "batchkit.toml"
    config.write_text(config.read_text().replace("timeout = 3600", "timeout = 600"))
    plan = cli.data("plan", code=Exit.CHANGES)
    changes = {one["resource_type"]: one for one in plan["changes"]}
    assert changes["JobDefinition"]["fields"]["timeout"] == [3600, 600]
    assert changes["JobDefinition"]["calls"] == ["batch:RegisterJobDefinition"]
    shown = cli("plan", code=Exit.CHANGES).stdout
    assert "timeout: 3600 → 600" in shown and "definition.TimeoutSeconds: 7200 → 4200" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nope"], "No such command"),
        (["plan", "--nope"], "No such option"),
        (["run", "-s", "films", "-e", "X"], "NAME=VALUE"),
        (["plan"], "batchkit init"),
        (["logs"], "--stack"),
        (["init", "Not_A_Name"], "lower-case"),
        (["logs", "-s", "films", "arn:x"], "expects the ARN"),
    ],
)
def test_wrong_usage_is_told_apart_from_changes(
    words: list[str], told: str, cli: Cli, empty: Path
) -> None:
    """
    64, on standard error, without a traceback.
    """
    result = cli(*words, code=Exit.USAGE)
    assert told in result.stderr and "Traceback" not in result.stderr and not result.stdout


def test_an_error_is_one_line_unless_more_is_wanted(cli: Cli) -> None:
    """
    -v shows where; it may stand before or behind the command.
    """
    quiet = cli("outputs", "-s", "nothing", code=Exit.FAILED)
    assert quiet.stderr.startswith("Error: there is no stack 'nothing'")
    assert len(quiet.stderr.splitlines()) == 1
    for words in (["-v", "outputs", "-s", "nothing"], ["outputs", "-s", "nothing", "-v"]):
        assert "Traceback" in cli(*words, code=Exit.FAILED).stderr


def test_a_profile_that_isnt_there_is_said(cli: Cli) -> None:
    """
    With what to do.
    """
    result = cli("list", "--profile", "nobody", code=Exit.FAILED)
    assert "nobody" in result.stderr and "AWS_PROFILE" in result.stderr


def test_a_teardown_asks_first(cli: Cli) -> None:
    """
    No is no; nothing is deleted.  It says where the stack is, and how many jobs would be ended.
    """
    for run in describe_stack("films", session=cli.session).runs():
        run.wait(30, check=False)
    result = cli("down", input="n\n", code=Exit.INTERRUPTED)
    where = "films in account 123456789012, region us-east-1: "
    assert where + "none of its jobs waits or runs." in result.stderr
    batch = cli.session.client("batch")
    sleep = {"command": ["python", "-c", "import time; time.sleep(60)"]}
    job = {"jobName": "long", "jobQueue": "films", "jobDefinition": "films"}
    first = batch.submit_job(**job, containerOverrides=sleep)["jobId"]
    second = batch.submit_job(**job, dependsOn=[{"jobId": first}])["jobId"]
    asked = cli("down", input="n\n", code=Exit.INTERRUPTED)
    for one in (second, first):
        batch.terminate_job(jobId=one, reason="seen")
    assert where + "2 of its jobs wait or run, and will be ended." in asked.stderr
    assert "Delete the stack films?" in result.stderr
    assert cli("list").stdout == "films\n"


def test_an_interrupt_says_what_stands(cli: Cli) -> None:
    """
    Of a stack: that the same command goes on.  Of a run: how to pick it up.
    """
    run = Run.from_arn(cli("run").stdout.strip(), session=cli.session)
    up = _interrupted(Terminal().standing("up"), _an_event_each)
    assert "Done: create Vpc films.  Under way: Subnet films-a." in up
    assert "`batchkit up` again goes on" in up
    assert f"batchkit logs -f {run.arn}" in _interrupted(_commands._goes_on(run))


def _an_event_each(listener: Any) -> None:
    listener(Event("Vpc", "films", Action.CREATE, Phase.DONE))
    listener(Event("Subnet", "films-a", Action.CREATE, Phase.STARTED))


def _interrupted(block: Any, meanwhile: Callable[[Any], None] = print) -> str:
    """
    What is said when *block* is interrupted.
    """

    @click.command()
    def wait() -> None:
        with block as given:
            meanwhile(given)
            raise KeyboardInterrupt

    return CliRunner().invoke(wait).stderr


def test_hostile_lines_dont_steer_the_terminal(cli: Cli) -> None:
    """
    Colours are dropped, other controls are shown; markup stays a text.
    """
    run = describe_stack("films", session=cli.session).submit(["python", "-c", HOSTILE])
    run.wait(30)
    shown = cli("logs", run.arn).stdout
    assert shown == "red \\x07 [bold]x[/] </pre><script>\n"
    assert shown.strip() in cli("status", run.arn).stdout
    page = run._repr_html_()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_help_version_and_completion() -> None:
    """
    In a process of its own; every command has a line, none is cut off.
    """

    def words(*given: str, **environment: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *given],
            env={"PYTHONPATH": ":".join(sys.path), **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert words("--version").startswith("batchkit 0.")
    told = words("--help")
    assert "Exit codes" in told and "completion bash" in told
    assert "..." not in told.partition("\n")[2]
    assert all(f"\n  {name} " in told for name in main.commands)
    assert "_BATCHKIT_COMPLETE=bash_complete" in words("completion", "bash")
    tab = {"_BATCHKIT_COMPLETE": "bash_complete", "COMP_WORDS": "batchkit di", "COMP_CWORD": "1"}
    assert words(**tab) == "plain,diagnose\n"


def test_the_package_is_the_command_too() -> None:
    """
    Where the script isn't on the path, `python -m batchkit` is the same.
    """
    shown = subprocess.run(
        [sys.executable, "-m", "batchkit", "--help"],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("Usage: batchkit [OPTIONS] COMMAND")
