"""
EventBridge Scheduler: when the state machine is started.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

from attrs import evolve, frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, Call, NotYet, Operation, Steps
from batchkit._model.checks import Constraint, a_bool, checked, text
from batchkit._model.confidential import Confidential, as_confidential
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import as_list, tag_fields
from batchkit._model.values import Arn, Ref
from batchkit.resources.batch import ROLE

_NOT_FOUND: Final = "ResourceNotFoundException"
# EventBridge Scheduler checks at once whether it may assume the role, and whether the group exists;
# a role or group that was made a moment ago may not be visible to it yet
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html).
_PROPAGATING: Final = (
    NotYet("ValidationException", 120, "to assume the role"),
    NotYet("AccessDeniedException", 30, "iam:passrole"),
    NotYet(_NOT_FOUND, 30, "group"),
    NotYet("ConflictException", 60, "deleting"),
)
_NAME = text(r"[0-9a-zA-Z_.-]{1,64}", "1-64 letters, digits or -_.")
_CRON: Final = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_RATE: Final = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS: Final = tuple("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())
_DAYS: Final = tuple("SUN MON TUE WED THU FRI SAT".split())


@frozen
class _Part:
    """
    A part of a cron expression: numbers from *low* to *high*, *names*, or what *special* matches.
    """

    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = r"\*"

    def expects(self, text: str) -> bool:
        return bool(re.fullmatch(self.special, text)) or all(map(self._is_item, text.split(",")))

    def _is_item(self, item: str) -> bool:
        base, slash, step = item.partition("/")
        ends = () if base == "*" else base.split("-")
        stepped = step.isascii() and step.isdigit() if slash else True
        return stepped and len(ends) <= 2 and all(map(self._is_value, ends))

    def _is_value(self, value: str) -> bool:
        number = value.isascii() and value.isdigit() and self.low <= int(value) <= self.high
        return number or value.upper() in self.names


_PARTS: Final = (
    _Part(0, 59),
    _Part(0, 23),
    _Part(1, 31, special=r"[*?L]|LW|(\d|[12]\d|3[01])W"),
    _Part(1, 12, _MONTHS),
    _Part(1, 7, _DAYS, special=r"[*?L]|([1-7]|[A-Z]{3})(L|#[1-5])"),
    _Part(1970, 2199),
)


def _is_expression(value: str) -> bool:
    if cron := _CRON.fullmatch(value):
        # AWS takes a day of the month or a day of the week, and ? for the other
        # (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
        days = (cron[3] == "?") != (cron[5] == "?")
        return days and all(part.expects(text) for part, text in zip(_PARTS, cron.groups()))
    if at := _AT.fullmatch(value):
        return bool(datetime.datetime.fromisoformat(at[1]))
    return bool(_RATE.fullmatch(value))


def _is_time_zone(value: str) -> bool:
    if value == "UTC":
        return True
    import zoneinfo  # slow to import

    return value in zoneinfo.available_timezones()


EXPRESSION = Constraint(
    "'rate(1 hour)', 'rate(5 minutes)', 'at(2030-01-31T09:00:00)' or 'cron(0 9 * * ? *)': "
    "six parts, with ? for the day of the month or of the week",
    _is_expression,
)
TIME_ZONE = Constraint("a time zone such as 'Europe/Berlin'", _is_time_zone)


@frozen(kw_only=True)
class ScheduleGroup(Resource):
    """
    A group of schedules.  Schedules can't carry tags: those of their group name the owner.
    """

    GET: ClassVar = Operation("scheduler", "GetScheduleGroup", absent=(_NOT_FOUND,))
    TAGS: ClassVar = Operation("scheduler", "ListTagsForResource", absent=(_NOT_FOUND,))
    CREATE: ClassVar = Operation(
        "scheduler",
        "CreateScheduleGroup",
        ("scheduler:TagResource",),
        exists=("ConflictException",),
    )
    TAG: ClassVar = Operation("scheduler", "TagResource")
    UNTAG: ClassVar = Operation("scheduler", "UntagResource")
    # Scheduler deletes a group with all of its schedules, some time after the call; until then, a
    # second call conflicts
    # (https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html).
    DELETE: ClassVar = Operation(
        "scheduler",
        "DeleteScheduleGroup",
        absent=(_NOT_FOUND,),
        not_yet=(NotYet("ConflictException", 300),),
    )
    READY: ClassVar = ("ACTIVE",)
    DELETING: ClassVar = ("DELETING",)

    name: str = checked(_NAME)
    arn: str = read_only("ScheduleGroupArn")

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return (Arn("scheduler", f"schedule-group/{stack}"),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[ScheduleGroup]:
        # Scheduler can't list by tag: a stack's group has the name of the stack.
        desired = cls(name=stack, stack=stack)
        actual = desired.read(reader) if reader(cls.GET(Name=stack)) else None
        return [actual] if actual is not None and actual.owned else []

    def read(self, reader: Reader) -> ScheduleGroup | None:
        group, tags = reader.all(*self.read_calls())
        if not group or not tags:
            return None
        return ScheduleGroup(
            **tag_fields(tags.get("Tags"), name=self.name, stack=self.stack),
            arn=group["Arn"],
            state=group["State"],
        )

    def read_calls(self) -> tuple[Call, Call]:
        """
        The calls that `read` makes.
        """
        # GetScheduleGroup doesn't return the tags.
        arn = Arn("scheduler", f"schedule-group/{self.name}")
        return self.GET(Name=self.name), self.TAGS(ResourceArn=arn)

    def create(self) -> Steps:
        yield self.CREATE(Name=self.name, Tags=as_list(self.all_tags))
        yield WAIT_STABLE

    def update(self, actual: ScheduleGroup, drift: Collection[str]) -> Steps:
        tag = self.TAG(ResourceArn=actual.arn, Tags=as_list(self.all_tags))
        untag = self.UNTAG(ResourceArn=actual.arn, TagKeys=self.left_out(actual))
        return self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        yield self.DELETE(Name=self.name)
        yield WAIT_DELETED


@frozen(kw_only=True)
class Schedule(Resource):
    """
    Starts *target* at the times that *expression* names, on the clock of *time_zone*.

    Args:
        expression: `cron(...)` with six parts, `rate(...)`, or `at(...)`, as EventBridge Scheduler
            takes it (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
        input: The JSON text that the target receives.
    """

    COMES_AFTER: ClassVar = ("ScheduleGroup", "JobQueue")
    GET: ClassVar = Operation("scheduler", "GetSchedule", absent=(_NOT_FOUND,))
    # Whoever gives a role to a service must have iam:PassRole for it
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
    CREATE: ClassVar = Operation(
        "scheduler",
        "CreateSchedule",
        ("iam:PassRole",),
        exists=("ConflictException",),
        not_yet=_PROPAGATING,
    )
    UPDATE: ClassVar = Operation(
        "scheduler", "UpdateSchedule", ("iam:PassRole",), not_yet=_PROPAGATING
    )
    DELETE: ClassVar = Operation("scheduler", "DeleteSchedule", absent=(_NOT_FOUND,))

    name: str = checked(_NAME)
    group: str | Ref = create_only(_NAME, to="ScheduleGroup")
    expression: str = checked(EXPRESSION)
    time_zone: str = checked(TIME_ZONE, default="UTC")
    target: str | Ref = checked(text(r"arn:.+", "an ARN"), to="StateMachine")
    role: str | Ref = checked(ROLE, to="Role")
    # It may hold variables of the run.
    input: str = checked(
        text(r"(?s).{1,262144}", "a JSON text of at most 256 KiB"),
        default=Confidential("{}"),
        converter=as_confidential,
    )
    enabled: bool = checked(a_bool(), default=True)
    arn: str = read_only("ScheduleArn")

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        # To delete a group, one must be allowed to delete whatever is in it.
        return (Arn("scheduler", f"schedule/{stack}/*"),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Schedule]:
        if any(ScheduleGroup.find(stack, reader)):
            actual = cls._read(stack, stack, stack, reader)
            if actual is not None:
                yield actual

    def read(self, reader: Reader) -> Schedule | None:
        group = self.group.name if isinstance(self.group, Ref) else self.group
        return self._read(self.name, group, self.stack, reader)

    @classmethod
    def _read(cls, name: str, group: str, stack: str, reader: Reader) -> Schedule | None:
        its_group = ScheduleGroup(name=group, stack=stack)
        # All at once: the reader keeps the answers about the group for the group's own read.
        schedule, *_ = reader.all(cls.GET(Name=name, GroupName=group), *its_group.read_calls())
        owner = its_group.read(reader)
        if not schedule or owner is None:
            return None
        target = schedule["Target"]
        return cls(
            name=name,
            stack=stack,
            owner=owner.owner,
            group=group,
            expression=schedule["ScheduleExpression"],
            time_zone=schedule.get("ScheduleExpressionTimezone", "UTC"),
            target=target["Arn"],
            role=target["RoleArn"],
            input=target.get("Input", "{}"),
            enabled=schedule.get("State") != "DISABLED",
            arn=schedule["Arn"],
        )

    def differs(self, name: str, actual: Any) -> bool:
        return name != "tags" and super().differs(name, actual)

    def companions(self) -> tuple[Resource, ...]:
        group = ScheduleGroup(name=str(self.group), stack=self.stack, tags=self.tags)
        return (group, evolve(self, depends_on=(*self.depends_on, group.exists)))

    def _params(self) -> dict[str, Any]:
        # UpdateSchedule sets each field that is left out to its default
        # (https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html).
        return {
            "Name": self.name,
            "GroupName": self.group,
            "ScheduleExpression": self.expression,
            "ScheduleExpressionTimezone": self.time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED" if self.enabled else "DISABLED",
            "Target": {"Arn": self.target, "RoleArn": self.role, "Input": self.input},
        }

    def create(self) -> Steps:
        yield self.CREATE(**self._params())

    def update(self, actual: Schedule, drift: Collection[str]) -> Steps:
        yield self.UPDATE(**self._params())

    def delete(self) -> Steps:
        yield self.DELETE(Name=self.name, GroupName=self.group)
