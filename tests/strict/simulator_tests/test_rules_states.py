"""
State machines and schedules.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..helpers import allowing, code_of, old_role, refusal, trust
from ..simulator import StrictAws

STATES, SCHEDULER = "states.amazonaws.com", "scheduler.amazonaws.com"
EVENTS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
WAIT = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
JOB = {
    "StartAt": "Job",
    "States": {
        "Job": {
            "Type": "Task",
            "Resource": "arn:aws:states:::batch:submitJob.sync",
            "Parameters": {},
            "End": True,
        }
    },
}


def machine(role: str, definition: Any = WAIT, **more: Any) -> dict[str, Any]:
    """
    What makes a state machine.
    """
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return {"name": "loader", "definition": text, "roleArn": role, **more}


def arn_of(aws: StrictAws) -> str:
    """
    The ARN of the machine.
    """
    return f"arn:aws:states:us-east-1:{aws.account.id}:stateMachine:loader"


@pytest.mark.rule(84)
def test_the_same_machine_again_changes_nothing(strict_aws: StrictAws) -> None:
    """
    With the same definition the old one is answered, its role kept; with another it is refused.
    """
    states = strict_aws.session.client("stepfunctions")
    one, two = old_role(strict_aws, "one", STATES), old_role(strict_aws, "two", STATES)
    made = states.create_state_machine(**machine(one))["stateMachineArn"]
    assert states.create_state_machine(**machine(two))["stateMachineArn"] == made
    assert states.describe_state_machine(stateMachineArn=made)["roleArn"] == one
    other = {**WAIT, "Comment": "another"}
    again = code_of(states.create_state_machine, **machine(one, other))
    assert again == "StateMachineAlreadyExists"
    bad = {**machine(one), "name": "no spaces"}
    assert code_of(states.create_state_machine, **bad) == "InvalidName"


@pytest.mark.rule(85)
def test_a_role_is_assumable_after_eight_seconds(strict_aws: StrictAws) -> None:
    """
    A fresh role and one that trusts another service are refused, the first only for a while.
    """
    iam, states = strict_aws.session.client("iam"), strict_aws.session.client("stepfunctions")
    strict_aws.account.off.add(100)
    made = iam.create_role(RoleName="own", AssumeRolePolicyDocument=trust(STATES))["Role"]["Arn"]
    other = old_role(strict_aws, "other", "batch.amazonaws.com")
    for role in (made, other):
        code, message = refusal(states.create_state_machine, **machine(role))
        assert code == "AccessDeniedException" and "Neither the global service" in message
    strict_aws.clock.sleep(8)
    states.create_state_machine(**machine(made))


@pytest.mark.rule(100)
def test_passing_a_fresh_role_is_denied_once() -> None:
    """
    For some seeds passing a role of no age is denied, then another reason is given, or none.
    """
    denied = 0
    for seed in range(6):
        with StrictAws(seed=seed) as aws:
            iam, states = aws.session.client("iam"), aws.session.client("stepfunctions")
            made = iam.create_role(RoleName="own", AssumeRolePolicyDocument=trust(STATES))
            asked = machine(made["Role"]["Arn"])
            first = refusal(states.create_state_machine, **asked)[1]
            second = refusal(states.create_state_machine, **asked)[1]
            denied += "iam:PassRole" in first
            assert not ("iam:PassRole" in first and "iam:PassRole" in second)
    assert 0 < denied < 6


@pytest.mark.rule(86)
def test_waiting_for_jobs_needs_permission_for_rules(strict_aws: StrictAws) -> None:
    """
    A role without the EventBridge permissions, or with some of seconds, is refused.
    """
    iam, states = strict_aws.session.client("iam"), strict_aws.session.client("stepfunctions")
    role = old_role(strict_aws, "own", STATES)
    assert "managed-rule" in refusal(states.create_state_machine, **machine(role, JOB))[1]
    iam.put_role_policy(RoleName="own", PolicyName="own", PolicyDocument=allowing(*EVENTS))
    assert "managed-rule" in refusal(states.create_state_machine, **machine(role, JOB))[1]
    strict_aws.clock.sleep(8)
    states.create_state_machine(**machine(role, JOB))


@pytest.mark.rule(87)
@pytest.mark.parametrize(
    ("definition", "fragment"),
    [
        ("no json", "INVALID_JSON_DESCRIPTION"),
        ({"States": {}}, "SCHEMA_VALIDATION_FAILED"),
        ({**WAIT, "StartAt": "Gone"}, "MISSING_TRANSITION_TARGET"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}, "MISSING_END_STATE"),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Pass"}, "B": {"Type": "Succeed"}}},
            "SCHEMA_VALIDATION_FAILED",
        ),
    ],
)
def test_definitions_are_checked(strict_aws: StrictAws, definition: Any, fragment: str) -> None:
    """
    What is no state machine is refused.
    """
    states = strict_aws.session.client("stepfunctions")
    asked = machine(old_role(strict_aws, "own", STATES), definition)
    code, message = refusal(states.create_state_machine, **asked)
    assert (code, fragment in message) == ("InvalidDefinition", True)


@pytest.mark.rule(88)
def test_logging_needs_a_destination_and_old_permissions(strict_aws: StrictAws) -> None:
    """
    A group's ARN without :*, and a role without permissions ten seconds old, are refused.
    """
    iam, states = strict_aws.session.client("iam"), strict_aws.session.client("stepfunctions")
    role = old_role(strict_aws, "own", STATES)
    group = f"arn:aws:logs:us-east-1:{strict_aws.account.id}:log-group:x"

    def logging(*arns: str) -> dict[str, Any]:
        places = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}} for arn in arns]
        configuration = {"level": "ALL", "destinations": places}
        return machine(role, loggingConfiguration=configuration)

    create = states.create_state_machine
    assert code_of(create, **logging()) == "InvalidLoggingConfiguration"
    assert code_of(create, **logging(group)) == "InvalidLoggingConfiguration"
    assert code_of(create, **logging(f"{group}:*")) == "AccessDeniedException"
    iam.put_role_policy(RoleName="own", PolicyName="log", PolicyDocument=allowing("logs:*"))
    strict_aws.clock.sleep(9)
    assert code_of(create, **logging(f"{group}:*")) == "AccessDeniedException"
    strict_aws.clock.sleep(1)
    create(**logging(f"{group}:*"))


@pytest.mark.rule(89)
def test_an_update_is_seen_three_seconds_later(strict_aws: StrictAws) -> None:
    """
    Nothing to change is refused; a new definition is read back after three seconds.
    """
    states = strict_aws.session.client("stepfunctions")
    states.create_state_machine(**machine(old_role(strict_aws, "own", STATES)))
    one = {"stateMachineArn": arn_of(strict_aws)}
    assert code_of(states.update_state_machine, **one) == "MissingRequiredParameter"
    wanted = json.dumps({**WAIT, "Comment": "new"})
    states.update_state_machine(**one, definition=wanted)
    assert states.describe_state_machine(**one)["definition"] == json.dumps(WAIT)
    strict_aws.clock.sleep(3)
    assert states.describe_state_machine(**one)["definition"] == wanted


@pytest.mark.rule(90)
def test_a_machine_is_deleted_after_its_executions(strict_aws: StrictAws) -> None:
    """
    It is DELETING while an execution runs; meanwhile no other can be made; missing ones are fine.
    """
    states = strict_aws.session.client("stepfunctions")
    asked = machine(old_role(strict_aws, "own", STATES))
    states.create_state_machine(**asked)
    one = {"stateMachineArn": arn_of(strict_aws)}
    run = states.start_execution(**one)["executionArn"]
    states.delete_state_machine(**one)
    strict_aws.clock.sleep(60)
    assert states.describe_state_machine(**one)["status"] == "DELETING"
    assert code_of(states.create_state_machine, **asked) == "StateMachineDeleting"
    states.stop_execution(executionArn=run)
    strict_aws.clock.sleep(2)
    assert code_of(states.describe_state_machine, **one) == "StateMachineDoesNotExist"
    states.delete_state_machine(**one)
    states.create_state_machine(**asked)


def schedule(aws: StrictAws, **more: Any) -> dict[str, Any]:
    """
    What makes a schedule.
    """
    target = {"Arn": arn_of(aws), "RoleArn": more.pop("role", None)}
    if target["RoleArn"] is None:
        target["RoleArn"] = old_role(aws, "scheduler", SCHEDULER)
    return {
        "Name": "nightly",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        **more,
    }


@pytest.mark.rule(91)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ScheduleExpression": "rate(0 days)"}, "ValidationException"),
        ({"ScheduleExpression": "cron(0 1 * * *)"}, "ValidationException"),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "ValidationException"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "ValidationException"),
        ({"GroupName": "gone"}, "ResourceNotFoundException"),
    ],
)
def test_schedules_are_checked(strict_aws: StrictAws, fields: dict[str, Any], code: str) -> None:
    """
    Expressions, zones, windows and groups that are wrong are refused; the plain one is taken.
    """
    scheduler = strict_aws.session.client("scheduler")
    asked = schedule(strict_aws)
    assert code_of(scheduler.create_schedule, **{**asked, **fields}) == code
    scheduler.create_schedule(**asked)
    assert code_of(scheduler.create_schedule, **asked) == "ConflictException"


@pytest.mark.rule(91)
def test_a_schedule_needs_a_role_of_eight_seconds(strict_aws: StrictAws) -> None:
    """
    The fresh role is refused with AWS's words, and taken later.
    """
    iam, scheduler = strict_aws.session.client("iam"), strict_aws.session.client("scheduler")
    strict_aws.account.off.add(100)
    made = iam.create_role(RoleName="own", AssumeRolePolicyDocument=trust(SCHEDULER))["Role"]
    asked = schedule(strict_aws, role=made["Arn"])
    assert "must allow AWS EventBridge" in refusal(scheduler.create_schedule, **asked)[1]
    strict_aws.clock.sleep(8)
    scheduler.create_schedule(**asked)


@pytest.mark.rule(9)
def test_a_schedule_of_the_same_token_is_the_same(strict_aws: StrictAws) -> None:
    """
    The same call with the same token is no conflict.
    """
    scheduler = strict_aws.session.client("scheduler")
    asked = schedule(strict_aws, ClientToken="token")
    made = scheduler.create_schedule(**asked)["ScheduleArn"]
    assert scheduler.create_schedule(**asked)["ScheduleArn"] == made


@pytest.mark.rule(92)
def test_an_update_replaces_everything(strict_aws: StrictAws) -> None:
    """
    What an update omits returns to its default, and defaults are read back.
    """
    scheduler = strict_aws.session.client("scheduler")
    asked = schedule(strict_aws)
    scheduler.create_schedule(
        **asked, State="DISABLED", ScheduleExpressionTimezone="Europe/Paris", Description="mine"
    )
    scheduler.update_schedule(**asked)
    held = scheduler.get_schedule(Name="nightly")
    zone = held["ScheduleExpressionTimezone"]
    assert (held["State"], zone, held.get("Description")) == ("ENABLED", "UTC", None)
    assert held["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 185
    assert held["ActionAfterCompletion"] == "NONE"


@pytest.mark.rule(91, 92)
def test_a_group_takes_its_schedules_with_it(strict_aws: StrictAws) -> None:
    """
    A group is DELETING for a while; then it, and what was in it, is gone.
    """
    scheduler = strict_aws.session.client("scheduler")
    scheduler.create_schedule_group(Name="mine")
    assert code_of(scheduler.create_schedule_group, Name="mine") == "ConflictException"
    scheduler.create_schedule(**schedule(strict_aws, GroupName="mine"))
    scheduler.delete_schedule_group(Name="mine")
    assert scheduler.get_schedule_group(Name="mine")["State"] == "DELETING"
    strict_aws.clock.sleep(5)
    one = {"Name": "nightly", "GroupName": "mine"}
    assert code_of(scheduler.get_schedule, **one) == "ResourceNotFoundException"
    assert code_of(scheduler.get_schedule_group, Name="mine") == "ResourceNotFoundException"
