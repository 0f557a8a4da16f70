"""
Rule 132: S3 takes no tags when a bucket is made, and it is tagged all the same.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchkit import Bucket, ensure_bucket
from batchkit.errors import AccessDenied

from .simulator import Crash, StrictAws

BUCKET = Bucket(name="films-kept-here", stack="films")


def tags(aws: StrictAws) -> dict[str, str]:
    """
    The tags of the bucket.
    """
    found: Any = aws.raw.client("s3").get_bucket_tagging(Bucket=BUCKET.name)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_a_region_refuses_tags_at_the_creation(region: str) -> None:
    """
    The bucket is made without, and tagged afterwards.
    """
    with StrictAws(region=region) as aws:
        ensure_bucket(BUCKET, session=aws.session, clock=aws.clock)
        assert aws.hits[132] == 1
        assert tags(aws) == BUCKET.all_tags


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_caller_may_not_tag_at_the_creation(region: str) -> None:
    """
    The bucket is made without; a crash before its tags leaves one that the next call tags.
    """
    with StrictAws(region=region) as aws:
        aws.deny("s3:TagResource")
        aws.crash_after(2)  # the intent record, then the bucket
        with pytest.raises(Crash):
            ensure_bucket(BUCKET, session=aws.session, clock=aws.clock)
        again = aws.another()
        ensure_bucket(BUCKET, session=again.session, clock=aws.clock)
        assert tags(aws) == BUCKET.all_tags


def test_a_caller_may_make_no_bucket_at_all() -> None:
    """
    The error names the permission that is missing.
    """
    with StrictAws() as aws:
        aws.deny("s3:CreateBucket")
        with pytest.raises(AccessDenied, match="s3:CreateBucket"):
            ensure_bucket(BUCKET, session=aws.session, clock=aws.clock)
