"""
Section E: schedules and their groups.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from botocore.exceptions import ClientError

from ._general import keep_token
from ._rules import after, before, declare
from ._trust import assumable
from ._world import Call, World

declare(
    (91, "M", "a schedule's role, expression, window and time zone are checked at its creation"),
    (92, "D", "an update replaces everything: what it omits returns to its default"),
)

EXPRESSION = re.compile(
    r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days)|[1-9]\d* "
    r"(minute|hour|day)s?)\)|cron\((\S+ ){5}\S+\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)
RETRIES = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


@before(91, "scheduler:CreateSchedule", "scheduler:UpdateSchedule")
def _is_sound(call: Call) -> None:
    params = call.params
    if not EXPRESSION.fullmatch(params["ScheduleExpression"]):
        message = f"Invalid Schedule Expression {params['ScheduleExpression']}."
        call.refuse("ValidationException", message)
    zone = params.get("ScheduleExpressionTimezone", "UTC")
    if zone not in zoneinfo.available_timezones():
        call.refuse_loosely("ValidationException", f"TimeZone {zone}")
    window = params["FlexibleTimeWindow"]
    if window["Mode"] == "FLEXIBLE" and "MaximumWindowInMinutes" not in window:
        message = (
            "MaximumWindowInMinutes must be provided when FlexibleTimeWindowMode is set to FLEXIBLE"
        )
        call.refuse("ValidationException", message)


@before(91, "scheduler:CreateSchedule", "scheduler:UpdateSchedule")
def _role(call: Call) -> None:
    if not assumable(call.world, call.params["Target"]["RoleArn"], "scheduler.amazonaws.com"):
        message = (
            "The execution role you provide must allow AWS EventBridge Scheduler "
            "to assume the role."
        )
        call.refuse("ValidationException", message)


def _group(world: World, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = world.raw("scheduler").get_schedule_group(Name=name)
    except ClientError:
        return None
    return found


@before(
    91,
    "scheduler:CreateSchedule",
    "scheduler:UpdateSchedule",
    "scheduler:GetSchedule",
    "scheduler:DeleteSchedule",
)
def _group_is_there(call: Call) -> None:
    name = call.params.get("GroupName", "default")
    if _group(call.world, name) is None or _going(call.world, name):
        _refuse_group(call, name)


@before(91, "scheduler:ListTagsForResource")
def _tagged_group_is_there(call: Call) -> None:
    name = call.params["ResourceArn"].rpartition("/")[2]
    if _group(call.world, name) is None:
        _refuse_group(call, name)


def _refuse_group(call: Call, name: str) -> None:
    message = f"Schedule group {name} does not exist."
    call.refuse("ResourceNotFoundException", message, 404)


def _going(world: World, name: str) -> bool:
    return world.find("deleting group", name) is not None


@before(91, "scheduler:CreateScheduleGroup")
def _group_is_free(call: Call) -> None:
    name = call.params["Name"]
    if _group(call.world, name) is not None:
        call.refuse("ConflictException", f"Schedule group {name} already exists.", 409)


@before(92, "scheduler:UpdateSchedule")
def _replaces(call: Call) -> None:
    call.params.setdefault("State", "ENABLED")
    call.params.setdefault("ScheduleExpressionTimezone", "UTC")


@after(92, "scheduler:GetSchedule")
def _with_defaults(call: Call) -> bool:
    answer = call.answer
    for key, default in (
        ("State", "ENABLED"),
        ("ScheduleExpressionTimezone", "UTC"),
        ("ActionAfterCompletion", "NONE"),
        ("GroupName", "default"),
    ):
        answer[key] = answer.get(key) or default
    answer["Target"].setdefault("RetryPolicy", dict(RETRIES))
    return True


@before(92, "scheduler:DeleteScheduleGroup")
def _delete_group(call: Call) -> bool:
    world, name = call.world, call.params["Name"]
    if _group(world, name) is None:
        message = f"Schedule group {name} does not exist."
        call.refuse("ResourceNotFoundException", message, 404)
    if name == "default":
        call.refuse_loosely("ValidationException", "schedule group default")
    if _going(world, name):
        call.refuse_loosely("ConflictException", name, 409)
    world.add("deleting group", name)
    world.at("group_delete", lambda: _deleted(world, name))
    call.answer = {}
    return True


def _deleted(world: World, name: str) -> None:
    world.raw("scheduler").delete_schedule_group(Name=name)
    world.drop("deleting group", name)


@after(92, "scheduler:GetScheduleGroup", "scheduler:ListScheduleGroups")
def _group_state(call: Call) -> bool:
    hit = False
    for each in call.answer.get("ScheduleGroups", [call.answer]):
        if _going(call.world, each.get("Name", "")):
            each["State"], hit = "DELETING", True
    return hit


@after(0, "scheduler:CreateSchedule", "scheduler:CreateScheduleGroup")
def _born(call: Call) -> None:
    keep_token(call)
