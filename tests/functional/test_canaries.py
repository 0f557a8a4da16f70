"""
Canaries: no value of a variable comes out of anything that can be printed.

A value that goes into `environment`, or into the overrides of a run, is looked for in every text
that batchkit makes of a stack's life; `--show-values` is the one way to see it.
"""

from __future__ import annotations

import io
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from fakes import FakeClock
from rich.console import Console

from batchkit import (
    AwsError,
    Event,
    JobDefinition,
    SpecError,
    Stack,
    StackSpec,
    describe_stack,
    ensure_stack,
    load_spec,
    local_aws,
    plan_stack,
    preflight,
)
from batchkit._blueprint.blueprint import resources
from batchkit._engine.aws import Aws
from batchkit._model.calls import Operation
from batchkit._model.confidential import Confidential
from batchkit._runs.start import Submission
from batchkit.cli.main import main
from batchkit.local import LocalSession

CANARY = "S3CR3T-canary"
NAMES = {"PASSWORD": CANARY, "TOKEN": f"x{CANARY}"}
TOML = f"""
[environment]
PASSWORD = "{CANARY}"
"""


def printed(value: Any) -> str:
    """
    Everything that a terminal, a notebook or a log can make of *value*.
    """
    console = Console(record=True, width=400, file=io.StringIO())
    console.print(value)
    texts = [repr(value), str(value), f"{value}", console.export_text()]
    if hasattr(value, "_repr_html_"):
        texts.append(value._repr_html_())
    return "\n".join(texts)


def raised(call: Callable[[], object], error: type[Exception] = SpecError) -> str:
    """
    All that is printed of the error that *call* raises, its causes included.
    """
    with pytest.raises(error) as caught:
        call()
    return printed(caught.value) + "".join(traceback.format_exception(caught.value))


@pytest.fixture(scope="module")
def session() -> Iterator[LocalSession]:
    with local_aws(docker=False, environment=NAMES) as session:
        yield session


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, session: LocalSession) -> Iterator[Path]:
    """
    A folder with a job and a file whose variables have canaries, as `batchkit init` begins it.
    """
    before, folder = Path.cwd(), tmp_path_factory.mktemp("project")
    os.chdir(folder)
    assert CliRunner().invoke(main, ["init", "films"]).exit_code == 0
    file = Path("batchkit.toml")
    written = re.sub(r"\n\[environment\](\n\w.*)*", TOML, file.read_text(encoding="utf-8"))
    file.write_text(written, encoding="utf-8")
    yield folder
    os.chdir(before)


@pytest.fixture(scope="module")
def stood(
    here: Path, session: LocalSession
) -> tuple[Stack, list[Event], StackSpec, list[logging.LogRecord]]:
    """
    The stack, which has run once, with the events and the lines of the log that its making gave.
    """
    events: list[Event] = []
    records: list[logging.LogRecord] = []
    handler: Any = logging.Handler()
    logger, handler.emit = logging.getLogger("batchkit"), records.append
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    spec = load_spec("batchkit.toml")
    stack = ensure_stack(spec, session=session, on_event=events.append, clock=FakeClock())
    logger.removeHandler(handler)
    logger.setLevel(level)
    describe_stack("films", session=session).run({"TOKEN": CANARY}).wait(check=False)
    return stack, events, spec, records


def test_values_of_a_stack_are_not_printed(stood: Any, session: LocalSession) -> None:
    """
    Not of the spec, its resources, the stack, a description, an event, a log line, or a picture.
    """
    stack, events, spec, records = stood
    assert spec.environment["PASSWORD"] == CANARY
    texts = [printed(one) for one in (spec, stack, describe_stack("films", session=session))]
    texts += [printed(one) for one in (*resources(spec, "us-east-1"), *stack.resources, *events)]
    texts += [record.getMessage() for record in records]
    texts += [printed(stack.diagnose()), printed(preflight(spec, session=session))]
    assert CANARY not in "\n".join(texts)
    assert "PASSWORD" in "\n".join(texts)
    assert len(records) >= len(events) > 10


def test_a_plan_says_that_a_value_changes(stood: Any, session: LocalSession) -> None:
    """
    As text, as HTML, on a terminal, and with its calls; the values are there for who asks.
    """
    spec = attrs.evolve(stood[2], environment={"PASSWORD": f"{CANARY}-2", "NEW": CANARY})
    changed = plan_stack(spec, session=session)
    fresh = plan_stack(attrs.evolve(spec, name="others"), session=session)
    assert CANARY not in printed(changed) + printed(fresh)
    assert "environment.PASSWORD" in changed._repr_html_()
    assert f"{CANARY}-2" in changed.with_values()._repr_html_()
    for text in (repr(fresh.with_values()), str(changed.with_values())):
        assert CANARY in text


def test_values_of_a_run_are_not_printed(stood: Any, session: LocalSession) -> None:
    """
    Neither the overrides of an execution or a job, nor the items of a fan-out.
    """
    stack = describe_stack("films", session=session)
    runs = [stack.run(NAMES), stack.submit(environment=NAMES)]
    mapped = stack.map([CANARY, {"x": CANARY}], environment=NAMES)
    texts = [printed(one) for run in runs for one in (run, run.wait(60, check=False), run.jobs)]
    texts += [printed(run.explain()) for run in runs]
    texts += [printed(mapped), printed(mapped.run), *map(printed, mapped)]
    assert mapped[0].item == CANARY
    assert CANARY not in "\n".join(texts)


@pytest.mark.parametrize(
    "words",
    [
        ["up", "-v"],
        ["up", "--json"],
        ["plan"],
        ["plan", "--json"],
        ["run", "--wait", "-e", f"TOKEN={CANARY}"],
        ["run", "--json", "-e", f"TOKEN={CANARY}"],
        ["run", "-e", CANARY],
        ["run", "-v", "-e", f"BAD-NAME={CANARY}"],
        ["status"],
        ["status", "--json"],
        ["logs"],
        ["outputs"],
        ["diagnose", "--json"],
        ["preflight"],
        ["policy"],
    ],
    ids=" ".join,
)
def test_the_command_prints_no_value(stood: Any, words: list[str]) -> None:
    """
    Neither on standard output nor on standard error, whether it succeeds or not.
    """
    result = CliRunner().invoke(main, words)
    assert result.exit_code in (0, 64), result.output
    assert result.output
    assert CANARY not in result.output


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_plan_shows_values_where_it_is_asked_to(stood: Any, form: list[str]) -> None:
    """
    And only there; names are shown in any case.
    """
    text = Path("batchkit.toml").read_text(encoding="utf-8")
    Path("other.toml").write_text(text.replace(CANARY, f"{CANARY}-2"), encoding="utf-8")
    words = ["plan", "-c", "other.toml", *form]
    hidden = CliRunner().invoke(main, words)
    assert hidden.exit_code == 2
    assert CANARY not in hidden.output
    assert "PASSWORD" in hidden.output
    assert f"{CANARY}-2" in CliRunner().invoke(main, [*words, "--show-values"]).output


WRONG: list[Any] = [
    {"BAD-NAME": CANARY, "OK": CANARY},
    {"OK": CANARY, "A": 1},
    {"A": [CANARY]},
    {f"A={CANARY}": "x"},
    {(CANARY,): "x"},
    {"A": CANARY.encode()},
    [f"A={CANARY}"],
    f"A={CANARY}",
    CANARY.encode(),
]


@pytest.mark.parametrize("given", WRONG, ids=lambda given: type(given).__name__)
def test_an_error_about_variables_prints_no_value(stood: Any, given: Any) -> None:
    """
    It names the variable that is wrong; whoever raises it.
    """
    stack: Stack = stood[0]
    role = "arn:aws:iam::1:role/r"
    definition = JobDefinition(name="films", image="a:b", execution_role=role)
    calls: list[Callable[[], object]] = [
        lambda: StackSpec(name="films", image="a:b", environment=given),
        lambda: StackSpec(name="films", image="a:b", secrets=given),
        lambda: JobDefinition(name="f", image="a:b", execution_role=role, environment=given),
        lambda: Submission(
            queue="q", definition=definition, name="n", given={"environment": given}
        ),
        lambda: stack.run(given),
        lambda: stack.submit(environment=given),
        lambda: stack.map([1, 2], environment=given),
        lambda: local_aws(environment=given).__enter__(),
    ]
    assert [one for one in calls if CANARY in raised(one)] == []


def test_variables_that_are_too_large_are_not_printed(stood: Any) -> None:
    """
    Only how large they are.
    """
    stack, large = stood[0], {"A": CANARY * 3000}
    texts = [
        raised(lambda: StackSpec(name="films", image="a:b", environment=large)),
        raised(lambda: stack.run(large)),
        raised(lambda: stack.submit(environment=large)),
        raised(lambda: stack.map([1, 2], environment=large)),
    ]
    assert CANARY not in "\n".join(texts)


def test_items_that_are_refused_are_not_printed(stood: Any) -> None:
    """
    Only which of them, and why.
    """
    stack: Stack = stood[0]
    texts = [raised(lambda: stack.map([1, {CANARY}])), raised(lambda: stack.map([CANARY * 1000]))]
    assert CANARY not in "\n".join(texts)
    assert "a set as item 1" in texts[0]


def test_what_aws_or_botocore_repeats_is_hidden(session: LocalSession) -> None:
    """
    Their messages name parameters with their values: no word of these is passed on.
    """
    aws = Aws(session, FakeClock())
    entry = {"name": "A", "value": Confidential(CANARY), "wrong": Confidential(CANARY)}
    register, submit = Operation("batch", "RegisterJobDefinition"), Operation("batch", "SubmitJob")
    calls: list[Callable[[], object]] = [
        lambda: aws.call(submit(jobName=[Confidential(CANARY)], jobQueue="q")),
        lambda: aws.call(submit(jobName="n", jobQueue=Confidential(CANARY), jobDefinition="d")),
        lambda: aws.call(register(jobDefinitionName="d", type={"environment": [entry]})),
        lambda: aws.call(register(jobDefinitionName="d", type=Confidential(CANARY))),
    ]
    texts = [raised(one, AwsError) for one in calls]
    assert CANARY not in "\n".join(texts)
    assert "ParamValidationError" in texts[0]
