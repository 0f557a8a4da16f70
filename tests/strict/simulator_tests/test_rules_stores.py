"""
Repositories, log groups, tables and buckets.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ..helpers import code_of
from ..simulator import StrictAws

TABLE = {
    "TableName": "movies",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.mark.rule(95)
def test_repository_names_are_checked() -> None:
    """
    A repository's name is lower-case; one that is taken is refused as taken.
    """
    with StrictAws(rules_off=[1]) as aws:
        ecr = aws.session.client("ecr")
        wrong = code_of(ecr.create_repository, repositoryName="Movies")
        ecr.create_repository(repositoryName="movies")
        again = code_of(ecr.create_repository, repositoryName="movies")
        assert wrong == "InvalidParameterException"
        assert again == "RepositoryAlreadyExistsException"
        assert aws.hits[95] == 1


def test_a_fresh_repository_is_missed_in_the_flaky_profile() -> None:
    """
    The first describe of a new repository does not find it.
    """
    with StrictAws("flaky") as aws:
        ecr = aws.session.client("ecr")
        ecr.create_repository(repositoryName="movies")
        first = code_of(ecr.describe_repositories, repositoryNames=["movies"])
        assert first == "RepositoryNotFoundException"
        assert ecr.describe_repositories(repositoryNames=["movies"])["repositories"]


@pytest.mark.rule(96)
def test_a_registry_token_lasts_twelve_hours(strict_aws: StrictAws) -> None:
    """
    The token that is handed out has not expired yet.
    """
    data = strict_aws.session.client("ecr").get_authorization_token()["authorizationData"]
    left = data[0]["expiresAt"] - datetime.now(timezone.utc)
    assert timedelta(hours=11) < left < timedelta(hours=13)


@pytest.mark.rule(97)
def test_log_groups_are_checked() -> None:
    """
    Reserved names and odd retentions are refused, usual ones taken.
    """
    with StrictAws(rules_off=[1]) as aws:
        logs = aws.session.client("logs")
        aws.account.seen |= {
            ("aborted", name, operation)
            for name in ("aws/x", "a b", "x")
            for operation in ("CreateLogGroup", "PutRetentionPolicy")
        }
        for wrong in ("aws/x", "a b"):
            refused = code_of(logs.create_log_group, logGroupName=wrong)
            assert refused == "InvalidParameterException"
        logs.create_log_group(logGroupName="x")
        odd = {"logGroupName": "x", "retentionInDays": 2}
        assert code_of(logs.put_retention_policy, **odd) == "InvalidParameterException"
        logs.put_retention_policy(logGroupName="x", retentionInDays=3)
        assert aws.hits[97] == 3


@pytest.mark.rule(97)
def test_a_log_group_meets_another_change_once() -> None:
    """
    For some seeds the first creation is aborted, the second never.
    """
    aborted = 0
    for seed in range(6):
        with StrictAws(seed=seed) as aws:
            logs = aws.session.client("logs")
            try:
                logs.create_log_group(logGroupName="x")
            except logs.exceptions.OperationAbortedException:
                aborted += aws.hits[97]
                logs.create_log_group(logGroupName="x")
    assert 0 < aborted < 6


@pytest.mark.rule(134)
def test_lines_are_read_on_in_one_direction(strict_aws: StrictAws) -> None:
    """
    The token of a page that was read from the head is refused without startFromHead.
    """
    raw, logs = strict_aws.raw.client("logs"), strict_aws.session.client("logs")
    raw.create_log_group(logGroupName="x")
    raw.create_log_stream(logGroupName="x", logStreamName="s")
    stream: Any = {"logGroupName": "x", "logStreamName": "s"}
    first = logs.get_log_events(startFromHead=True, **stream)
    again = {"nextToken": first["nextForwardToken"], **stream}
    assert code_of(logs.get_log_events, **again) == "InvalidParameterException"
    assert logs.get_log_events(startFromHead=True, **again)["events"] == []


@pytest.mark.rule(98)
def test_a_table_is_creating_and_deleting(strict_aws: StrictAws) -> None:
    """
    Not found at first, CREATING for eight seconds, ACTIVE, DELETING for ten, gone.
    """
    database, clock = strict_aws.session.client("dynamodb"), strict_aws.clock
    one = {"TableName": "movies"}

    def state() -> str:
        return str(database.describe_table(**one)["Table"]["TableStatus"])

    database.create_table(**TABLE)
    assert code_of(database.describe_table, **one) == "ResourceNotFoundException"
    assert state() == "CREATING"
    item = {**one, "Item": {"id": {"S": "1"}}}
    assert code_of(database.put_item, **item) == "ResourceNotFoundException"
    assert code_of(database.delete_table, **one) == "ResourceInUseException"
    clock.sleep(8)
    assert state() == "ACTIVE"
    database.put_item(**item)
    database.delete_table(**one)
    assert state() == "DELETING"
    assert code_of(database.create_table, **TABLE) == "ResourceInUseException"
    clock.sleep(10)
    assert code_of(database.describe_table, **one) == "ResourceNotFoundException"


@pytest.mark.rule(98)
def test_time_to_live_is_enabled_once_and_items_are_left(strict_aws: StrictAws) -> None:
    """
    Enabling time to live twice is refused; a batch leaves one item unprocessed, once.
    """
    database = strict_aws.session.client("dynamodb")
    strict_aws.raw.client("dynamodb").create_table(**TABLE)
    wanted: dict[str, Any] = {"Enabled": True, "AttributeName": "until"}
    asked = {"TableName": "movies", "TimeToLiveSpecification": wanted}
    database.update_time_to_live(**asked)
    assert code_of(database.update_time_to_live, **asked) == "ValidationException"
    puts = [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in range(3)]
    first = database.batch_write_item(RequestItems={"movies": puts})
    assert first["UnprocessedItems"] == {"movies": puts[-1:]}
    second = database.batch_write_item(RequestItems={"movies": puts})
    assert second["UnprocessedItems"] == {}


@pytest.mark.rule(99)
@pytest.mark.parametrize(
    ("name", "code"), [("UPPER", "InvalidBucketName"), ("theirs", "BucketAlreadyExists")]
)
def test_bucket_names_are_checked(strict_aws: StrictAws, name: str, code: str) -> None:
    """
    A bad name, and one that another account has, are refused; another's bucket is forbidden.
    """
    s3 = strict_aws.session.client("s3")
    strict_aws.foreign_bucket("theirs")
    assert code_of(s3.create_bucket, Bucket=name) == code
    assert code_of(s3.head_bucket, Bucket="theirs") == "403"
    assert code_of(s3.list_object_versions, Bucket="theirs") == "AccessDenied"
    s3.create_bucket(Bucket="ours")


@pytest.mark.rule(99)
def test_a_bucket_is_deleted_empty_and_its_name_free_later(strict_aws: StrictAws) -> None:
    """
    One object is left by the first delete, inside a 200; the name is taken again after a minute.
    """
    s3 = strict_aws.session.client("s3")
    s3.create_bucket(Bucket="ours")
    for key in ("a", "b"):
        s3.put_object(Bucket="ours", Key=key, Body=b"x")
    assert code_of(s3.delete_bucket, Bucket="ours") == "BucketNotEmpty"
    every = {"Objects": [{"Key": "a"}, {"Key": "b"}]}
    assert [e["Key"] for e in s3.delete_objects(Bucket="ours", Delete=every)["Errors"]] == ["b"]
    assert not s3.delete_objects(Bucket="ours", Delete=every).get("Errors")
    s3.delete_bucket(Bucket="ours")
    assert code_of(s3.create_bucket, Bucket="ours") == "OperationAborted"
    strict_aws.clock.sleep(60)
    s3.create_bucket(Bucket="ours")


@pytest.mark.rule(132)
def test_elsewhere_a_bucket_takes_no_tags_at_its_creation() -> None:
    """
    Outside of the commercial regions a bucket is tagged afterwards.
    """
    with StrictAws(region="us-gov-west-1") as aws:
        s3 = aws.session.client("s3")
        where: Any = {"LocationConstraint": "us-gov-west-1"}
        tagged = {**where, "Tags": [{"Key": "team", "Value": "blue"}]}
        params = {"Bucket": "ours", "CreateBucketConfiguration": tagged}
        assert code_of(s3.create_bucket, **params) == "UnsupportedArgument"
        assert aws.hits[132] == 1
        s3.create_bucket(Bucket="ours", CreateBucketConfiguration=where)


@pytest.mark.rule(180)
def test_the_tags_of_a_table_are_seen_late_by_others(strict_aws: StrictAws) -> None:
    """
    Who makes a table sees its tags at once, another caller after some seconds.
    """
    mine, other = (
        one.client("dynamodb") for one in (strict_aws.session, strict_aws.another().session)
    )
    arn = mine.create_table(**TABLE, Tags=[{"Key": "a", "Value": "b"}])["TableDescription"][
        "TableArn"
    ]
    assert mine.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert other.list_tags_of_resource(ResourceArn=arn)["Tags"] == []
    strict_aws.clock.advance(5)
    assert other.list_tags_of_resource(ResourceArn=arn)["Tags"]
