"""
The hooks on a boto3 session through which every call of its clients reaches the simulator.

A call is answered in `before-call`, so nothing ever gets to the wire. botocore's own retries sit
below that hook; they are played here, on simulated time, with the number of attempts that the
client was configured with, so that an ambiguous answer is blindly repeated just as botocore does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import boto3
from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionError as Disconnected, HTTPClientError
from botocore.model import OperationModel

from .refusal import Refusal

PARAMS = "strict-aws-params"
TRANSIENT = {500, 502, 503, 504}
THROTTLES = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "SlowDown",
}

Answer = Callable[[OperationModel, dict[str, Any]], dict[str, Any]]


def attach(session: boto3.Session, answer: Answer, sleep: Callable[[float], None]) -> None:
    """
    Have every call of every client that *session* makes from now on answered by *answer*.
    """

    def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[PARAMS] = params

    def reply(
        model: OperationModel, context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]]:
        attempts = _attempts(context.get("client_config"))
        return _with_retries(answer, model, context.pop(PARAMS, {}), attempts, sleep)

    events: Any = session.events
    events.register_last("before-parameter-build.*.*", remember)
    events.register_first("before-call.*.*", reply)
    # The client underneath has decoded the documents already; decoding twice fails.
    events.unregister("after-call.iam", handlers.json_decode_policies)


def _attempts(config: Config | None) -> int:
    retries = getattr(config, "retries", None) or {}
    if "total_max_attempts" in retries:
        return int(retries["total_max_attempts"])
    if "max_attempts" in retries:
        return int(retries["max_attempts"]) + 1
    return 5 if retries.get("mode", "legacy") == "legacy" else 3


def _with_retries(
    answer: Answer,
    model: OperationModel,
    params: dict[str, Any],
    attempts: int,
    sleep: Callable[[float], None],
) -> tuple[AWSResponse, dict[str, Any]]:
    for attempt in range(attempts):
        last = attempt == attempts - 1
        try:
            return _response(200), _with_metadata(answer(model, params), 200, attempt)
        except Refusal as refused:
            if last or not _transient(refused):
                return _response(refused.status), _error(refused, attempt)
        except (Disconnected, HTTPClientError):
            if last:
                raise
        sleep(min(0.1 * 2**attempt, 20))
    raise AssertionError("a client makes at least one attempt")


def _transient(refused: Refusal) -> bool:
    return refused.status in TRANSIENT or refused.code in THROTTLES


def _response(status: int) -> AWSResponse:
    return AWSResponse("https://strict.invalid/", status, HTTPHeaders(), None)


def _error(refused: Refusal, retries: int) -> dict[str, Any]:
    error = {"Code": refused.code, "Message": refused.message}
    return _with_metadata({"Error": error, **refused.extra}, refused.status, retries)


def _with_metadata(parsed: dict[str, Any], status: int, retries: int) -> dict[str, Any]:
    metadata = {
        "RequestId": str(uuid.uuid4()),
        "HTTPStatusCode": status,
        "HTTPHeaders": {},
        "RetryAttempts": retries,
    }
    return {**parsed, "ResponseMetadata": metadata}
