"""
CloudWatch Logs: the log group that jobs write to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import WAIT_STABLE, NotYet, Operation, Steps
from batchkit._model.checks import checked, one_of, optional, text
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import tag_fields
from batchkit._model.values import Arn
from batchkit.resources.locks import lock_prefix

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
"""
The retentions that there are
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html).
"""
RETENTION = optional(one_of(*RETENTION_DAYS))
# Two calls for one log group at the same time: CloudWatch Logs aborts one of them.
_BUSY: Final = (NotYet("OperationAbortedException", 60),)
_NOT_FOUND: Final = "ResourceNotFoundException"


@frozen(kw_only=True)
class LogGroup(Resource):
    """
    A log group that keeps its lines for *retention* days, or for ever if that is None.
    """

    DESCRIBE: ClassVar = Operation("logs", "DescribeLogGroups", wide=True)
    TAGS: ClassVar = Operation("logs", "ListTagsForResource", absent=(_NOT_FOUND,))
    CREATE: ClassVar = Operation(
        "logs",
        "CreateLogGroup",
        ("logs:TagResource",),
        exists=("ResourceAlreadyExistsException",),
        not_yet=_BUSY,
    )
    PUT_RETENTION: ClassVar = Operation(
        "logs", "PutRetentionPolicy", not_yet=(*_BUSY, NotYet(_NOT_FOUND, 30))
    )
    # PutRetentionPolicy has no value for "for ever": that is a group without a policy.
    DELETE_RETENTION: ClassVar = Operation("logs", "DeleteRetentionPolicy", not_yet=_BUSY)
    TAG: ClassVar = Operation("logs", "TagResource")
    UNTAG: ClassVar = Operation("logs", "UntagResource")
    DELETE: ClassVar = Operation("logs", "DeleteLogGroup", absent=(_NOT_FOUND,), not_yet=_BUSY)

    name: str = checked(
        text(r"(?!aws/)[._/#A-Za-z0-9-]{1,512}", "1-512 letters, digits or ._-/#, not aws/ first")
    )
    retention: int | None = checked(RETENTION, default=30)
    arn: str = read_only()

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        # The calls for tags are authorized on the ARN without :*, the others on the one with it
        # (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html).
        # Below it are locks and intent records.
        own = group_name(stack)
        return (_arn(own), _arn(f"{own}:*"), _arn(f"{own}/*"))

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[LogGroup]:
        listing = cls.DESCRIBE(logGroupNamePrefix=group_name(stack))
        listed = reader(listing)["logGroups"]
        groups = [group for group in listed if cls.belongs_to(stack, group["logGroupName"])]
        calls = [cls.TAGS(resourceArn=_arn(group["logGroupName"])) for group in groups]
        for group, tags in zip(groups, reader.all(listing, *calls)[1:], strict=True):
            actual = cls._parse(group, stack, tags)
            if actual is not None and actual.owned:
                yield actual

    @classmethod
    def belongs_to(cls, stack: str, name: str) -> bool:
        """
        Whether *name* is one that a log group of this type has in *stack*.
        """
        # DescribeLogGroups lists by prefix, so the groups of a stack films-2 come with films.
        own = group_name(stack)
        return name == own or (
            name.startswith(f"{own}/") and not name.startswith(lock_prefix(stack))
        )

    def read(self, reader: Reader) -> LogGroup | None:
        groups, tags = reader.all(
            self.DESCRIBE(logGroupNamePrefix=self.name), self.TAGS(resourceArn=_arn(self.name))
        )
        for group in groups["logGroups"]:
            # The listing is by prefix: other groups may begin with the same name.
            if group["logGroupName"] == self.name:
                return self._parse(group, self.stack, tags)
        return None

    @classmethod
    def _parse(cls, group: Mapping[str, Any], stack: str, tags: Any) -> LogGroup | None:
        if tags is None:  # it was deleted after the listing
            return None
        return cls(
            **tag_fields(tags["tags"], name=group["logGroupName"], stack=stack),
            retention=group.get("retentionInDays"),
            arn=group["arn"].removesuffix(":*"),
        )

    def create(self) -> Steps:
        yield self.CREATE(logGroupName=self.name, tags=self.all_tags)
        if self.retention is not None:
            yield self._keep()
        # The answer of CreateLogGroup is empty: only a read gives the ARN.
        yield WAIT_STABLE

    def update(self, actual: LogGroup, drift: Collection[str]) -> Steps:
        if "retention" in drift:
            yield self._keep()
        if "tags" in drift:
            tag = self.TAG(resourceArn=_arn(self.name), tags=self.all_tags)
            untag = self.UNTAG(resourceArn=_arn(self.name), tagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        yield self.DELETE(logGroupName=self.name)

    def _keep(self) -> Any:
        if self.retention is None:
            return self.DELETE_RETENTION(logGroupName=self.name)
        return self.PUT_RETENTION(logGroupName=self.name, retentionInDays=self.retention)


@frozen(kw_only=True)
class LockGroup(LogGroup):
    """
    A lock whose resource was deleted outside of batchkit; see `locks.py`.
    """

    INTERNAL: ClassVar = True

    @classmethod
    def belongs_to(cls, stack: str, name: str) -> bool:
        return name.startswith(lock_prefix(stack))


def group_name(stack: str) -> str:
    """
    The log group of a stack's jobs.
    """
    return f"/batchkit/{stack}"


def _arn(name: str) -> Arn:
    return Arn("logs", f"log-group:{name}")
