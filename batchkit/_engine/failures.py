"""
AWS's errors, translated: where it happened, what AWS says, and what to do about it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from batchkit._engine import advice as _advice
from batchkit._model.calls import Call, Operation
from batchkit._model.confidential import hide
from batchkit._model.signals import AlreadyThere
from batchkit.errors import AccessDenied, AwsError, BatchkitError, CredentialsError, QuotaExceeded

# Each service has its own code for the same thing; botocore's standard mode knows most of these
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
THROTTLED: Final = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KmsThrottlingException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
TRANSIENT: Final = {
    "ConcurrentModification",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "RequestTimeout",
    "ServerException",
    "ServiceFailure",
    "ServiceUnavailable",
}
# EC2 says UnauthorizedOperation, IAM and S3 say AccessDenied, and the others AccessDeniedException.
DENIED: Final = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
}
EXPIRED: Final = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
SKEWED: Final = {
    "InvalidSignatureException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}
"""
What a clock that is wrong leads to, as a request is signed with its time
(https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html).
"""
LONGEST: Final = 500
_QUOTA: Final = re.compile(r"LimitExceeded|ServiceQuotaExceeded|TooManyBuckets")
_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


def code(error: ClientError) -> str:
    """
    AWS's error code; empty where a proxy answers without one.
    """
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """
    AWS's message.
    """
    return str(error.response.get("Error", {}).get("Message", ""))


def means(rules: Iterable[str], error: ClientError) -> bool:
    """
    Whether one of *rules* matches: a code, or `code: fragment` where the code says too little.
    """
    # Batch answers nearly everything with ClientException, so there a part of the message decides.
    for rule in rules:
        rule_code, _, fragment = rule.partition(": ")
        if code(error) == rule_code and fragment in message(error).lower():
            return True
    return False


def status(error: ClientError) -> int:
    """
    The HTTP status of the answer.
    """
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))


def unreadable(operation: Operation, error: ClientError) -> float | None:
    """
    For how many seconds a refusal is worth another attempt because its body was lost, if it was.
    """
    # A refused call had no effect, whatever the lost body said.  The answer to a HEAD, such as S3's
    # HeadBucket, never has a body
    # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html).
    lost = code(error) in ("", str(status(error))) and not operation.name.startswith("Head")
    return 10.0 if lost else None


def translate(call: Call, error: Exception, resource: str) -> Exception:
    """
    The error to raise in place of *error*.
    """
    # Whoever prints the traceback sees the cause as well.
    error.args = tuple(hide(str(one), call.params) for one in error.args)
    if isinstance(error, _CREDENTIALS):
        return CredentialsError(
            str(call.operation), type(error).__name__, str(error), resource=resource
        )
    if not isinstance(error, ClientError):
        says = textwrap.shorten(hide(str(error), call.params), LONGEST)  # it may hold a whole body
        lost = AwsError(str(call.operation), type(error).__name__, says, resource=resource)
        lost.unanswered = isinstance(error, (ConnectionError, HTTPClientError))
        return lost
    if means(call.operation.exists, error):
        return AlreadyThere(_refused(call, error, resource))
    return _refused(call, error, resource)


def _refused(call: Call, error: ClientError, resource: str) -> AwsError:
    error_class: type[AwsError] = AwsError
    advice = ""
    says = hide(message(error), call.params)
    missing = _advice.statement(call.operation, says)
    if code(error) in DENIED and (locked := _advice.lock(says)):
        advice = locked
    elif code(error) in DENIED:
        error_class, advice = AccessDenied, _advice.permission(missing)
    elif code(error) in SKEWED:
        error_class, advice = CredentialsError, _clock(error)
    elif code(error) in EXPIRED:
        error_class = CredentialsError
    elif _QUOTA.search(code(error)):
        error_class, advice = QuotaExceeded, _advice.quota(code(error))
    failure = error_class(
        str(call.operation),
        code(error),
        says,
        request_id=str(error.response.get("ResponseMetadata", {}).get("RequestId", "")),
        resource=resource,
        advice=advice,
    )
    if isinstance(failure, AccessDenied):
        failure.statement = missing
    return failure


def _clock(error: ClientError) -> str:
    """
    What to do about a signature whose time or key isn't right.
    """
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    says = f" (AWS's clock says {headers['date']})" if "date" in headers else ""
    advice = f"Compare the machine's clock with `date -u`{says}: more than five minutes are refused"
    return f"{advice}. If it is right, the secret key is wrong"


def unreachable(service: str, error: Exception) -> BatchkitError:
    """
    The error to raise when not even a client can be made.
    """
    if isinstance(error, NoRegionError):
        advice = "Set AWS_DEFAULT_REGION or pass boto3.Session(region_name=...)"
        return CredentialsError(f"{service} client", "NoRegion", "no region is set", advice=advice)
    if isinstance(error, _CREDENTIALS):
        return CredentialsError(f"{service} client", type(error).__name__, str(error))
    return AwsError(f"{service} client", type(error).__name__, str(error))
