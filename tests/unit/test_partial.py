"""
What a call for several things didn't do, told inside an answer that is a success.
"""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from batchkit._engine import partial as _partial

DONE: dict[str, tuple[str, dict[str, Any]]] = {
    "s3 DeleteObjects": (
        "AccessDenied: films/1.csv, v1: Access Denied",
        {
            "Deleted": [{"Key": "films/2.csv"}],
            "Errors": [
                {
                    "Key": "films/1.csv",
                    "VersionId": "v1",
                    "Code": "AccessDenied",
                    "Message": "Access Denied",
                }
            ],
        },
    ),
    "ec2 DeleteVpcEndpoints": (
        "DependencyViolation: vpce-1: it is used",
        {
            "Unsuccessful": [
                {
                    "ResourceId": "vpce-1",
                    "Error": {"Code": "DependencyViolation", "Message": "it is used"},
                }
            ]
        },
    ),
    "events PutTargets": (
        "ConcurrentModificationException: t-1: try again",
        {
            "FailedEntryCount": 1,
            "FailedEntries": [
                {
                    "TargetId": "t-1",
                    "ErrorCode": "ConcurrentModificationException",
                    "ErrorMessage": "try again",
                }
            ],
        },
    ),
    "events PutEvents": (
        "InternalFailure: again",
        {
            "FailedEntryCount": 1,
            "Entries": [
                {"EventId": "e-1"},
                {"ErrorCode": "InternalFailure", "ErrorMessage": "again"},
            ],
        },
    ),
    "ecr BatchDeleteImage": (
        "ImageReferencedByManifestList: sha256:1: an index has it",
        {
            "imageIds": [],
            "failures": [
                {
                    "imageId": {"imageDigest": "sha256:1"},
                    "failureCode": "ImageReferencedByManifestList",
                    "failureReason": "an index has it",
                }
            ],
        },
    ),
    "ecs DescribeTasks": (
        "failures: arn:x: MISSING",
        {"tasks": [], "failures": [{"arn": "arn:x", "reason": "MISSING"}]},
    ),
    "sqs SendMessageBatch": (
        "InternalError: m-1: no",
        {
            "Successful": [],
            "Failed": [
                {"Id": "m-1", "SenderFault": False, "Code": "InternalError", "Message": "no"}
            ],
        },
    ),
    "dynamodb BatchWriteItem": (
        "UnprocessedItems: films",
        {"UnprocessedItems": {"films": [{"PutRequest": {"Item": {}}}]}},
    ),
    "resourcegroupstaggingapi UntagResources": (
        "InternalServiceException: arn:x: no",
        {
            "FailedResourcesMap": {
                "arn:x": {
                    "StatusCode": 500,
                    "ErrorCode": "InternalServiceException",
                    "ErrorMessage": "no",
                }
            }
        },
    ),
}
"""For operations of many services: an answer with a failure inside, and what is told of it."""


def model(operation: str) -> Any:
    """
    What botocore knows of *operation*.
    """
    service, name = operation.split()
    client: Any = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
    return client.meta.service_model.operation_model(name)


@pytest.mark.parametrize("operation", DONE)
def test_what_was_not_done_is_an_error(operation: str) -> None:
    """
    With its code, what it is about, and AWS's message; the request's id as well.
    """
    told, answer = DONE[operation]
    about = {"RequestId": "r-1", "HTTPStatusCode": 200}
    with pytest.raises(ClientError) as raised:
        _partial.refuse_partial_success({**answer, "ResponseMetadata": about}, model(operation))
    error = raised.value.response["Error"]
    assert f"{error['Code']}: {error['Message']}" == told
    assert raised.value.response["ResponseMetadata"]["RequestId"] == "r-1"


@pytest.mark.parametrize("operation", DONE)
def test_what_was_all_done_is_none(operation: str) -> None:
    """
    Empty lists of failures, or none.
    """
    empty = {key: type(value)() for key, value in DONE[operation][1].items()}
    for answer in ({}, empty, {"Error": {"Code": "X", "Message": "y"}}):
        _partial.refuse_partial_success(answer, model(operation))


def test_of_several_the_first_is_told_and_the_others_counted() -> None:
    """
    A thousand keys of a bucket would be no message.
    """
    one = DONE["s3 DeleteObjects"][1]["Errors"][0]
    with pytest.raises(ClientError, match=r"Access Denied \(and 2 more\)"):
        _partial.refuse_partial_success({"Errors": [one] * 3}, model("s3 DeleteObjects"))


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("ec2 DescribeNatGateways", {"NatGateways": [{"FailureCode": "x", "State": "failed"}]}),
        ("ec2 DescribeVpcEndpoints", {"VpcEndpoints": [{"LastError": {"Code": "x"}}]}),
        ("stepfunctions DescribeExecution", {"error": "States.TaskFailed", "cause": "no"}),
        ("stepfunctions GetExecutionHistory", {"events": [{"type": "TaskFailed"}]}),
    ],
)
def test_a_failure_that_is_only_described_is_no_error(
    operation: str, answer: dict[str, Any]
) -> None:
    """
    What has failed elsewhere is what was asked for.
    """
    _partial.refuse_partial_success(answer, model(operation))
