"""
Patches for EventBridge Scheduler.
"""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from moto.core.exceptions import JsonRESTError
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.scheduler.responses import EventBridgeSchedulerResponse

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_RATE = re.compile(r"rate\([1-9]\d* (minute|hour|day)s?\)")
_AT = re.compile(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)")
_CRON = re.compile(r"cron\(([^()]+)\)")
_FIELD = re.compile(r"[0-9A-Za-z*?,/#\-]+")


class SchedulerConflict(JsonRESTError):
    """
    The name is in use, or the client token was used with other parameters.
    """

    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


@PATCHES(
    EventBridgeSchedulerResponse,
    "create_schedule",
    reason="CreateSchedule answers a repeated ClientToken as it did the first time, but moto "
    "ignores the token and reports a conflict",
)
def create_once(original: Any, self: Any) -> str:
    backend = self.scheduler_backend
    tokens: dict[str, Any] = backend.__dict__.setdefault("tokens", {})
    token = self._get_param("ClientToken")
    request = (self.uri, self.body)
    if token in tokens:
        return _first_answer(tokens[token], request)
    answer: str = original(self)
    tokens[token] = (request, answer)
    return answer


def _first_answer(first: tuple[Any, str], request: Any) -> str:
    before, answer = first
    if before != request:
        raise SchedulerConflict("The ClientToken was used before with other parameters")
    return answer


@PATCHES(
    EventBridgeSchedulerBackend,
    "create_schedule",
    reason="CreateSchedule checks the expression, the time zone and the group, but moto accepts "
    "any expression and zone and raises KeyError for a missing group",
)
def create_schedule(original: Any, self: Any, **given: Any) -> Any:
    self.get_schedule_group(given["group_name"])
    validate(given)
    return original(self, **given)


@PATCHES(
    EventBridgeSchedulerResponse,
    "update_schedule",
    reason="UpdateSchedule replaces ActionAfterCompletion, but moto doesn't read it",
)
def update_action(original: Any, self: Any) -> str:
    answer: str = original(self)
    name = self.uri.split("?")[0].split("/")[-1]
    schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), name)
    schedule.action_after_completion = self._get_param("ActionAfterCompletion")
    return answer


@PATCHES(
    EventBridgeSchedulerBackend,
    "update_schedule",
    reason="UpdateSchedule checks the expression and sets what is left out to its default, but "
    "moto accepts any expression and sets the state to null",
)
def update_schedule(original: Any, self: Any, **given: Any) -> Any:
    validate(given)
    return original(self, **{**given, "state": given["state"] or "ENABLED"})


@PATCHES(
    Schedule,
    "to_dict",
    reason="GetSchedule returns ActionAfterCompletion NONE by default and no empty fields, but "
    "moto returns nulls",
)
def describe(original: Any, self: Any, short: bool = False) -> dict[str, Any]:
    described = original(self, short)
    described["ActionAfterCompletion"] = self.action_after_completion or "NONE"
    return {name: value for name, value in described.items() if value is not None}


def validate(given: dict[str, Any]) -> None:
    """
    AWS accepts the expression and the time zone; otherwise ValidationException is raised.
    """
    expression = given["schedule_expression"]
    if not is_expression(expression):
        raise ValidationException(f"Invalid Schedule Expression {expression}.")
    zone = given["schedule_expression_timezone"]
    if zone and not is_timezone(zone):
        raise ValidationException(f"Invalid TimeZone {zone}.")


def is_expression(text: str) -> bool:
    """
    *text* is a rate, a time or a cron of six fields with one question mark.
    """
    cron = _CRON.fullmatch(text)
    if cron is None:
        return bool(_RATE.fullmatch(text) or _AT.fullmatch(text))
    fields = cron[1].split(" ")
    well_formed = len(fields) == 6 and all(_FIELD.fullmatch(field) for field in fields)
    return well_formed and (fields[2] == "?") != (fields[4] == "?")


def is_timezone(name: str) -> bool:
    """
    The time-zone database has *name*; a machine without a database accepts every name.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return not available_timezones()
    return True


@PATCHES(
    EventBridgeSchedulerBackend,
    "create_schedule_group",
    reason="CreateScheduleGroup refuses a name in use with ConflictException, but moto replaces "
    "the group and loses its schedules",
)
def create_group(original: Any, self: Any, name: str, tags: Any) -> Any:
    if name in self.schedule_groups:
        raise SchedulerConflict(f"Schedule group {name} already exists.")
    return original(self, name=name, tags=tags or [])


@PATCHES(
    EventBridgeSchedulerBackend,
    "delete_schedule_group",
    reason="DeleteScheduleGroup refuses the default group and a missing one and removes the "
    "tags, but moto deletes the default group, raises KeyError and keeps the tags",
)
def delete_group(original: Any, self: Any, name: str | None) -> None:
    if name in (None, "default"):
        msg = "This operation cannot be performed on schedule group default"
        raise ValidationException(msg)
    group = self.get_schedule_group(name)
    original(self, name)
    self.tagger.delete_all_tags_for_resource(group.arn)
