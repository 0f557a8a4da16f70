"""
The kinds that run jobs: of Batch, Step Functions and EventBridge Scheduler.
"""

from __future__ import annotations

import json
from typing import Any

from account_fixture import STACK, TAGS, AccountFixture
from batchkit import (
    FargateEnvironment,
    JobDefinition,
    JobQueue,
    Schedule,
    ScheduleGroup,
    StateMachine,
)
from resource_cases import Act, ResourceCase, drift

COMMON: dict[str, Any] = {"name": STACK, "stack": STACK, "tags": TAGS}
OTHER = {"StartAt": "End", "States": {"End": {"Type": "Fail"}}}


def environment(there: AccountFixture) -> FargateEnvironment:
    vpc = there.vpc()
    subnets = [there.subnet(vpc), there.subnet(vpc, "10.9.2.0/24")]
    return FargateEnvironment(
        subnets=subnets,
        security_groups=[there.group(vpc)],
        service_role=there.role(),
        **COMMON,
    )


def changed_environment(**change: Any) -> Act:
    def act(there: AccountFixture, actual: Any) -> None:
        there.batch.update_compute_environment(
            computeEnvironment=actual.name, computeResources={"maxvCpus": 4}, **change
        )

    return act


def resources(field: str) -> Act:
    def act(there: AccountFixture, actual: Any) -> None:
        other = there.group(there.vpc("10.8.0.0/16")) if field != "subnets" else actual.subnets[0]
        there.batch.update_compute_environment(
            computeEnvironment=actual.name, computeResources={field: [other]}
        )

    return act


def more_vcpus(there: AccountFixture, actual: Any) -> None:
    there.batch.update_compute_environment(
        computeEnvironment=actual.name, computeResources={"maxvCpus": 9}
    )


def other_service_role(there: AccountFixture, actual: Any) -> None:
    changed_environment(serviceRole=there.role("another"))(there, actual)


def queue(there: AccountFixture) -> JobQueue:
    return JobQueue(compute_environments=[there.environment()], runnable_limit=600, **COMMON)


def changed_queue(**change: Any) -> Act:
    return lambda there, actual: there.batch.update_job_queue(jobQueue=actual.name, **change)


def other_environment(there: AccountFixture, actual: Any) -> None:
    order = [{"order": 1, "computeEnvironment": there.environment("other", "10.7.0.0/16")}]
    changed_queue(computeEnvironmentOrder=order)(there, actual)


def untag_batch(there: AccountFixture, actual: Any) -> None:
    there.batch.untag_resource(resourceArn=actual.arn, tagKeys=["team"])


def definition(there: AccountFixture) -> JobDefinition:
    return JobDefinition(
        image="alpine:3",
        vcpus=0.25,
        memory=512,
        command=["echo", "hello"],
        environment={"A": "1", "EMPTY": ""},
        secrets={"S": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"},
        execution_role=there.role(),
        job_role=there.role("job"),
        log_group="/batchkit/movies",
        ephemeral_storage=30,
        **COMMON,
    )


def revised(**properties: Any) -> Act:
    """
    A revision with other container properties, or other things of the definition.
    """
    changed: dict[str, Any] = {
        k: properties.pop(k)
        for k in ("timeout", "retryStrategy", "platformCapabilities")
        if k in properties
    }

    def act(there: AccountFixture, actual: Any) -> None:
        before = there.batch.describe_job_definitions(jobDefinitions=[actual.arn])
        old = before["jobDefinitions"][0]
        names = ("type", "platformCapabilities", "timeout", "retryStrategy", "tags")
        kept: dict[str, Any] = {name: old[name] for name in names}
        there.batch.register_job_definition(
            jobDefinitionName=old["jobDefinitionName"],
            containerProperties={**old["containerProperties"], **properties},
            **{**kept, **changed},
        )

    return act


def sized(vcpus: str, memory: str) -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]


def logging_to(group: str) -> dict[str, Any]:
    return {"logDriver": "awslogs", "options": {"awslogs-group": group}}


def other_definition_role(name: str) -> Act:
    return lambda there, actual: revised(**{name: there.role(name)})(there, actual)


def machine(there: AccountFixture) -> StateMachine:
    succeed = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    return StateMachine(definition=succeed, role=there.role(), **COMMON)


def other_machine(there: AccountFixture, actual: Any) -> None:
    there.stepfunctions.update_state_machine(
        stateMachineArn=actual.arn, definition=json.dumps(OTHER)
    )


def other_machine_role(there: AccountFixture, actual: Any) -> None:
    there.stepfunctions.update_state_machine(
        stateMachineArn=actual.arn, roleArn=there.role("another")
    )


def untag_machine(there: AccountFixture, actual: Any) -> None:
    there.stepfunctions.untag_resource(resourceArn=actual.arn, tagKeys=["team"])


def untag_schedules(there: AccountFixture, actual: Any) -> None:
    there.scheduler.untag_resource(ResourceArn=actual.arn, TagKeys=["team"])


def schedule(there: AccountFixture) -> Schedule:
    there.ensure(ScheduleGroup(**COMMON))
    return Schedule(
        name=STACK,
        group=STACK,
        expression="cron(0 9 * * ? *)",
        target=there.machine(),
        role=there.role(),
    )


def changed_schedule(target: bool = False, **change: Any) -> Act:
    def act(there: AccountFixture, actual: Any) -> None:
        now = there.scheduler.get_schedule(Name=actual.name, GroupName=actual.group)
        names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        given = {name: now[name] for name in names}
        given["ScheduleExpressionTimezone"] = "UTC"
        new = {"Target": {**given["Target"], **change}} if target else change
        there.scheduler.update_schedule(**{**given, **new})

    return act


def other_schedule_role(there: AccountFixture, actual: Any) -> None:
    changed_schedule(True, RoleArn=there.role("another"))(there, actual)


def other_target(there: AccountFixture, actual: Any) -> None:
    changed_schedule(True, Arn=there.machine("other"))(there, actual)


NEW_REVISION = "RegisterJobDefinition"
REVISIONS: dict[str, Act] = {
    "image": revised(image="alpine:2"),
    "vcpus": revised(resourceRequirements=sized("0.5", "512")),
    "memory": revised(resourceRequirements=sized("0.25", "1024")),
    "command": revised(command=["date"]),
    "environment": revised(environment=[{"name": "A", "value": "2"}]),
    "secrets": revised(secrets=[]),
    "execution_role": other_definition_role("executionRoleArn"),
    "job_role": other_definition_role("jobRoleArn"),
    "log_group": revised(logConfiguration=logging_to("/other")),
    "timeout": revised(timeout={"attemptDurationSeconds": 99}),
    "attempts": revised(retryStrategy={"attempts": 2}),
    "reclaims": revised(
        retryStrategy={
            "attempts": 1,
            "evaluateOnExit": [
                {"onStatusReason": "Your Spot Task was interrupted*", "action": "RETRY"}
            ],
        }
    ),
    "architecture": revised(
        runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"}
    ),
    "ephemeral_storage": revised(ephemeralStorage={"sizeInGiB": 40}),
    "public_ip": revised(networkConfiguration={"assignPublicIp": "ENABLED"}),
}
UPDATE_ENVIRONMENT = "UpdateComputeEnvironment"
CASES = {
    "ComputeEnvironment": ResourceCase(
        environment,
        ("CreateComputeEnvironment",),
        ("UpdateComputeEnvironment", "DeleteComputeEnvironment"),
        {
            "enabled": drift(changed_environment(state="DISABLED"), UPDATE_ENVIRONMENT),
            "max_vcpus": drift(more_vcpus, UPDATE_ENVIRONMENT),
            "subnets": drift(resources("subnets"), UPDATE_ENVIRONMENT),
            "security_groups": drift(resources("securityGroupIds"), UPDATE_ENVIRONMENT),
            "service_role": drift(other_service_role, UPDATE_ENVIRONMENT),
            "tags": drift(untag_batch, "TagResource"),
        },
        {"spot": True},
    ),
    "JobQueue": ResourceCase(
        queue,
        ("CreateJobQueue",),
        ("UpdateJobQueue", "DeleteJobQueue"),
        {
            "enabled": drift(changed_queue(state="DISABLED"), "UpdateJobQueue"),
            "priority": drift(changed_queue(priority=7), "UpdateJobQueue"),
            "compute_environments": drift(other_environment, "UpdateJobQueue"),
            "runnable_limit": drift(changed_queue(jobStateTimeLimitActions=[]), "UpdateJobQueue"),
            "tags": drift(untag_batch, "TagResource"),
        },
    ),
    "JobDefinition": ResourceCase(
        definition,
        (NEW_REVISION,),
        ("DeregisterJobDefinition",),
        {
            **{name: drift(act, NEW_REVISION) for name, act in REVISIONS.items()},
            "tags": drift(untag_batch, "TagResource"),
        },
    ),
    "StateMachine": ResourceCase(
        machine,
        ("CreateStateMachine",),
        ("DeleteStateMachine",),
        {
            "definition": drift(other_machine, "UpdateStateMachine"),
            "role": drift(other_machine_role, "UpdateStateMachine"),
            "tags": drift(untag_machine, "TagResource"),
        },
    ),
    "ScheduleGroup": ResourceCase(
        lambda there: ScheduleGroup(**COMMON),
        ("CreateScheduleGroup",),
        ("DeleteScheduleGroup",),
        {"tags": drift(untag_schedules, "TagResource")},
    ),
    "Schedule": ResourceCase(
        schedule,
        ("CreateSchedule",),
        ("DeleteSchedule",),
        {
            "expression": drift(
                changed_schedule(ScheduleExpression="rate(1 day)"), "UpdateSchedule"
            ),
            "time_zone": drift(
                changed_schedule(ScheduleExpressionTimezone="Europe/Berlin"), "UpdateSchedule"
            ),
            "target": drift(other_target, "UpdateSchedule"),
            "role": drift(other_schedule_role, "UpdateSchedule"),
            "input": drift(changed_schedule(True, Input='{"a": 1}'), "UpdateSchedule"),
            "enabled": drift(changed_schedule(State="DISABLED"), "UpdateSchedule"),
        },
    ),
}
