"""
S3: a bucket for a job's data.  A teardown keeps it, unless it is told to delete data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.calls import (
    WAIT_STABLE,
    AwsClient,
    Call,
    ForEach,
    NotYet,
    Operation,
    Steps,
    Task,
)
from batchkit._model.checks import checked, one_of, text
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import OWNER, as_list, parse, tag_fields
from batchkit._model.values import ITEM, LOCATION, Arn
from batchkit.errors import AccessDenied, AwsError
from batchkit.events import Listener
from batchkit.resources.locks import (
    READ_LOCK,
    RELEASE_LOCK,
    TAKE_LOCK,
    RecordIntent,
    has_intent,
    intent_group,
    intent_prefix,
    locked_for,
    read_lock,
)
from batchkit.resources.logs import LogGroup, group_name
from batchkit.resources.tagging import GET_RESOURCES, tagged

BUCKET_NAME = text(
    r"(?!xn--)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)(?!.*-s3alias$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "3-63 lower-case letters, digits, . or -; starting and ending with a letter or digit",
)
ITEMS: Final = "batchkit/items"
"""Where a stack's bucket keeps the lists of `Stack.map`."""
# S3 aborts calls for a bucket whose name is being made or deleted by another call.
_ABORTED: Final = NotYet("OperationAborted", 300)
# A new bucket may be unknown to the calls that follow its creation.
_NEW_BUCKET: Final = (NotYet("NoSuchBucket", 120), _ABORTED)

HEAD_BUCKET: Final = Operation(
    "s3", "HeadBucket", permission="s3:ListBucket", absent=("404", "NoSuchBucket")
)
HEAD_OBJECT: Final = Operation(
    "s3", "HeadObject", permission="s3:GetObject", absent=("404", "NoSuchKey", "NoSuchBucket")
)


@frozen
class CreateBucket(Task):
    """
    A step: make the bucket *name* with *tags*, or without them where they are refused.

    S3 takes tags at the creation since November 2025, and not in every partition
    (https://github.com/hashicorp/terraform-provider-aws/issues/45684).  A caller may lack the
    permission for it.  The intent record says whose the bucket is until the tags follow.
    """

    operation: Operation
    name: str
    tags: Mapping[str, str]

    @property
    def calls(self) -> tuple[Call, ...]:
        where = {"LocationConstraint": LOCATION, "Tags": as_list(self.tags)}
        return (self.operation(Bucket=self.name, CreateBucketConfiguration=where),)

    def perform(self, aws: AwsClient, emit: Listener) -> Mapping[str, Any]:
        """
        Makes the bucket.
        """
        (tagged,) = self.calls
        try:
            aws.call(tagged)
        except AwsError as error:
            if not isinstance(error, AccessDenied) and error.code != "UnsupportedArgument":
                raise
            # In us-east-1 there is no constraint, and S3 takes no empty configuration.
            here = aws.session.region_name == "us-east-1"
            where = {} if here else {"CreateBucketConfiguration": {"LocationConstraint": LOCATION}}
            aws.call(self.operation(Bucket=self.name, **where))
        return {}


@frozen(kw_only=True)
class Bucket(Resource):
    """
    An S3 bucket that is not public.

    S3 tags it in a call of its own; until then, an intent record names its owner (`locks.py`).
    """

    # S3 answers with an error, not with an empty set, where a bucket has no tags
    # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html).
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
    FOUND_BY: ClassVar = GET_RESOURCES
    # In us-east-1, S3 answers a second creation of a bucket of one's own with success
    # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
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
        "s3",
        "ListObjectVersions",
        permission="s3:ListBucketVersions",
        for_deletion=True,
        absent=("NoSuchBucket",),
    )
    DELETE_OBJECTS: ClassVar = Operation(
        "s3",
        "DeleteObjects",
        ("s3:DeleteObjectVersion",),
        permission="s3:DeleteObject",
        absent=("NoSuchBucket",),
    )
    DELETE: ClassVar = Operation(
        "s3", "DeleteBucket", absent=("NoSuchBucket",), not_yet=(_ABORTED,)
    )
    TAKE_LOCK: ClassVar = TAKE_LOCK
    READ_LOCK: ClassVar = READ_LOCK
    RELEASE_LOCK: ClassVar = RELEASE_LOCK
    RETAIN: ClassVar = True
    UNTAGGED: ClassVar = "untagged"
    ALL_BLOCKED: ClassVar[Mapping[str, bool]] = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }

    name: str = checked(BUCKET_NAME)
    private: bool = checked(one_of(True), default=True)
    arn: str = read_only()

    def targets(self) -> tuple[str | Arn, ...]:
        names = (self.name, f"{self.name}/*")
        return tuple(Arn("s3", name, region=False, account=False) for name in names)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Bucket]:
        for name in sorted({*tagged(stack, "s3", reader), *_intended_names(stack, reader)}):
            actual = cls(name=name, stack=stack).read(reader)
            if actual is not None and actual.owned:
                yield actual

    def read(self, reader: Reader) -> Bucket | None:
        tags, access = reader.all(self.TAGS(Bucket=self.name), self.ACCESS(Bucket=self.name))
        if tags is None or access is None:  # it was deleted between the two calls
            return None
        blocked = access.get("PublicAccessBlockConfiguration", {})
        found = parse(tags.get("TagSet"))
        # A caller crashed between the creation and the tags: the intent record says whose it is.
        untagged = OWNER not in found and has_intent(self, reader)
        if untagged:
            found[OWNER] = self.stack
        return Bucket(
            **tag_fields(found, name=self.name, stack=self.stack),
            private=blocked == self.ALL_BLOCKED,
            state=self.UNTAGGED if untagged else "",
            arn=f"arn:{reader.scope.partition}:s3:::{self.name}",
        )

    def differs(self, name: str, actual: Any) -> bool:
        return (name == "tags" and actual.state == self.UNTAGGED) or super().differs(name, actual)

    def create(self) -> Steps:
        yield RecordIntent(self.TAKE_LOCK, intent_group(self), self.stack, self.name)
        yield CreateBucket(self.CREATE, self.name, self.all_tags)
        yield self._tag({})
        yield self.RELEASE_LOCK(logGroupName=intent_group(self))
        yield self._block()
        yield WAIT_STABLE

    def update(self, actual: Bucket, drift: Collection[str]) -> Steps:
        if "private" in drift:
            yield self._block()
        if "tags" in drift:
            gone = self.left_out(actual)
            yield self._tag({key: actual.tags[key] for key in actual.tags if key not in gone})
        if actual.state == self.UNTAGGED:
            yield self.RELEASE_LOCK(logGroupName=intent_group(self))

    def delete(self) -> Steps:
        # S3 deletes no bucket with objects, versions or delete markers in it
        # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html), and takes 1,000
        # keys in a call (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
        listing = self.LIST(Bucket=self.name)
        path = "[Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}"
        remove = self.DELETE_OBJECTS(Bucket=self.name, Delete={"Objects": ITEM, "Quiet": True})
        yield ForEach(listing, path, remove, batch=1000)
        yield self.DELETE(Bucket=self.name)

    def _block(self) -> Any:
        return self.BLOCK(Bucket=self.name, PublicAccessBlockConfiguration=dict(self.ALL_BLOCKED))

    def _tag(self, others: Mapping[str, str]) -> Any:
        # The call replaces all tags of the bucket, so those of others are sent again
        # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html).
        return self.TAG(Bucket=self.name, Tagging={"TagSet": as_list({**others, **self.all_tags})})


def _intended_names(stack: str, reader: Reader) -> list[str]:
    """
    The names of the buckets that are about to be made, or were when a caller crashed.
    """
    groups = reader(LogGroup.DESCRIBE(logGroupNamePrefix=group_name(stack)))["logGroups"]
    names = (group["logGroupName"] for group in groups)
    prefix = intent_prefix(stack, Bucket.__name__)
    return [locked_for(reader(read_lock(name))) for name in names if name.startswith(prefix)]
