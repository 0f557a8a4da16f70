"""
The steps that the kinds of Batch, Step Functions and Scheduler describe.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from fakes import HERE, FakeAsk, params

from batchkit import (
    FargateEnvironment,
    JobDefinition,
    JobQueue,
    Schedule,
    ScheduleGroup,
    StateMachine,
)
from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, WAIT_VISIBLE, ForEach
from batchkit._model.tags import written
from batchkit._model.values import ITEM, REGION, Json, Ref
from batchkit.resources.queues import STUCK_REASONS

TAGS = {"batchkit:stack": "movies", "Name": "movies"}
LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]
ROLE = "arn:aws:iam::123456789012:role/r"
ENVIRONMENT = FargateEnvironment(
    name="movies", subnets=["subnet-2", "subnet-1"], security_groups=["sg-1"], service_role=ROLE
)
QUEUE = JobQueue(name="movies", compute_environments=["b", "a"], runnable_limit=600)
TOLD = {
    "jobQueueName": "movies",
    "state": "ENABLED",
    "status": "VALID",
    "priority": 1,
    "jobQueueArn": "arn:q",
    "computeEnvironmentOrder": [],
}
ONE_LIMIT = [{"reason": STUCK_REASONS[0], "maxTimeSeconds": 600}]
DEFINITION = JobDefinition(name="movies", image="alpine:3", execution_role=ROLE)
MACHINE = StateMachine(name="movies", definition={"StartAt": "A"}, role=ROLE)
GROUP = ScheduleGroup(name="movies")
SCHEDULE = Schedule(
    name="movies", group="movies", expression="rate(1 day)", target="arn:aws:x", role=ROLE
)
PARAMS: dict[str, Any] = {
    "Name": "movies",
    "GroupName": "movies",
    "ScheduleExpression": "rate(1 day)",
    "ScheduleExpressionTimezone": "UTC",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "State": "ENABLED",
    "Target": {"Arn": "arn:aws:x", "RoleArn": ROLE, "Input": "{}"},
}


def actual(desired: Any, **outputs: Any) -> Any:
    given = {"owner": "movies", "state": "VALID", "reason": "", "written": written(desired.tags)}
    return evolve(desired, **{**given, **outputs})


def test_a_compute_environment_is_created_and_waited_for() -> None:
    """
    Subnets in one order, so that the same spec is the same call.
    """
    create = ENVIRONMENT.CREATE(
        computeEnvironmentName="movies",
        type="MANAGED",
        state="ENABLED",
        computeResources={
            "type": "FARGATE",
            "maxvCpus": 4,
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroupIds": ["sg-1"],
        },
        tags=TAGS,
        serviceRole=ROLE,
    )
    assert list(ENVIRONMENT.create()) == [create, WAIT_STABLE]
    linked = evolve(ENVIRONMENT, service_role=None)
    assert "serviceRole" not in params(next(linked.create()))


def test_a_compute_environment_that_is_to_be_off_is_made_on_first() -> None:
    """
    AWS takes no other state at creation.
    """
    steps = list(evolve(ENVIRONMENT, enabled=False).create())
    off = ENVIRONMENT.UPDATE(
        computeEnvironment="movies", computeResources={"maxvCpus": 4}, state="DISABLED"
    )
    assert steps[1:] == [WAIT_STABLE, off, WAIT_STABLE]


def test_a_compute_environment_is_updated_in_one_call() -> None:
    """
    All that differs in one, with the tags beside it.
    """
    there = actual(ENVIRONMENT, arn="arn:ce")
    assert list(ENVIRONMENT.update(there, ("subnets", "enabled", "service_role", "tags"))) == [
        ENVIRONMENT.UPDATE(
            computeEnvironment="movies",
            computeResources={"maxvCpus": 4, "subnets": ["subnet-1", "subnet-2"]},
            state="ENABLED",
            serviceRole=ROLE,
        ),
        WAIT_STABLE,
        ENVIRONMENT.TAG(resourceArn="arn:ce", tags=TAGS),
    ]
    assert list(ENVIRONMENT.update(there, ("max_vcpus",)))[0] == ENVIRONMENT.UPDATE(
        computeEnvironment="movies", computeResources={"maxvCpus": 4}
    )


def test_an_environment_that_could_not_use_its_new_role_is_tried_again() -> None:
    """
    Reasons that pass are repaired; others are not.
    """
    denied = actual(
        ENVIRONMENT, state="INVALID", reason="is not authorized to perform sts:AssumeRole"
    )
    repair = ENVIRONMENT.recover(denied)
    assert repair is not None
    (step,) = repair
    assert step == ENVIRONMENT.UPDATE(
        computeEnvironment="movies",
        computeResources={"maxvCpus": 4},
        state="ENABLED",
        serviceRole=ENVIRONMENT.service_role,
    )
    assert ENVIRONMENT.recover(actual(ENVIRONMENT, reason="subnet is gone")) is None
    assert QUEUE.recover(actual(QUEUE)) is None


def test_environments_and_queues_are_turned_off_before_they_are_deleted() -> None:
    """
    One that is off already is only deleted.
    """
    assert list(actual(ENVIRONMENT).deletion()) == [
        ENVIRONMENT.DISABLE(computeEnvironment="movies", state="DISABLED"),
        WAIT_STABLE,
        ENVIRONMENT.DELETE(computeEnvironment="movies"),
        WAIT_DELETED,
    ]
    assert list(actual(QUEUE).deletion())[0] == QUEUE.DISABLE(jobQueue="movies", state="DISABLED")
    for off in (actual(ENVIRONMENT, enabled=False), actual(QUEUE, enabled=False)):
        assert len(list(off.deletion())) == 2


def test_a_queue_is_created() -> None:
    """
    The environments in the order given; a limit for each reason for which a job may be stuck.
    """
    assert list(QUEUE.create()) == [
        QUEUE.CREATE(
            jobQueueName="movies",
            state="ENABLED",
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": "b"},
                {"order": 2, "computeEnvironment": "a"},
            ],
            tags=TAGS,
            jobStateTimeLimitActions=[
                {"state": "RUNNABLE", "action": "CANCEL", "maxTimeSeconds": 600, "reason": reason}
                for reason in STUCK_REASONS
            ],
        ),
        WAIT_STABLE,
    ]
    unlimited = next(evolve(QUEUE, runnable_limit=None).create())
    assert "jobStateTimeLimitActions" not in params(unlimited)


def test_a_queue_is_updated_in_what_differs() -> None:
    """
    A broken one is turned on again; no limit takes the actions away.
    """
    desired = evolve(QUEUE, runnable_limit=None)
    assert list(desired.update(actual(QUEUE), ("state", "priority", "runnable_limit"))) == [
        QUEUE.UPDATE(jobQueue="movies", state="ENABLED", priority=1, jobStateTimeLimitActions=[]),
        WAIT_STABLE,
    ]
    assert list(QUEUE.update(actual(QUEUE, arn="arn:q"), ("tags",))) == [
        QUEUE.TAG(resourceArn="arn:q", tags=TAGS)
    ]


def test_limits_that_differ_by_reason_count_as_a_drift() -> None:
    """
    0 is what no wish has.
    """
    for limits, told in ((ONE_LIMIT, 0), ([], None)):
        answer = {**TOLD, "jobStateTimeLimitActions": limits}
        assert JobQueue.parse(answer, "movies").runnable_limit == told


def test_a_limit_is_missed_only_where_limits_are_told() -> None:
    """
    An emulator that drops them would be updated by every run.
    """
    assert not QUEUE.differs("runnable_limit", JobQueue.parse(TOLD))
    for limits in ([], ONE_LIMIT):
        held_queue = JobQueue.parse({**TOLD, "jobStateTimeLimitActions": limits})
        assert QUEUE.differs("runnable_limit", held_queue)


RECLAIM = {"onStatusReason": "Your Spot*", "action": "RETRY"}
EXIT = {"onReason": "*", "action": "EXIT"}


@pytest.mark.parametrize(
    ("attempts", "reclaims", "strategy"),
    [
        (1, [], {"attempts": 1}),
        (3, [], {"attempts": 3}),
        (1, ["Your Spot*"], {"attempts": 10, "evaluateOnExit": [RECLAIM, EXIT]}),
        (3, ["Your Spot*"], {"attempts": 3, "evaluateOnExit": [RECLAIM]}),
        (10, ["Your Spot*"], {"attempts": 10, "evaluateOnExit": [RECLAIM]}),
    ],
)
def test_a_program_fails_as_often_as_it_may_and_reclaims_are_tried_again(
    attempts: int, reclaims: list[str], strategy: dict[str, Any]
) -> None:
    """
    What is registered is read back as what was desired; a submission has the same rules.
    """
    desired = evolve(DEFINITION, attempts=attempts, reclaims=reclaims)
    assert params(next(desired.create()))["retryStrategy"] == strategy
    assert desired.retries_of(attempts) == strategy
    read = definition_of(strategy)
    assert (read.attempts, read.reclaims) == (attempts, tuple(reclaims))
    assert not desired.differs("attempts", read) and not desired.differs("reclaims", read)
    assert read.retries_of(attempts) == strategy
    assert len(strategy.get("evaluateOnExit", ())) <= 5


@pytest.mark.parametrize(
    "strategy",
    [
        {"attempts": 3, "evaluateOnExit": [RECLAIM, EXIT]},
        {"attempts": 3, "evaluateOnExit": [{"onExitCode": "7", "action": "exit"}, RECLAIM]},
        {"attempts": 1, "evaluateOnExit": [RECLAIM]},
    ],
)
def test_rules_of_others_are_put_right_and_kept_in_a_submission(strategy: dict[str, Any]) -> None:
    """
    A submission changes the number of attempts alone.
    """
    read = definition_of(strategy)
    desired = evolve(DEFINITION, attempts=read.attempts, reclaims=read.reclaims)
    assert desired.differs("reclaims", read)
    assert read.retries_of(5) == {**read.retries, "attempts": 5}


def definition_of(strategy: dict[str, Any]) -> JobDefinition:
    """
    The definition that AWS tells with that strategy, its actions in lower case.
    """
    rules = strategy.get("evaluateOnExit", ())
    lower = [{**rule, "action": rule["action"].lower()} for rule in rules]
    told = {**strategy, **({"evaluateOnExit": lower} if lower else {})}
    revision = {"revision": 1, "jobDefinitionArn": "arn:x", "retryStrategy": told}
    found = DEFINITION.read(FakeAsk(DescribeJobDefinitions={"jobDefinitions": [revision]}))
    assert found is not None
    return found


def test_a_definition_is_registered_with_everything_that_fargate_needs() -> None:
    """
    What is empty is left out; empty environment values are dropped by AWS, not a drift.
    """
    desired = evolve(
        DEFINITION,
        command=["a"],
        ephemeral_storage=30,
        reclaims=["Your Spot*"],
        environment={"A": ""},
    )
    call = next(desired.create())
    given = params(call)
    properties = given["containerProperties"]
    reclaim = {"onStatusReason": "Your Spot*", "action": "RETRY"}
    assert given["retryStrategy"]["evaluateOnExit"][0] == reclaim
    assert properties["ephemeralStorage"] == {"sizeInGiB": 30}
    assert properties["command"] == ["a"]
    assert properties["logConfiguration"]["options"]["awslogs-region"] == REGION
    bare = next(DEFINITION.create())
    left_out = {"command", "jobRoleArn", "secrets", "ephemeralStorage"}
    assert not left_out & set(params(bare)["containerProperties"])
    assert not desired.differs("environment", evolve(DEFINITION, environment={}))
    assert desired.differs("environment", evolve(DEFINITION, environment={"A": "x"}))


def test_a_definition_changes_by_a_new_revision_but_for_its_tags() -> None:
    """
    A revision is deregistered when it is deleted.
    """
    there = actual(DEFINITION, arn="arn:d:2")
    assert list(DEFINITION.update(there, ("tags",))) == [
        DEFINITION.TAG(resourceArn="arn:d:2", tags=TAGS)
    ]
    assert next(iter(DEFINITION.update(there, ("image", "tags")))) == next(DEFINITION.create())
    assert list(there.deletion()) == [DEFINITION.DELETE(jobDefinition="arn:d:2")]


def test_a_state_machine() -> None:
    """
    Made, updated in what differs, and deleted after its executions are stopped.
    """
    tags = [{"key": key, "value": value} for key, value in TAGS.items()]
    document = Json({"StartAt": "A"})
    assert list(MACHINE.create()) == [
        MACHINE.CREATE(name="movies", definition=document, roleArn=ROLE, type="STANDARD", tags=tags)
    ]
    there = actual(MACHINE, arn="arn:m")
    assert list(MACHINE.update(there, ("definition", "role", "tags"))) == [
        MACHINE.UPDATE(stateMachineArn="arn:m", definition=document, roleArn=ROLE),
        MACHINE.TAG(resourceArn="arn:m", tags=tags),
        WAIT_VISIBLE,
    ]
    assert list(MACHINE.update(there, ("tags",)))[-1] != WAIT_VISIBLE
    stop, *rest = there.deletion()
    assert isinstance(stop, ForEach) and stop.then.params["executionArn"] == ITEM
    assert rest == [MACHINE.DELETE(stateMachineArn="arn:m"), WAIT_DELETED]


def test_a_schedule_and_its_group() -> None:
    """
    An update sends everything: what is left out would go back to its default.
    """
    assert list(SCHEDULE.create()) == [SCHEDULE.CREATE(**PARAMS)]
    off = evolve(SCHEDULE, enabled=False)
    assert list(off.update(actual(SCHEDULE), ("enabled",))) == [
        SCHEDULE.UPDATE(**{**PARAMS, "State": "DISABLED"})
    ]
    assert list(SCHEDULE.deletion()) == [SCHEDULE.DELETE(Name="movies", GroupName="movies")]
    assert list(GROUP.create()) == [GROUP.CREATE(Name="movies", Tags=LIST), WAIT_STABLE]
    assert list(GROUP.update(actual(GROUP, arn="arn:g"), ("tags",))) == [
        GROUP.TAG(ResourceArn="arn:g", Tags=LIST)
    ]
    assert list(GROUP.deletion()) == [GROUP.DELETE(Name="movies"), WAIT_DELETED]


def test_a_schedule_on_its_own_brings_its_group() -> None:
    """
    The group is ensured before it.
    """
    group, schedule = SCHEDULE.companions()
    assert group == GROUP and schedule == SCHEDULE
    assert schedule.depends_on == (Ref("ScheduleGroup", "movies", "exists"),)


def test_a_schedule_without_its_group_is_not_there() -> None:
    """
    The group's tags tell the owner, so without them there is nothing to read.
    """
    ask = FakeAsk(GetSchedule=None, GetScheduleGroup=None, ListTagsForResource=None)
    assert SCHEDULE.read(ask) is None and list(Schedule.find("movies", ask)) == []
    assert ask.scope == HERE
