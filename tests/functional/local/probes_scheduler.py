"""
Probes of EventBridge Scheduler.
"""

from __future__ import annotations

from typing import Any

from local_lab import Lab, Probes

PROBES = Probes()

GROUP = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/group"


def schedule(lab: Lab, **given: Any) -> dict[str, Any]:
    target = {
        "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:machine",
        "RoleArn": "arn:aws:iam::123456789012:role/role",
    }
    return {
        "Name": "nightly",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
        **given,
    }


@PROBES("EventBridgeSchedulerResponse.create_schedule")
def the_same_token_makes_one_schedule(lab: Lab) -> None:
    create = lab.scheduler.create_schedule
    first = create(**schedule(lab, ClientToken="t"))
    assert create(**schedule(lab, ClientToken="t"))["ScheduleArn"] == first["ScheduleArn"]
    other = schedule(lab, ClientToken="t", ScheduleExpression="rate(2 days)")
    lab.refused("ConflictException", create, **other)
    lab.refused("ConflictException", create, **schedule(lab))


@PROBES("EventBridgeSchedulerBackend.create_schedule")
def a_schedule_has_an_expression_and_a_zone_that_aws_accepts(lab: Lab) -> None:
    create = lab.scheduler.create_schedule
    for wrong in ("rat(1 day)", "rate(0 days)", "cron(0 3 * * * *)", "cron(0 3 * *)", "at(noon)"):
        lab.refused("ValidationException", create, **schedule(lab, ScheduleExpression=wrong))
    mars = schedule(lab, ScheduleExpressionTimezone="Mars/Olympus")
    lab.refused("ValidationException", create, **mars)
    for number, right in enumerate(("rate(5 minutes)", "cron(0 3 ? * MON-FRI *)")):
        zone = {"ScheduleExpressionTimezone": "Europe/Paris", "Name": f"n{number}"}
        create(**schedule(lab, ScheduleExpression=right, **zone))
    create(**schedule(lab, ScheduleExpression="at(2030-01-01T00:00:00)"))


@PROBES("EventBridgeSchedulerBackend.create_schedule")
def a_schedule_is_in_an_existing_group(lab: Lab) -> None:
    create = lab.scheduler.create_schedule
    lab.refused("ResourceNotFoundException", create, **schedule(lab, GroupName="nowhere"))


@PROBES("Schedule.to_dict")
def a_schedule_is_described_with_the_defaults_of_aws(lab: Lab) -> None:
    lab.scheduler.create_schedule(**schedule(lab))
    described = lab.scheduler.get_schedule(Name="nightly")
    assert described["ActionAfterCompletion"] == "NONE"
    assert (described["State"], described["ScheduleExpressionTimezone"]) == ("ENABLED", "UTC")
    retry = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert described["Target"]["RetryPolicy"] == retry
    lab.scheduler.delete_schedule(Name="nightly")
    lab.refused("ResourceNotFoundException", lab.scheduler.delete_schedule, Name="nightly")


@PROBES(
    "EventBridgeSchedulerBackend.update_schedule", "EventBridgeSchedulerResponse.update_schedule"
)
def an_update_replaces_all_of_a_schedule(lab: Lab) -> None:
    before = schedule(lab, State="DISABLED", ActionAfterCompletion="DELETE")
    lab.scheduler.create_schedule(**before)
    lab.scheduler.update_schedule(**schedule(lab))
    described = lab.scheduler.get_schedule(Name="nightly")
    assert (described["State"], described["ActionAfterCompletion"]) == ("ENABLED", "NONE")


@PROBES("EventBridgeSchedulerBackend.update_schedule")
def an_update_has_an_expression_that_aws_accepts(lab: Lab) -> None:
    lab.scheduler.create_schedule(**schedule(lab))
    wrong = schedule(lab, ScheduleExpression="daily")
    lab.refused("ValidationException", lab.scheduler.update_schedule, **wrong)


@PROBES("EventBridgeSchedulerBackend.create_schedule_group")
def a_group_is_created_once(lab: Lab) -> None:
    lab.scheduler.create_schedule_group(Name="group", Tags=[{"Key": "owner", "Value": "me"}])
    lab.refused("ConflictException", lab.scheduler.create_schedule_group, Name="group")
    lab.scheduler.create_schedule(**schedule(lab, GroupName="group"))
    assert lab.scheduler.get_schedule(Name="nightly", GroupName="group")["GroupName"] == "group"
    described = lab.scheduler.list_tags_for_resource(ResourceArn=GROUP)["Tags"]
    assert described == [{"Key": "owner", "Value": "me"}]


@PROBES("EventBridgeSchedulerBackend.delete_schedule_group")
def a_group_is_deleted_with_its_tags_and_not_the_default_one(lab: Lab) -> None:
    delete = lab.scheduler.delete_schedule_group
    lab.refused("ResourceNotFoundException", delete, Name="group")
    lab.refused("ValidationException", delete, Name="default")
    lab.scheduler.create_schedule_group(Name="group", Tags=[{"Key": "owner", "Value": "me"}])
    delete(Name="group")
    assert lab.scheduler.list_tags_for_resource(ResourceArn=GROUP)["Tags"] == []
