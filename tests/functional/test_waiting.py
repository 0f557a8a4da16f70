"""
What takes AWS its time, comes out broken, or is done by somebody else meanwhile.
"""

from __future__ import annotations

from typing import Any

import pytest

from account_fixture import STACK, AccountFixture
from batchkit import (
    Action,
    BrokenResource,
    ComputeEnvironment,
    LogGroup,
    NotOwnedError,
    StillWaiting,
    Vpc,
)
from batchkit.resources.logs import group_name
from fakes import mutating
from injected_faults import Refuse, before, pretend
from resource_cases_batch import environment
from resource_cases_network import nat

DESCRIBE = "after-call.batch.DescribeComputeEnvironments"
ASSUME = "CLIENT_ERROR - r is not authorized to perform: sts:AssumeRole"


class Says:
    """
    AWS says *state* of every compute environment, *times* times, and then what is so.
    """

    def __init__(self, state: str, reason: str = "", times: int = 10**9) -> None:
        self.state = state
        self.reason = reason
        self.left = times

    def __call__(self, parsed: Any, **_: object) -> None:
        found = parsed["computeEnvironments"]
        if found and self.left:
            self.left -= 1
            for one in found:
                one.update(status=self.state, statusReason=self.reason)


def test_it_waits_until_aws_is_done(there: AccountFixture) -> None:
    """
    On the clock that it is given, with looks a second or more apart.
    """
    with before(there.session, DESCRIBE, Says("CREATING", times=5)):
        there.ensure(environment(there))
    assert there.clock.now >= 5
    assert all(1 <= pause <= 2 for pause in there.clock.sleeps)


def test_an_answer_that_is_lost_after_a_long_wait_is_asked_for_again(there: AccountFixture) -> None:
    """
    The wait for what AWS is not done with takes nothing from the time for what passes by itself.
    """
    vpc = there.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    busy, lost = Refuse("DependencyViolation", 400, times=30), Refuse("ServiceUnavailable", 503, 1)
    with before(there.session, "before-call.ec2.DeleteVpc", lambda **_: busy() or lost()):
        there.aws.call(Vpc.DELETE(VpcId=vpc))
    assert there.clock.now > 60 and (busy.refused, lost.refused) == (30, 1)
    assert vpc not in {one["VpcId"] for one in there.ec2.describe_vpcs()["Vpcs"]}


def test_what_never_gets_ready_is_told_with_its_last_state(there: AccountFixture) -> None:
    """
    After as long as its kind may take; running it again goes on.
    """
    desired = environment(there)
    with before(there.session, DESCRIBE, Says("CREATING", "still at it")):
        with pytest.raises(StillWaiting, match="still CREATING still at it after 120[0-2] s"):
            there.ensure(desired)
    assert there.decide(desired).action is Action.KEEP


def test_a_role_that_cannot_be_assumed_yet_is_tried_again(there: AccountFixture) -> None:
    """
    An update makes Batch look at it once more.
    """
    desired = environment(there)
    with before(there.session, DESCRIBE, Says("INVALID", ASSUME, times=2)), there.calls() as seen:
        there.ensure(desired)
    names = mutating(seen)
    assert names[0] == "CreateComputeEnvironment"
    assert set(names[1:]) == {"UpdateComputeEnvironment"}


def test_what_comes_out_broken_is_told_with_its_reason(there: AccountFixture) -> None:
    """
    At once where the reason isn't one that passes, and in the end where it doesn't pass.
    """
    desired = environment(there)
    with before(there.session, DESCRIBE, Says("INVALID", "the subnet is gone")):
        with pytest.raises(BrokenResource, match="is INVALID: the subnet is gone"):
            there.ensure(desired)
    with before(there.session, DESCRIBE, Says("INVALID", ASSUME)):
        with pytest.raises((BrokenResource, StillWaiting), match="INVALID"):
            there.ensure(desired)
    assert there.ensure(desired).key == desired.key


def test_a_name_that_is_just_going_is_waited_for_and_made_anew(there: AccountFixture) -> None:
    """
    The old one is gone before the new one is made.
    """
    desired = environment(there)
    there.ensure(desired)
    there.batch.update_compute_environment(computeEnvironment=STACK, state="DISABLED")
    there.batch.delete_compute_environment(computeEnvironment=STACK)
    old = there.actual(desired)
    with there.calls() as seen:
        there.ensure(desired)
    assert mutating(seen) == ["CreateComputeEnvironment"]
    assert not old or there.clock.now > 0


def test_a_deletion_that_fails_is_told(there: AccountFixture) -> None:
    """
    Batch gives up on a deletion by making it INVALID.
    """
    there.ensure(environment(there))
    found = there.found(ComputeEnvironment)
    with before(there.session, DESCRIBE, Says("INVALID", "a job holds it")):
        with before(there.session, "before-call.batch.DeleteComputeEnvironment", pretend):
            outcome = there.delete(found)
    (error,) = outcome.failed.values()
    assert isinstance(error, BrokenResource) and "a job holds it" in str(error)
    assert there.delete(there.found(ComputeEnvironment)).failed == {}


def made_meanwhile(there: AccountFixture, tags: dict[str, str]) -> Any:
    """
    Somebody makes the log group just before batchkit does.
    """
    done: list[bool] = []

    def make(**_: object) -> None:
        if not done:
            done.append(True)
            there.logs.create_log_group(logGroupName=group_name(STACK), tags=tags)

    return make


def test_what_somebody_else_makes_meanwhile_is_taken_up_if_it_is_the_stacks(
    there: AccountFixture,
) -> None:
    """
    Another run of the same stack was faster: what is there is compared and brought into shape.
    """
    desired = LogGroup(name=group_name(STACK), stack=STACK)
    there.logs.describe_log_groups()
    hook = made_meanwhile(there, {"batchkit:stack": STACK})
    with before(there.session, "before-call.logs.CreateLogGroup", hook):
        there.ensure(desired)
    assert there.decide(desired).action is Action.KEEP


def test_what_somebody_else_makes_meanwhile_is_refused_if_it_is_not(there: AccountFixture) -> None:
    """
    It is not touched.
    """
    desired = LogGroup(name=group_name(STACK), stack=STACK)
    there.logs.describe_log_groups()
    with before(there.session, "before-call.logs.CreateLogGroup", made_meanwhile(there, {})):
        with pytest.raises(NotOwnedError):
            there.ensure(desired)
    (group,) = there.logs.describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group


def test_a_nat_gateway_that_failed_is_told(there: AccountFixture) -> None:
    """
    With AWS's code and message.
    """

    def fail(parsed: Any, **_: object) -> None:
        for one in parsed["NatGateways"]:
            one.update(State="failed", FailureCode="Gateway.NotAttached", FailureMessage="no way")

    with before(there.session, "after-call.ec2.DescribeNatGateways", fail):
        with pytest.raises(BrokenResource, match="failed: Gateway.NotAttached: no way"):
            there.ensure(nat(there))
