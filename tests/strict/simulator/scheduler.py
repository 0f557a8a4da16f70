"""
Schedules and their groups.
"""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from botocore.exceptions import ClientError

from .account import Account
from .api_call import ApiCall
from .every_service import keep_token
from .iam.trust import assumable
from .rules import after, before, declare

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
def _is_sound(call: ApiCall) -> None:
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
def _role(call: ApiCall) -> None:
    if not assumable(call.account, call.params["Target"]["RoleArn"], "scheduler.amazonaws.com"):
        message = (
            "The execution role you provide must allow AWS EventBridge Scheduler "
            "to assume the role."
        )
        call.refuse("ValidationException", message)


def _group(account: Account, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = account.raw("scheduler").get_schedule_group(Name=name)
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
def _group_is_there(call: ApiCall) -> None:
    name = call.params.get("GroupName", "default")
    if _group(call.account, name) is None or _going(call.account, name):
        _refuse_group(call, name)


@before(91, "scheduler:ListTagsForResource")
def _tagged_group_is_there(call: ApiCall) -> None:
    name = call.params["ResourceArn"].rpartition("/")[2]
    if _group(call.account, name) is None:
        _refuse_group(call, name)


def _refuse_group(call: ApiCall, name: str) -> None:
    message = f"Schedule group {name} does not exist."
    call.refuse("ResourceNotFoundException", message, 404)


def _going(account: Account, name: str) -> bool:
    return account.find("deleting group", name) is not None


@before(91, "scheduler:CreateScheduleGroup")
def _group_is_free(call: ApiCall) -> None:
    name = call.params["Name"]
    if _group(call.account, name) is not None:
        call.refuse("ConflictException", f"Schedule group {name} already exists.", 409)


@before(92, "scheduler:UpdateSchedule")
def _replaces(call: ApiCall) -> None:
    call.params.setdefault("State", "ENABLED")
    call.params.setdefault("ScheduleExpressionTimezone", "UTC")


@after(92, "scheduler:GetSchedule")
def _with_defaults(call: ApiCall) -> bool:
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
def _delete_group(call: ApiCall) -> bool:
    account, name = call.account, call.params["Name"]
    if _group(account, name) is None:
        message = f"Schedule group {name} does not exist."
        call.refuse("ResourceNotFoundException", message, 404)
    if name == "default":
        call.refuse_loosely("ValidationException", "schedule group default")
    if _going(account, name):
        call.refuse_loosely("ConflictException", name, 409)
    account.add("deleting group", name)
    account.at("group_delete", lambda: _deleted(account, name))
    call.answer = {}
    return True


def _deleted(account: Account, name: str) -> None:
    account.raw("scheduler").delete_schedule_group(Name=name)
    account.drop("deleting group", name)


@after(92, "scheduler:GetScheduleGroup", "scheduler:ListScheduleGroups")
def _group_state(call: ApiCall) -> bool:
    hit = False
    for each in call.answer.get("ScheduleGroups", [call.answer]):
        if _going(call.account, each.get("Name", "")):
            each["State"], hit = "DELETING", True
    return hit


@after(0, "scheduler:CreateSchedule", "scheduler:CreateScheduleGroup")
def _born(call: ApiCall) -> None:
    keep_token(call)
