"""
Errors outside: they go from process to process, and onto a terminal, whatever they hold.
"""

from __future__ import annotations

import copy
import inspect
import logging
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, strategies as st

from batchkit import (
    Action,
    BatchkitError,
    Diagnosis,
    Event,
    Finding,
    Phase,
    Plan,
    Severity,
    SpecError,
    StackSpec,
    errors,
)
from batchkit._engine.failures import translate
from batchkit._engine.plan import Item
from batchkit._model.calls import Operation
from batchkit.errors import ApplyError, AwsError, CredentialsError, JobFailed, Problem
from batchkit.events import listeners

HOSTILE = "a\x1b[2J\x1b]0;x\x07b\u202ec\rd"
EVENT = Event("Vpc", HOSTILE, Action.CREATE, Phase.DONE, HOSTILE)


def examples() -> Iterator[BatchkitError]:
    """
    One error of each class, with everything that it can hold.
    """
    for error_class in vars(errors).values():
        if inspect.isclass(error_class) and issubclass(error_class, BatchkitError):
            yield example(error_class)


def example(error_class: type[BatchkitError]) -> BatchkitError:
    if issubclass(error_class, SpecError):
        return error_class("films", [Problem("name", 5, "a name"), Problem("a", print, "a text")])
    if issubclass(error_class, AwsError):
        return error_class(
            "ec2:CreateVpc", "Code", "Message.", request_id="1", resource="Vpc films"
        )
    if issubclass(error_class, ApplyError):
        return error_class("x", failed=[("Vpc", AwsError("a", "b", "c"))], not_started=["Role"])
    return error_class("what, and what to do")


@pytest.mark.parametrize("error", list(examples()), ids=lambda error: type(error).__name__)
def test_every_error_can_be_pickled_and_copied(error: BatchkitError) -> None:
    """
    It says the same afterwards, and has the same attributes.
    """
    for made in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(made) is type(error)
        assert str(made) == str(error) and made.args == error.args
        assert {name: repr(value) for name, value in vars(made).items()} == {
            name: repr(value) for name, value in vars(error).items()
        }


def test_a_value_that_cannot_be_pickled_is_told_by_its_repr() -> None:
    """
    The error itself still can.
    """
    error = SpecError("run", [Problem("on_event", lambda: 1, "a function"), Problem("b", 1, "c")])
    made = pickle.loads(pickle.dumps(error))
    assert str(made) == str(error)
    assert made.problems[1] == error.problems[1]
    assert repr(made.problems[0].got) == repr(error.problems[0].got)


def _refused() -> None:
    StackSpec(name="UPPER", image="a:b")


def test_an_error_comes_out_of_a_pool_of_processes() -> None:
    """
    As the class that it is, and the pool goes on.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(SpecError, match="name: got 'UPPER'"):
            pool.submit(_refused).result(60)
        assert pool.submit(abs, -1).result(60) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: BatchkitError(HOSTILE),
        lambda: AwsError("batch:SubmitJob", HOSTILE, HOSTILE, resource=HOSTILE),
        lambda: JobFailed(HOSTILE, reason=HOSTILE, log=[HOSTILE]),
        lambda: EVENT,
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(make: Callable[[], object]) -> None:
    """
    It is written as an escape.
    """
    assert str(make()).replace("\n", "").isprintable()
    assert "\\u202e" in str(make())


@given(st.text())
def test_no_message_steers_a_terminal(message: str) -> None:
    """
    Whatever is in it; lines stay lines, and tabs are harmless.
    """
    shown = str(BatchkitError(message))
    assert shown.count("\n") == message.count("\n")
    assert not any(ord(one) < 32 or 126 < ord(one) < 160 for one in shown if one not in "\n\t")


def test_a_listener_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """
    And what it listens to goes on.
    """

    def listener(event: Event) -> None:
        raise ZeroDivisionError("mine")

    with caplog.at_level(logging.DEBUG, logger="batchkit"):
        listeners(listener)(EVENT)
    (failure,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "on_event has failed" in failure.getMessage()
    assert failure.exc_info is not None


def test_a_listener_may_interrupt() -> None:
    """
    Ctrl-C isn't a fault.
    """

    def listener(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listeners(listener)(EVENT)


@pytest.mark.parametrize(
    "code", ["RequestTimeTooSkewed", "SignatureDoesNotMatch", "RequestExpired"]
)
def test_a_clock_that_is_wrong_is_thought_of(code: str) -> None:
    """
    The error names the machine's clock, and what AWS's says.
    """
    headers = {"HTTPHeaders": {"date": "Mon, 01 Jan 2030 00:00:00 GMT"}, "HTTPStatusCode": 403}
    response: Any = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": headers}
    call = Operation("s3", "HeadBucket")(Bucket="x")
    error = translate(call, ClientError(response, "HeadBucket"), "Bucket x")
    assert isinstance(error, CredentialsError)
    assert "the machine's clock" in str(error)
    assert "Mon, 01 Jan 2030" in str(error)
    del headers["HTTPHeaders"]
    assert "clock says" not in str(translate(call, ClientError(response, "HeadBucket"), "x"))


def test_findings_and_plans_do_not_steer_a_terminal() -> None:
    """
    As names of resources and jobs stand in them.
    """
    finding = Finding(Severity.ERROR, HOSTILE, HOSTILE, HOSTILE, "rule")
    plan = Plan("films", (Item(Action.DELETE, "Vpc", HOSTILE),))
    for shown in (str(finding), str(Diagnosis([finding])), str(plan)):
        assert shown.replace("\n", "").isprintable()
