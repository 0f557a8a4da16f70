"""
A bucket made with tags has them: S3 takes them in CreateBucket, and moto 5.2 drops them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import xmltodict
from moto.s3.responses import S3Response

from batchkit.local._patch import Mends, apply_all

MENDS = Mends()


@MENDS(S3Response, "_bucket_response_put", why="moto drops the tags that CreateBucket is given")
def put(original: Any, self: Any, request: Any, bucket: str, query: dict[str, Any]) -> Any:
    answer = original(self, request, bucket, query)
    if not query and self.body:
        document = xmltodict.parse(self.body, force_list=("Tag",))
        given = (document["CreateBucketConfiguration"] or {}).get("Tags") or {"Tag": []}
        tags = {tag["Key"]: tag["Value"] or "" for tag in given["Tag"]}
        if tags:
            self.backend.put_bucket_tagging(bucket, tags)
    return answer


@contextmanager
def bucket_tags() -> Iterator[None]:
    """
    The mend holds inside.
    """
    with apply_all(MENDS):
        yield
