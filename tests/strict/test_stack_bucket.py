"""
Rules 99 and 132: S3 takes no tags when a bucket is made, and it is tagged all the same; what it
doesn't delete is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import pytest

from batchkit import Bucket, ensure_bucket
from batchkit.errors import AccessDenied, TeardownError

from .simulator import Crash, StrictAws
from .stacks import BARE, BUCKET as NAME, destroy, make

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


def filled(aws: StrictAws) -> Any:
    """
    A client of S3, where a stack's bucket has versions of two objects.
    """
    make(aws, attrs.evolve(BARE, bucket=NAME))
    s3: Any = aws.raw.client("s3")
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    lock: Any = {"ObjectLockEnabled": "Enabled"}
    s3.put_object_lock_configuration(Bucket=NAME, ObjectLockConfiguration=lock)
    for key in ("seen/1.csv", "seen/2.csv"):
        s3.put_object(Bucket=NAME, Key=key, Body=b"x")
    return s3


def test_an_object_that_fails_once_is_deleted_with_the_bucket(strict_aws: StrictAws) -> None:
    """
    S3 tells of it inside an answer that is a success; one teardown is enough.
    """
    before = strict_aws.snapshot()
    filled(strict_aws)
    destroy(strict_aws)
    assert strict_aws.hits[99]
    assert strict_aws.snapshot() == before


def test_an_object_that_is_locked_is_named(strict_aws: StrictAws) -> None:
    """
    At once, with what S3 says of it, and what helps; no permission would.
    """
    s3 = filled(strict_aws)
    until = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2090, 1, 1)}
    s3.put_object_retention(Bucket=NAME, Key="seen/2.csv", Retention=until)
    with pytest.raises(TeardownError) as raised:
        destroy(strict_aws)
    ((what, error),) = raised.value.failed
    assert what == f"Bucket {NAME}"
    assert not isinstance(error, AccessDenied)
    for part in ("s3:DeleteObjects", "seen/2.csv", "object lock", "retention is over"):
        assert part in str(error)
    assert "BucketNotEmpty" not in str(error) and "policy" not in str(error)
