"""
The Resource Groups Tagging API: the tables and buckets that carry a stack's tag.
"""

from __future__ import annotations

from typing import Final

from batchkit._model.calls import Operation
from batchkit._model.reader import Reader
from batchkit._model.tags import OWNER

GET_RESOURCES: Final = Operation("resourcegroupstaggingapi", "GetResources", wide=True)


def tagged(stack: str, service: str, reader: Reader) -> list[str]:
    """
    The names of the resources of *service* that carry the stack's tag.
    """
    # DynamoDB and S3 list by name only.  The answer may hold what was deleted or retagged a moment
    # ago, so whoever asks reads each one
    # (https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html).
    tags = [{"Key": OWNER, "Values": [stack]}]
    answer = reader(GET_RESOURCES(TagFilters=tags, ResourceTypeFilters=["dynamodb:table", "s3"]))
    arns = (one["ResourceARN"] for one in answer["ResourceTagMappingList"])
    chosen = (arn for arn in arns if arn.split(":")[2] == service)
    return [arn.rpartition(":")[2].rpartition("/")[2] for arn in chosen]
