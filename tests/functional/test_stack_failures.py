"""
What happens when AWS refuses, throttles, breaks down or doesn't answer in the middle of a stack.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from attrs import evolve

from account_fixture import AccountFixture
from batchkit import (
    AccessDenied,
    Action,
    ApplyError,
    AwsError,
    CredentialsError,
    Event,
    JobDefinition,
    LogGroup,
    Phase,
    QuotaExceeded,
    StackSpec,
    StillWaiting,
    TeardownError,
    destroy_stack,
    ensure_stack,
    plan_stack,
)
from batchkit._blueprint.blueprint import resources
from batchkit._model.calls import operations
from fakes import mutating
from injected_faults import Disown, Lose, Refuse, before, unreachable
from inventory import inventory

SPEC = StackSpec(name="movies", image="alpine:3", schedule="rate(1 day)")
FULL = evolve(SPEC, table="movies-seen", bucket="movies-kept-here")
NAMED = sorted(
    {
        str(operations(type(one))["CREATE"])
        for one in resources(FULL, "us-east-1")
        if one.NATURAL_KEY and not isinstance(one, (JobDefinition, LogGroup))
    }
)
ONE_EACH = ("subnets", "gateways", "addresses", "nats", "environments", "queues", "machines")
WORKERS = pytest.mark.parametrize("workers", [1, 8])
DENIED = ("AccessDeniedException", 403)


def made(there: AccountFixture, **given: Any) -> Any:
    return ensure_stack(SPEC, session=there.session, clock=there.clock, **given)


def counts(there: AccountFixture) -> dict[str, int]:
    """
    How many of each sort there are, the default VPC's subnets left out.
    """
    actual = inventory(there)
    actual["subnets"] = [one for one in actual["subnets"] if not one["DefaultForAz"]]
    return {sort: len(actual) for sort, actual in actual.items()}


def failed(there: AccountFixture, **given: Any) -> ApplyError:
    with pytest.raises(ApplyError) as caught:
        made(there, **given)
    return caught.value


@WORKERS
def test_a_refusal_in_the_middle_is_told_and_stops_what_is_new(
    workers: int, there: AccountFixture
) -> None:
    """
    What was done, what failed and what was not started are all of it; the next run goes on.
    """
    everything = set(map(str, resources(SPEC, "us-east-1")))
    with before(there.session, "before-call.batch.CreateJobQueue", Refuse(*DENIED)):
        error = failed(there, workers=workers)
    ((name, cause),) = error.failed
    assert name == "JobQueue movies" and isinstance(cause, AccessDenied)
    assert error.__cause__ is cause
    assert cause.statement == {
        "Effect": "Allow",
        "Action": ["batch:CreateJobQueue", "batch:TagResource"],
        "Resource": "*",
    }
    assert {*error.done, name, *error.not_started} == everything
    assert "Schedule movies" in error.not_started
    for part in ("JobQueue movies", "batch:CreateJobQueue", "request r-1", "run it again"):
        assert part in str(error)
    with there.calls() as seen:
        again = made(there, workers=workers)
    for done, call in {"Vpc movies": "CreateVpc", "NatGateway movies": "CreateNatGateway"}.items():
        assert done not in error.done or call not in mutating(seen)
    assert again.plan.changes and made(there).plan.empty


def test_nothing_new_begins_after_a_failure(there: AccountFixture) -> None:
    """
    With one worker nothing at all comes after the refused call.
    """
    with before(there.session, "before-call.ec2.CreateVpc", Refuse("VpcLimitExceeded", 400)):
        with there.calls() as seen:
            error = failed(there, workers=1)
    assert mutating(seen)[-1] == "CreateVpc"
    assert isinstance(error.failed[0][1], QuotaExceeded)
    assert "aws service-quotas" in str(error)


THROTTLED, FAILED = ("ThrottlingException", 400), ("Odd", 500)


@pytest.mark.parametrize(
    ("operation", "problem", "workers"),
    [
        ("ec2.CreateVpc", THROTTLED, 8),
        ("ec2.CreateVpc", FAILED, 8),
        ("ec2.AllocateAddress", FAILED, 1),
        ("ec2.CreateNatGateway", THROTTLED, 1),
        ("ec2.CreateNatGateway", FAILED, 8),
        ("iam.CreateRole", FAILED, 8),
        ("ec2.DescribeVpcs", THROTTLED, 8),
        ("ec2.DescribeVpcs", FAILED, 1),
        ("batch.CreateComputeEnvironment", FAILED, 8),
        ("stepfunctions.CreateStateMachine", THROTTLED, 8),
        ("stepfunctions.CreateStateMachine", ("KmsThrottlingException", 400), 8),
        ("ecr.DescribeRepositories", ("ServerException", 400), 8),
    ],
)
def test_throttling_and_breakdowns_pass(
    operation: str, problem: tuple[str, int], workers: int, there: AccountFixture
) -> None:
    """
    The call is tried again, or looked for and then tried again; there is exactly one of each.
    """
    hook = Refuse(*problem, times=2)
    with before(there.session, f"before-call.{operation}", hook):
        made(there, workers=workers)
    assert hook.refused == 2
    actual = counts(there)
    assert {sort: actual[sort] for sort in ONE_EACH} == {**dict.fromkeys(ONE_EACH, 1), "subnets": 2}
    assert made(there).plan.empty


@pytest.mark.parametrize(
    ("operation", "times"),
    [
        ("CreateVpc", 1),
        ("AllocateAddress", 1),
        ("CreateInternetGateway", 1),
        ("CreateRouteTable", 2),
        ("CreateNatGateway", 1),
        ("CreateSubnet", 3),  # its network can't be taken twice, so it may be asked for again
    ],
)
def test_a_lost_answer_makes_no_second_one(
    operation: str, times: int, there: AccountFixture
) -> None:
    """
    The create took effect but was not answered: it is found by its tags, not made again.
    """
    with before(there.session, f"after-call.ec2.{operation}", Lose()), there.calls() as seen:
        made(there)
    assert mutating(seen).count(operation) == times
    actual = counts(there)
    assert {sort: actual[sort] for sort in ONE_EACH} == {**dict.fromkeys(ONE_EACH, 1), "subnets": 2}
    assert made(there).plan.empty


@pytest.mark.parametrize("operation", NAMED)
def test_what_is_there_whatever_the_refusal_says_is_used(
    operation: str, there: AccountFixture
) -> None:
    """
    The create took effect and its answer was lost; the next attempt is refused in unknown words.
    """
    hook = Disown()
    with before(there.session, f"after-call.{operation.replace(':', '.')}", hook):
        ensure_stack(FULL, session=there.session, clock=there.clock)
    assert hook.left == 0
    assert ensure_stack(FULL, session=there.session, clock=there.clock).plan.empty


def test_an_endpoint_that_is_down_is_told_after_a_while(there: AccountFixture) -> None:
    """
    The connection is tried for some seconds of the clock, then the error says which call it was.
    """
    with before(there.session, "before-call.iam.ListRoles", unreachable):
        with pytest.raises(AwsError, match="iam:ListRoles failed with ConnectTimeoutError"):
            made(there)
    assert 5 < there.clock.now < 30


def test_throttling_for_ever_is_told(there: AccountFixture) -> None:
    """
    Patience ends; the error has AWS's own code.
    """
    hook = Refuse("ThrottlingException", 400)
    with before(there.session, "before-call.batch.DescribeJobQueues", hook):
        with pytest.raises(AwsError, match="batch:DescribeJobQueues failed with Throttling"):
            made(there)
    assert there.clock.now > 100


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_expired_credentials_are_told_at_once(code: str, there: AccountFixture) -> None:
    """
    No attempt is repeated, and the error says what to do.
    """
    with before(there.session, "before-call.sts.GetCallerIdentity", Refuse(code, 403)):
        with pytest.raises(CredentialsError, match="aws sso login"):
            plan_stack(SPEC, session=there.session, clock=there.clock)
    assert there.clock.now == 0


def test_a_time_limit_ends_with_what_there_is(there: AccountFixture) -> None:
    """
    When the time for everything is over nothing new begins, and the next run goes on.
    """
    hook = Refuse("ThrottlingException", 400)
    with before(there.session, "before-call.ec2.CreateNatGateway", hook):
        error = failed(there, timeout=30)
    assert any(isinstance(cause, StillWaiting) for _, cause in error.failed)
    made(there)
    assert made(there).plan.empty and counts(there)["nats"] == 1


def test_an_interrupt_finishes_what_runs_and_the_next_run_goes_on(there: AccountFixture) -> None:
    """
    Ctrl-C goes to the caller; no call begins after it that wasn't under way.
    """

    def interrupt(event: Event) -> None:
        if (
            event.resource_type == "Vpc"
            and event.phase is Phase.DONE
            and event.action is Action.CREATE
        ):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(there, on_event=interrupt, workers=8)
    assert not [one for one in threading.enumerate() if one.name.startswith("batchkit")]
    made(there)
    assert made(there).plan.empty and counts(there)["vpcs"] == 2  # one is the default VPC


def test_a_teardown_goes_round_what_fails(there: AccountFixture) -> None:
    """
    Only what stands under it is left, each with its reason; the next teardown finishes.
    """
    before_it = inventory(there)
    made(there)
    hook = Refuse("AccessDeniedException", 403)
    with before(there.session, "before-call.ec2.DeleteNatGateway", hook):
        with pytest.raises(TeardownError) as caught:
            destroy_stack("movies", session=there.session, clock=there.clock)
    error = caught.value
    assert [name for name, _ in error.failed] == ["NatGateway movies"]
    assert {"Vpc movies", "ElasticIp movies"} <= set(error.not_started)
    assert {"JobQueue movies", "Role movies_job-us-east-1"} <= set(error.done)
    assert "ec2:DeleteNatGateway" in str(error) and "something still uses it" in str(error)
    destroy_stack("movies", session=there.session, clock=there.clock)
    assert inventory(there) == before_it


def test_pruning_that_fails_is_told(there: AccountFixture) -> None:
    """
    What the spec no longer names can't be deleted: a TeardownError, and the rest is in place.
    """
    made(there)
    without = StackSpec(name="movies", image="alpine:3")
    with before(there.session, "before-call.scheduler.DeleteSchedule", Refuse(*DENIED)):
        with pytest.raises(TeardownError, match="scheduler:DeleteSchedule"):
            ensure_stack(without, session=there.session, clock=there.clock)
    ensure_stack(without, session=there.session, clock=there.clock)
    assert counts(there)["schedules"] == 0
