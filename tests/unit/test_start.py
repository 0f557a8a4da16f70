"""
Starting runs: what happens when an answer is lost, or another has the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from batchkit import AwsError, JobDefinition, SpecError
from batchkit._model.signals import AlreadyThere, Ambiguous
from batchkit._runs import start as _start
from batchkit._runs.fan_out import fan_out
from batchkit._runs.start import Submission

MACHINE = "arn:aws:states:us-east-1:1:stateMachine:films"
LISTED = {"jobId": "j-1", "jobName": "films-x", "status": "RUNNABLE"}


class FakeRunBackend:
    """
    Answers by the operation's name; an exception is raised.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def call(self, call: Any) -> Any:
        self.asked.append((call.operation.name, call.params))
        answer = self.answers[call.operation.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def taken() -> AlreadyThere:
    return AlreadyThere(AwsError("stepfunctions:StartExecution", "ExecutionAlreadyExists", "x"))


DEFINITION = JobDefinition(name="films", image="a:b", execution_role="arn:aws:iam::1:role/r")


def wanted(depends_on: Sequence[str] = (), **given: Any) -> Submission:
    return Submission(
        queue="films", definition=DEFINITION, name="films-x", given=given, depends_on=depends_on
    )


def test_an_execution_whose_answer_was_lost_is_found_by_its_name() -> None:
    """
    A fresh name can only be taken by the first attempt of the same call.
    """
    aws: Any = FakeRunBackend(StartExecution=taken())
    arn = _start.execution(aws, MACHINE, None, None)
    name = aws.asked[0][1]["name"]
    assert arn == f"arn:aws:states:us-east-1:1:execution:films:{name}"


def test_a_given_name_that_is_taken_is_refused() -> None:
    """
    It is another run's.
    """
    aws: Any = FakeRunBackend(StartExecution=taken())
    with pytest.raises(SpecError, match="no run of the last 90 days"):
        _start.execution(aws, MACHINE, None, "monday")


@pytest.mark.parametrize(
    ("environment", "name"), [({"1": "x"}, None), ({"A": 1}, None), (None, "a b"), (None, "")]
)
def test_what_aws_would_refuse_is_not_started(environment: Any, name: str | None) -> None:
    """
    No call is made.
    """
    aws: Any = FakeRunBackend()
    with pytest.raises(SpecError):
        _start.execution(aws, MACHINE, environment, name)
    assert aws.asked == []


def test_a_submission_whose_answer_was_lost_is_looked_for() -> None:
    """
    It has the name if it took effect; submitting again could run it twice.
    """
    lost = Ambiguous("no answer")
    aws: Any = FakeRunBackend(SubmitJob=lost, ListJobs={"jobSummaryList": [LISTED]})
    assert _start.submit(aws, wanted(), once=False) == ("j-1", True)
    none: Any = FakeRunBackend(SubmitJob=lost, ListJobs={"jobSummaryList": []})
    with pytest.raises(Ambiguous):
        _start.submit(none, wanted(), once=False)
    assert [name for name, _ in none.asked] == ["SubmitJob", "ListJobs"]


def test_names_of_jobs_differ_in_case_too() -> None:
    """
    Batch's filter ignores it, so the names are compared again.
    """
    other = {**LISTED, "jobName": "films-X"}
    aws: Any = FakeRunBackend(SubmitJob={"jobId": "j-2"}, ListJobs={"jobSummaryList": [other]})
    assert _start.submit(aws, wanted(), once=True) == ("j-2", True)


@pytest.mark.parametrize(
    ("environment", "name", "field"),
    [
        ({"BIG": "x" * 9000}, None, "environment"),
        ("A=1", None, "environment"),
        ({"A": 1}, None, "environment"),
        ({}, 5, "name"),
        ({}, "a b", "name"),
    ],
)
def test_a_run_is_checked_as_a_submission_is(environment: Any, name: Any, field: str) -> None:
    """
    Before the first call, with the same error.
    """
    aws: Any = FakeRunBackend()
    with pytest.raises(SpecError) as caught:
        _start.execution(aws, MACHINE, environment, name)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert aws.asked == []


def test_a_submission_has_a_size() -> None:
    """
    Whatever makes it too large.
    """
    with pytest.raises(SpecError) as caught:
        wanted(depends_on=["x" * 1600] * 20)
    assert [problem.field for problem in caught.value.problems] == ["depends_on"]


def test_the_names_of_several_arrays_are_checked_before_the_first() -> None:
    """
    Each has a number behind it.
    """
    aws: Any = FakeRunBackend()
    long = attrs.evolve(wanted(), name="a" * 79)
    with pytest.raises(SpecError, match="name"):
        fan_out(aws, long, ["x" * 5000] * 3, None, once=False)
    assert aws.asked == []


def test_a_key_gives_one_name() -> None:
    """
    Readable, as Batch takes it, and different for keys that only look alike.
    """
    names = [_start.name_of("films", None, key) for key in ("a/b", "a b", "a b", "ä" * 300)]
    assert names[1] == names[2] != names[0]
    assert all(_start.NAME.test(name) for name in names)
    assert _start.name_of("films", "mine", None) == "mine"
    assert _start.name_of("films", None, None) != _start.name_of("films", None, None)


def test_only_what_is_given_is_overridden() -> None:
    """
    The job definition says the rest.
    """
    assert wanted().call().params["containerOverrides"] == {"environment": []}
    params = wanted(memory=4096, attempts=2, depends_on=["j-0"]).call().params
    assert params["containerOverrides"]["resourceRequirements"] == [
        {"type": "MEMORY", "value": "4096"}
    ]
    assert (params["retryStrategy"], params["dependsOn"]) == ({"attempts": 2}, [{"jobId": "j-0"}])
    spot = attrs.evolve(wanted(attempts=2).definition, reclaims=["Your Spot*"])
    kept = attrs.evolve(wanted(attempts=2), definition=spot).call().params["retryStrategy"]
    assert kept["evaluateOnExit"] == [{"onStatusReason": "Your Spot*", "action": "RETRY"}]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"architecture": "ARM64"}, "given"),
        ({"vcpus": 3}, "vcpus"),
        ({"vcpus": "1"}, "vcpus"),
        ({"vcpus": 4}, "memory"),
        ({"memory": 100}, "memory"),
        ({"timeout": 1}, "timeout"),
        ({"attempts": 0}, "attempts"),
        ({"command": "echo"}, "command"),
        ({"environment": {"A": 1}}, "environment"),
        ({"environment": {"A": "x" * 9000}}, "environment"),
    ],
)
def test_what_is_given_is_checked_on_top_of_the_definition(
    given: dict[str, Any], field: str
) -> None:
    """
    As AWS would check it: 4 vCPUs don't go with the memory of the definition.
    """
    with pytest.raises(SpecError) as caught:
        wanted(**given)
    assert [problem.field for problem in caught.value.problems] == [field]
