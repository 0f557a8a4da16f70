"""
The Resource Groups Tagging API: which tables and buckets carry a stack's tag.
"""

from __future__ import annotations

from typing import Final

from batchkit._model.calls import Operation
from batchkit._model.resource import Reader
from batchkit._model.tags import OWNER

GET_RESOURCES: Final = Operation("resourcegroupstaggingapi", "GetResources", wide=True)


def tagged(stack: str, service: str, reader: Reader) -> list[str]:
    """
    The names of what carries the stack's tag: nothing else tells a table's or bucket's owner.
    """
    tags = [{"Key": OWNER, "Values": [stack]}]
    answer = reader(GET_RESOURCES(TagFilters=tags, ResourceTypeFilters=["dynamodb:table", "s3"]))
    arns = (one["ResourceARN"] for one in answer["ResourceTagMappingList"])
    mine = (arn for arn in arns if arn.split(":")[2] == service)
    return [arn.rpartition(":")[2].rpartition("/")[2] for arn in mine]
