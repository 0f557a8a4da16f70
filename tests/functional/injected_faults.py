"""
Answers that AWS gives at bad moments, through hooks on a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

Hook = Callable[..., Any]


class Refuse:
    """
    Refuses the first *times* calls of an operation with *code*, before they take effect.
    """

    def __init__(self, code: str, status: int, times: int = 10**9, message: str = "no") -> None:
        self.answer = {"Error": {"Code": code, "Message": message}}
        self.status = status
        self.left = times
        self.refused = 0

    def __call__(self, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not self.left:
            return None
        self.left -= 1
        self.refused += 1
        http = AWSResponse("", self.status, HTTPHeaders(), None)
        about = {"HTTPStatusCode": self.status, "RequestId": "r-1"}
        return http, {**self.answer, "ResponseMetadata": about}


def pretend(**_: object) -> tuple[AWSResponse, dict[str, Any]]:
    """
    Answers that all is well, and does nothing.
    """
    return AWSResponse("", 200, HTTPHeaders(), None), {"ResponseMetadata": {"HTTPStatusCode": 200}}


class Lose:
    """
    Lets the first *times* calls take effect, and loses their answers.
    """

    def __init__(self, times: int = 1) -> None:
        self.left = times

    def __call__(self, **_: object) -> None:
        if self.left:
            self.left -= 1
            raise ReadTimeoutError(endpoint_url="https://aws")


class Disown:
    """
    Lets the first call take effect, and answers with a refusal in words that nobody knows.
    """

    def __init__(self) -> None:
        self.left = 1

    def __call__(self, http_response: AWSResponse, parsed: dict[str, Any], **_: object) -> None:
        if self.left and http_response.status_code < 300:
            self.left -= 1
            http_response.status_code = 400
            parsed["Error"] = {"Code": "Odd", "Message": "it has been there before"}


def unreachable(**_: object) -> None:
    """
    No connection can be made.
    """
    raise ConnectTimeoutError(endpoint_url="https://aws")


@contextmanager
def before(session: boto3.Session, event: str, hook: Hook) -> Iterator[None]:
    """
    *hook* answers in place of AWS, as in `before-call.ec2.CreateVpc`.
    """
    session.events.register(event, hook)
    try:
        yield
    finally:
        session.events.unregister(event, hook)
