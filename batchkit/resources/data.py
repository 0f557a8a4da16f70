"""
Where data lives: a DynamoDB table and an S3 bucket.  A teardown keeps both unless told not to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._calls import GONE, SETTLE, Each, NotYet, Operation, Steps
from batchkit._checks import checked, one_of, text
from batchkit._ensure import ensurer
from batchkit._fields import held_tags
from batchkit._resource import Ask, Resource, fixed, output
from batchkit._tags import OWNER, as_list, parse
from batchkit._values import ITEM, LOCATION, Arn
from batchkit.resources._claims import (
    DROP,
    LOOK,
    TAKE,
    Note,
    claimed,
    is_noted,
    look,
    note_of,
    notes,
)
from batchkit.resources.logs import LogGroup, group_name

TABLE_NAME = text(r"[a-zA-Z0-9_.-]{3,255}", "3-255 letters, digits or _.-")
BUCKET_NAME = text(
    r"(?!xn--)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)(?!.*-s3alias$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "3-63 lower-case letters, digits, . or -; starting and ending with a letter or digit",
)
_TAGGED = Operation("resourcegroupstaggingapi", "GetResources", wide=True)
_NOT_FOUND: Final = "ResourceNotFoundException"
_IN_USE: Final = NotYet("ResourceInUseException", 120)
_ABORTED: Final = NotYet("OperationAborted", 300)
_NEW_BUCKET: Final = (NotYet("NoSuchBucket", 120), _ABORTED)


def _tagged(stack: str, service: str, ask: Ask) -> list[str]:
    """
    The names of what carries the stack's tag: nothing else tells a table's or bucket's owner.
    """
    tags = [{"Key": OWNER, "Values": [stack]}]
    answer = ask(_TAGGED(TagFilters=tags, ResourceTypeFilters=["dynamodb:table", "s3"]))
    arns = (one["ResourceARN"] for one in answer["ResourceTagMappingList"])
    mine = (arn for arn in arns if arn.split(":")[2] == service)
    return [arn.rpartition(":")[2].rpartition("/")[2] for arn in mine]


@frozen(kw_only=True)
class Table(Resource):
    """
    A DynamoDB table with one key attribute, paid for by the request.
    """

    DESCRIBE: ClassVar = Operation("dynamodb", "DescribeTable", absent=(_NOT_FOUND,))
    TAGS: ClassVar = Operation("dynamodb", "ListTagsOfResource", absent=(_NOT_FOUND,))
    FOUND_BY: ClassVar = _TAGGED
    CREATE: ClassVar = Operation(
        "dynamodb",
        "CreateTable",
        ("dynamodb:TagResource",),
        exists=("ResourceInUseException",),
        not_yet=(NotYet("LimitExceededException", 120),),
    )
    TAG: ClassVar = Operation("dynamodb", "TagResource", not_yet=(_IN_USE,))
    BILLING: ClassVar = Operation("dynamodb", "UpdateTable", not_yet=(_IN_USE,))
    DELETE: ClassVar = Operation(
        "dynamodb", "DeleteTable", absent=(_NOT_FOUND,), not_yet=(_IN_USE,)
    )
    DATA: ClassVar = True
    READY: ClassVar = ("ACTIVE",)
    GOING: ClassVar = ("DELETING",)

    name: str = checked(TABLE_NAME)
    key_name: str = fixed(text(r".{1,255}", "the name of the key attribute"), default="id")
    key_type: str = fixed(one_of("S", "N", "B"), default="S")
    billing: str = checked(one_of("PAY_PER_REQUEST"), default="PAY_PER_REQUEST")
    arn: str = output("TableDescription.TableArn")

    def targets(self) -> tuple[str | Arn, ...]:
        return (Arn("dynamodb", f"table/{self.name}"),)

    @classmethod
    def find(cls, stack: str, ask: Ask) -> Iterable[Table]:
        for name in _tagged(stack, "dynamodb", ask):
            held = cls(name=name, stack=stack).read(ask)
            if held is not None and held.owned:
                yield held

    def read(self, ask: Ask) -> Table | None:
        described, tags = ask.all(
            self.DESCRIBE(TableName=self.name),
            self.TAGS(ResourceArn=Arn("dynamodb", f"table/{self.name}")),
        )
        if described is None:
            return None
        table = described["Table"]
        key = next(k["AttributeName"] for k in table["KeySchema"] if k["KeyType"] == "HASH")
        types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
        return Table(
            **held_tags((tags or {}).get("Tags"), name=self.name, stack=self.stack),
            key_name=key,
            key_type=types[key],
            billing=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            arn=table["TableArn"],
            state=table["TableStatus"],
        )

    def create(self) -> Steps:
        yield self.CREATE(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": self.key_name, "AttributeType": self.key_type}],
            KeySchema=[{"AttributeName": self.key_name, "KeyType": "HASH"}],
            BillingMode=self.billing,
            Tags=as_list(self.all_tags),
        )
        yield SETTLE

    def update(self, held: Table, drift: Collection[str]) -> Steps:
        if "billing" in drift:
            yield self.BILLING(TableName=self.name, BillingMode=self.billing)
            yield SETTLE
        if "tags" in drift:
            yield self.TAG(ResourceArn=held.arn, Tags=as_list(self.all_tags))

    def delete(self) -> Steps:
        yield self.DELETE(TableName=self.name)
        yield GONE


ensure_table = ensurer(Table)


@frozen(kw_only=True)
class Bucket(Resource):
    """
    An S3 bucket that is not public.

    AWS tags it in a call of its own; until then a note tells whose it is (`_claims.py`).
    """

    TAGS: ClassVar = Operation(
        "s3", "GetBucketTagging", absent=("NoSuchBucket",), unset=("NoSuchTagSet",)
    )
    ACCESS: ClassVar = Operation(
        "s3",
        "GetPublicAccessBlock",
        permission="s3:GetBucketPublicAccessBlock",
        absent=("NoSuchBucket",),
        unset=("NoSuchPublicAccessBlockConfiguration",),
    )
    FOUND_BY: ClassVar = _TAGGED
    CREATE: ClassVar = Operation(
        "s3",
        "CreateBucket",
        ("s3:TagResource",),
        exists=("BucketAlreadyOwnedByYou",),
        not_yet=(_ABORTED,),
    )
    TAG: ClassVar = Operation("s3", "PutBucketTagging", not_yet=_NEW_BUCKET)
    BLOCK: ClassVar = Operation(
        "s3",
        "PutPublicAccessBlock",
        permission="s3:PutBucketPublicAccessBlock",
        not_yet=_NEW_BUCKET,
    )
    LIST: ClassVar = Operation(
        "s3", "ListObjectVersions", permission="s3:ListBucketVersions", absent=("NoSuchBucket",)
    )
    EMPTY: ClassVar = Operation(
        "s3",
        "DeleteObjects",
        ("s3:DeleteObjectVersion",),
        permission="s3:DeleteObject",
        absent=("NoSuchBucket",),
    )
    DELETE: ClassVar = Operation(
        "s3", "DeleteBucket", absent=("NoSuchBucket",), not_yet=(_ABORTED,)
    )
    TAKE: ClassVar = TAKE
    LOOK: ClassVar = LOOK
    DROP: ClassVar = DROP
    DATA: ClassVar = True
    UNTAGGED: ClassVar = "untagged"
    ALL_BLOCKED: ClassVar[Mapping[str, bool]] = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }

    name: str = checked(BUCKET_NAME)
    private: bool = checked(one_of(True), default=True)
    arn: str = output()

    def targets(self) -> tuple[str | Arn, ...]:
        names = (self.name, f"{self.name}/*")
        return tuple(Arn("s3", name, region=False, account=False) for name in names)

    @classmethod
    def find(cls, stack: str, ask: Ask) -> Iterable[Bucket]:
        for name in sorted({*_tagged(stack, "s3", ask), *_noted(stack, ask)}):
            held = cls(name=name, stack=stack).read(ask)
            if held is not None and held.owned:
                yield held

    def read(self, ask: Ask) -> Bucket | None:
        tags, access = ask.all(self.TAGS(Bucket=self.name), self.ACCESS(Bucket=self.name))
        if tags is None or access is None:
            return None
        blocked = access.get("PublicAccessBlockConfiguration", {})
        found = parse(tags.get("TagSet"))
        untagged = OWNER not in found and is_noted(self, ask)
        if untagged:
            found[OWNER] = self.stack
        return Bucket(
            **held_tags(found, name=self.name, stack=self.stack),
            private=blocked == self.ALL_BLOCKED,
            state=self.UNTAGGED if untagged else "",
            arn=f"arn:{ask.scope.partition}:s3:::{self.name}",
        )

    def differs(self, name: str, held: Any) -> bool:
        return (name == "tags" and held.state == self.UNTAGGED) or super().differs(name, held)

    def create(self) -> Steps:
        where = {"LocationConstraint": LOCATION, "Tags": as_list(self.all_tags)}
        yield Note(self.TAKE, note_of(self), self.stack, self.name)
        yield self.CREATE(Bucket=self.name, CreateBucketConfiguration=where)
        yield self._tag({})  # not every S3 takes tags at creation yet
        yield self.DROP(logGroupName=note_of(self))
        yield self._block()
        yield SETTLE

    def update(self, held: Bucket, drift: Collection[str]) -> Steps:
        if "private" in drift:
            yield self._block()
        if "tags" in drift:
            yield self._tag(held.tags)
        if held.state == self.UNTAGGED:
            yield self.DROP(logGroupName=note_of(self))

    def delete(self) -> Steps:
        listing = self.LIST(Bucket=self.name)
        path = "[Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}"
        remove = self.EMPTY(Bucket=self.name, Delete={"Objects": ITEM, "Quiet": True})
        yield Each(listing, path, remove, batch=1000)
        yield self.DELETE(Bucket=self.name)

    def _block(self) -> Any:
        return self.BLOCK(Bucket=self.name, PublicAccessBlockConfiguration=dict(self.ALL_BLOCKED))

    def _tag(self, others: Mapping[str, str]) -> Any:
        # The call replaces all tags, so those of others are written back.
        return self.TAG(Bucket=self.name, Tagging={"TagSet": as_list({**others, **self.all_tags})})


ensure_bucket = ensurer(Bucket)


def _noted(stack: str, ask: Ask) -> list[str]:
    """
    The names of buckets that are about to be made, or were when their maker crashed.
    """
    groups = ask(LogGroup.DESCRIBE(logGroupNamePrefix=group_name(stack)))["logGroups"]
    names = (group["logGroupName"] for group in groups)
    prefix = notes(stack, Bucket.__name__)
    return [claimed(ask(look(name))) for name in names if name.startswith(prefix)]
