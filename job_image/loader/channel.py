"""
One kept connection on which a request is sent now and its answer taken later.
"""

from __future__ import annotations

import select
import ssl
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import urllib3.connection

from .aws import SOCKET_OPTIONS, TIMEOUT_SECONDS, TRANSIENT, Service
from .signature import Signature

BROKEN = (*TRANSIENT, HTTPException)


class Channel(Protocol):
    """
    A connection to the table; the writer needs no more of one than this.
    """

    def send(self, body: bytes) -> None:
        """
        The request with *body* is on its way.
        """

    def receive(self) -> tuple[int, bytes]:
        """
        The status and body of the answer; waits for it.
        """

    def close(self) -> None:
        """
        What was on its way is given up; the next `send` connects anew.
        """


class HttpChannel:
    """
    A connection to an AWS service for one operation of its JSON protocol.
    """

    def __init__(self, service: Service, target: str) -> None:
        base = service.pool()[0]
        url = urlsplit(base)
        self._service = service
        headers = {
            "Host": url.netloc,
            # DynamoDB speaks JSON 1.0, always to the same path: the target names the operation.
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
        }
        self._signature = Signature(url.path + "/", headers, (service.region, service.name))
        self._connection = _connection(url, service)

    def send(self, body: bytes) -> None:
        """
        Signs and sends; the answer is taken by `receive`.
        """
        # http.client's own way to a request takes three times the CPU.
        self._connection.send(self._signature.head(self._service.credentials(), body) + body)

    def receive(self) -> tuple[int, bytes]:
        """
        The answer, as http.client reads it: urllib3's own response costs twice the CPU.
        """
        with HTTPResponse(self._connection.sock, method="POST") as response:
            response.begin()
            answer = response.read()
        if response.will_close:
            self._connection.close()
        return response.status, answer

    def close(self) -> None:
        """
        The socket is closed.
        """
        self._connection.close()

    def fileno(self) -> int:
        """
        The socket's number, for `wait_for_answers`.
        """
        return int(self._connection.sock.fileno())


def _connection(url: SplitResult, service: Service) -> urllib3.connection.HTTPConnection:
    """
    A connection to *url*, which is made when it is used.
    """
    more: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "socket_options": SOCKET_OPTIONS}
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=service.ca_bundle())
        return urllib3.connection.HTTPSConnection(
            str(url.hostname), url.port or 443, ssl_context=context, **more
        )
    return urllib3.connection.HTTPConnection(str(url.hostname), url.port or 80, **more)


def wait_for_answers(channels: Sequence[HttpChannel], seconds: float) -> list[HttpChannel]:
    """
    Those of *channels* on which an answer has begun to come, at the latest after *seconds*.
    """
    return select.select(channels, [], [], max(0.0, seconds))[0]
