"""
The kinds of IAM, ECR, logs, and those that hold data.
"""

from __future__ import annotations

import json
from typing import Any

from account_fixture import STACK, TAGS, TRUST, AccountFixture
from batchkit import Bucket, LogGroup, Repository, Role, Table, allow, aws_managed
from resource_cases import ResourceCase, drift

COMMON: dict[str, Any] = {"name": STACK, "stack": STACK, "tags": TAGS}
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole"


def role(there: AccountFixture) -> Role:
    return Role(
        service="batch.amazonaws.com",
        managed=[aws_managed("service-role/AWSBatchServiceRole")],
        grants=[allow("s3:ListBucket"), allow(["sqs:SendMessage", "sqs:GetQueueUrl"], "*")],
        boundary=there.policy(),
        **COMMON,
    )


def trust(there: AccountFixture, actual: Any) -> None:
    there.iam.update_assume_role_policy(RoleName=actual.name, PolicyDocument=TRUST)


def detach(there: AccountFixture, actual: Any) -> None:
    there.iam.detach_role_policy(RoleName=actual.name, PolicyArn=MANAGED)


def more_grants(there: AccountFixture, actual: Any) -> None:
    statement = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    there.iam.put_role_policy(RoleName=actual.name, PolicyName="batchkit", PolicyDocument=document)


def unbound(there: AccountFixture, actual: Any) -> None:
    there.iam.delete_role_permissions_boundary(RoleName=actual.name)


def longer(there: AccountFixture, actual: Any) -> None:
    there.iam.update_role(RoleName=actual.name, MaxSessionDuration=7200)


def untag_role(there: AccountFixture, actual: Any) -> None:
    there.iam.untag_role(RoleName=actual.name, TagKeys=["team"])


def no_scan(there: AccountFixture, actual: Any) -> None:
    there.ecr.put_image_scanning_configuration(
        repositoryName=actual.name, imageScanningConfiguration={"scanOnPush": False}
    )


def mutable(there: AccountFixture, actual: Any) -> None:
    there.ecr.put_image_tag_mutability(repositoryName=actual.name, imageTagMutability="MUTABLE")


def keep_all(there: AccountFixture, actual: Any) -> None:
    there.ecr.delete_lifecycle_policy(repositoryName=actual.name)


def untag_repository(there: AccountFixture, actual: Any) -> None:
    there.ecr.untag_resource(resourceArn=actual.arn, tagKeys=["team"])


def forever(there: AccountFixture, actual: Any) -> None:
    there.logs.delete_retention_policy(logGroupName=actual.name)


def untag_group(there: AccountFixture, actual: Any) -> None:
    there.logs.untag_resource(resourceArn=actual.arn, tagKeys=["team"])


def provisioned(there: AccountFixture, actual: Any) -> None:
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    there.dynamodb.update_table(
        TableName=actual.name, BillingMode="PROVISIONED", ProvisionedThroughput=throughput
    )


def untag_table(there: AccountFixture, actual: Any) -> None:
    there.dynamodb.untag_resource(ResourceArn=actual.arn, TagKeys=["team"])


def public(there: AccountFixture, actual: Any) -> None:
    there.s3.delete_public_access_block(Bucket=actual.name)


def untag_bucket(there: AccountFixture, actual: Any) -> None:
    tags = there.s3.get_bucket_tagging(Bucket=actual.name)["TagSet"]
    left = [tag for tag in tags if tag["Key"] != "team"]
    there.s3.put_bucket_tagging(Bucket=actual.name, Tagging={"TagSet": left})


CASES = {
    "Role": ResourceCase(
        role,
        ("CreateRole", "AttachRolePolicy", "PutRolePolicy"),
        ("DetachRolePolicy", "DeleteRolePolicy", "DeleteRole"),
        {
            "trust": drift(trust, "UpdateAssumeRolePolicy"),
            "managed": drift(detach, "AttachRolePolicy"),
            "grants": drift(more_grants, "PutRolePolicy"),
            "boundary": drift(unbound, "PutRolePermissionsBoundary"),
            "session_seconds": drift(longer, "UpdateRole"),
            "tags": drift(untag_role, "TagRole"),
        },
    ),
    "Repository": ResourceCase(
        lambda there: Repository(**COMMON),
        ("CreateRepository", "PutLifecyclePolicy"),
        ("DeleteRepository",),
        {
            "scan_on_push": drift(no_scan, "PutImageScanningConfiguration"),
            "immutable_tags": drift(mutable, "PutImageTagMutability"),
            "keep": drift(keep_all, "PutLifecyclePolicy"),
            "tags": drift(untag_repository, "TagResource"),
        },
    ),
    "LogGroup": ResourceCase(
        lambda there: LogGroup(**{**COMMON, "name": "/batchkit/movies"}),
        ("CreateLogGroup", "PutRetentionPolicy"),
        ("DeleteLogGroup",),
        {
            "retention": drift(forever, "PutRetentionPolicy"),
            "tags": drift(untag_group, "TagResource"),
        },
    ),
    "Table": ResourceCase(
        lambda there: Table(**COMMON),
        ("CreateTable",),
        ("DeleteTable",),
        {
            "billing": drift(provisioned, "UpdateTable"),
            "tags": drift(untag_table, "TagResource"),
        },
        {"key_name": "key", "key_type": "N"},
    ),
    "Bucket": ResourceCase(
        lambda there: Bucket(**{**COMMON, "name": "a-bucket"}),
        (
            *("CreateLogGroup", "CreateBucket", "PutBucketTagging", "DeleteLogGroup"),
            "PutPublicAccessBlock",
        ),
        ("DeleteBucket",),
        {
            "private": drift(public, "PutPublicAccessBlock"),
            "tags": drift(untag_bucket, "PutBucketTagging"),
        },
    ),
}
