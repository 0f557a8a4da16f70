"""
AWS's errors, translated: which call, AWS's own words, and what to do.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from batchkit import (
    AccessDenied,
    AwsError,
    BatchkitError,
    CredentialsError,
    QuotaExceeded,
)
from batchkit._engine import failures as _failures
from batchkit._model.calls import Operation
from batchkit._model.signals import AlreadyThere

CREATE = Operation(
    "batch",
    "CreateJobQueue",
    ("batch:TagResource",),
    exists=("ClientException: already exists",),
)
CALL = CREATE(jobQueueName="q")


def refusal(code: str, message: str = "no", status: int = 400) -> ClientError:
    about: Any = {"HTTPStatusCode": status, "RequestId": "r-1"}
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": about}, "X"
    )


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (refusal("ClientException"), AwsError, "Running the same call again goes on"),
        (refusal("AccessDenied"), AccessDenied, '["batch:CreateJobQueue", "batch:TagResource"]'),
        (refusal("AccessDeniedException"), AccessDenied, "stack_policy"),
        (refusal("UnauthorizedOperation"), AccessDenied, "stack_policy"),
        (refusal("ExpiredToken"), CredentialsError, "aws sso login"),
        (refusal("UnrecognizedClientException"), CredentialsError, "AWS_PROFILE"),
        (refusal("VpcLimitExceeded"), QuotaExceeded, "--quota-code L-F678F1CE"),
        (refusal("ServiceQuotaExceededException"), QuotaExceeded, "Service Quotas"),
        (refusal("ThrottlingException"), AwsError, "ThrottlingException"),
        (NoCredentialsError(), CredentialsError, "Unable to locate credentials"),
        (PartialCredentialsError(provider="p", cred_var="v"), CredentialsError, "AWS_PROFILE"),
        (TokenRetrievalError(provider="sso", error_msg="old"), CredentialsError, "sso login"),
        (EndpointConnectionError(endpoint_url="https://x"), AwsError, "https://x"),
        (ConnectTimeoutError(endpoint_url="https://x"), AwsError, "ConnectTimeoutError"),
    ],
)
def test_each_error_says_where_what_and_what_to_do(
    error: Exception, kind: type[AwsError], says: str
) -> None:
    """
    It is of its kind, and names the resource and the call.
    """
    told = _failures.translate(CALL, error, "JobQueue q")
    assert type(told) is kind
    assert str(told).startswith("JobQueue q: batch:CreateJobQueue failed with ")
    assert says in str(told)


def test_a_refusal_keeps_awss_own_words() -> None:
    """
    Code, message and request id can be read by programs too.
    """
    told = _failures.translate(CALL, refusal("Bad", "because"), "")
    assert isinstance(told, AwsError)
    assert (told.operation, told.code, told.message) == ("batch:CreateJobQueue", "Bad", "because")
    assert told.request_id == "r-1" and "(request r-1)" in str(told)
    assert str(told).startswith("batch:CreateJobQueue failed")


def test_a_missing_permission_carries_the_statement_to_add() -> None:
    """
    It can be pasted into a policy.
    """
    told = _failures.translate(CALL, refusal("AccessDenied", status=403), "")
    assert isinstance(told, AccessDenied)
    assert told.statement == {
        "Effect": "Allow",
        "Action": ["batch:CreateJobQueue", "batch:TagResource"],
        "Resource": "*",
    }


def test_what_is_there_already_is_told_apart() -> None:
    """
    By code and fragment, as the operation says; another wording is another error.
    """
    there = _failures.translate(CALL, refusal("ClientException", "Q Already Exists"), "")
    assert isinstance(there, AlreadyThere)
    assert there.refusal.message == "Q Already Exists" and "Already Exists" in str(there)
    other = _failures.translate(CALL, refusal("ClientException", "bad"), "")
    assert isinstance(other, AwsError)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (NoRegionError(), CredentialsError, "AWS_DEFAULT_REGION"),
        (ProfileNotFound(profile="p"), CredentialsError, "could not be found"),
        (EndpointConnectionError(endpoint_url="x"), AwsError, "ec2 client failed with Endpoint"),
    ],
)
def test_a_client_that_cannot_be_made(
    error: Exception, kind: type[BatchkitError], says: str
) -> None:
    """
    No region, no profile, and the rest.
    """
    told = _failures.unreachable("ec2", error)
    assert type(told) is kind and says in str(told)


def test_an_answer_without_details_is_understood() -> None:
    """
    Proxies answer without code, message or status.
    """
    bare = ClientError({"Error": {}}, "X")
    assert (_failures.code(bare), _failures.message(bare), _failures.status(bare)) == ("", "", 400)
