"""
DynamoDB: a table for a job's results.  A teardown keeps it, unless it is told to delete data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar, Final

from attrs import frozen

from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, NotYet, Operation, Steps
from batchkit._model.checks import checked, one_of, text
from batchkit._model.properties import create_only, read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.tags import as_list, tag_fields
from batchkit._model.values import Arn
from batchkit.resources.tagging import GET_RESOURCES, tagged

TABLE_NAME = text(r"[a-zA-Z0-9_.-]{3,255}", "3-255 letters, digits or _.-")
_NOT_FOUND: Final = "ResourceNotFoundException"
# DynamoDB changes and deletes a table only while it is ACTIVE
# (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html).
_IN_USE: Final = NotYet("ResourceInUseException", 120)


@frozen(kw_only=True)
class Table(Resource):
    """
    A DynamoDB table with one key attribute, paid for by the request.
    """

    DESCRIBE: ClassVar = Operation("dynamodb", "DescribeTable", absent=(_NOT_FOUND,))
    TAGS: ClassVar = Operation("dynamodb", "ListTagsOfResource", absent=(_NOT_FOUND,))
    FOUND_BY: ClassVar = GET_RESOURCES
    CREATE: ClassVar = Operation(
        "dynamodb",
        "CreateTable",
        ("dynamodb:TagResource",),
        exists=("ResourceInUseException",),
        # Too many tables of the account are being made or changed at the moment
        # (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html).
        not_yet=(NotYet("LimitExceededException", 120),),
    )
    TAG: ClassVar = Operation("dynamodb", "TagResource", not_yet=(_IN_USE,))
    UNTAG: ClassVar = Operation("dynamodb", "UntagResource", not_yet=(_IN_USE,))
    BILLING: ClassVar = Operation("dynamodb", "UpdateTable", not_yet=(_IN_USE,))
    DELETE: ClassVar = Operation(
        "dynamodb", "DeleteTable", absent=(_NOT_FOUND,), not_yet=(_IN_USE,)
    )
    RETAIN: ClassVar = True
    READY: ClassVar = ("ACTIVE",)
    DELETING: ClassVar = ("DELETING",)

    name: str = checked(TABLE_NAME)
    key_name: str = create_only(text(r".{1,255}", "the name of the key attribute"), default="id")
    key_type: str = create_only(one_of("S", "N", "B"), default="S")
    billing: str = checked(one_of("PAY_PER_REQUEST"), default="PAY_PER_REQUEST")
    arn: str = read_only("TableDescription.TableArn")

    def targets(self) -> tuple[str | Arn, ...]:
        return (Arn("dynamodb", f"table/{self.name}"),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Table]:
        for name in tagged(stack, "dynamodb", reader):
            actual = cls(name=name, stack=stack).read(reader)
            if actual is not None and actual.owned:
                yield actual

    def read(self, reader: Reader) -> Table | None:
        described, tags = reader.all(
            self.DESCRIBE(TableName=self.name),
            self.TAGS(ResourceArn=Arn("dynamodb", f"table/{self.name}")),
        )
        if described is None:
            return None
        table = described["Table"]
        key = next(k["AttributeName"] for k in table["KeySchema"] if k["KeyType"] == "HASH")
        types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
        return Table(
            **tag_fields((tags or {}).get("Tags"), name=self.name, stack=self.stack),
            key_name=key,
            key_type=types[key],
            # DynamoDB leaves this out for a table that has always been provisioned (see
            # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BillingModeSummary.html).
            billing=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            arn=table["TableArn"],
            state=table["TableStatus"],
        )

    def create(self) -> Steps:
        # DynamoDB wants the types of the key attributes, and of no others.
        yield self.CREATE(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": self.key_name, "AttributeType": self.key_type}],
            KeySchema=[{"AttributeName": self.key_name, "KeyType": "HASH"}],
            BillingMode=self.billing,
            Tags=as_list(self.all_tags),
        )
        yield WAIT_STABLE

    def update(self, actual: Table, drift: Collection[str]) -> Steps:
        if "billing" in drift:
            yield self.BILLING(TableName=self.name, BillingMode=self.billing)
            # The table is UPDATING for a while, and takes no other change until it is done.
            yield WAIT_STABLE
        if "tags" in drift:
            tag = self.TAG(ResourceArn=actual.arn, Tags=as_list(self.all_tags))
            untag = self.UNTAG(ResourceArn=actual.arn, TagKeys=self.left_out(actual))
            yield from self.retag(actual, tag, untag)

    def delete(self) -> Steps:
        yield self.DELETE(TableName=self.name)
        yield WAIT_DELETED
