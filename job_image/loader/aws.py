"""
Signed HTTP to AWS: botocore finds the credentials and signs, urllib3 carries.

botocore's clients do far more than this job needs; without them a request costs a third of the CPU.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from botocore.session import Session

from .faults import Refused

# Nagle's algorithm would hold each body's last packet back for 40 ms.
SOCKET_OPTIONS: list[tuple[int, int, int | bytes]] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
TIMEOUT_SECONDS = 10.0
TRANSIENT = (urllib3.exceptions.HTTPError, OSError)
NO_REASON = "no reason given"


class AwsFailure(NamedTuple):
    """
    What AWS said instead of an answer.
    """

    status: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} ({self.status}) {self.message}".strip()


class Service:
    """
    One AWS service in one region, reached by signed requests over kept connections.
    """

    def __init__(
        self, name: str, region: str, credentials: Any, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.region = region
        self._credentials = credentials
        self._environ = environ
        self.custom = endpoint_url(name, environ)
        self._pools: dict[str, urllib3.HTTPConnectionPool] = {}

    def pool(self, host: str | None = None) -> tuple[str, urllib3.HTTPConnectionPool]:
        """
        The service's address, under *host* if it is given, and the connections to it.
        """
        # Regional names: a VPC's gateway endpoint serves only what is in its own region.
        base = self.custom or f"https://{host or self.name}.{self.region}.{self._suffix()}"
        if base not in self._pools:
            # Other schemes are refused by urllib3 itself, in words that name the address.
            verify = {"ca_certs": self.ca_bundle()} if base.startswith("https") else {}
            self._pools[base] = urllib3.connection_from_url(
                base,
                maxsize=2,
                timeout=TIMEOUT_SECONDS,
                retries=False,
                socket_options=SOCKET_OPTIONS,
                **verify,
            )
        return base, self._pools[base]

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes = b"",
        host: str | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """
        The response to one signed request; raises what urllib3 raises, and tries once.
        """
        base, pool = self.pool(host)
        request = AWSRequest(method, base + path, headers, body)
        self.signer().add_auth(request)
        return pool.urlopen(
            method,
            urlsplit(base).path.rstrip("/") + path,
            body=body,
            headers=dict(request.headers.items()),
            redirect=False,  # the host is signed: a redirect needs another signature
            retries=False,  # a signature is good for minutes only: the caller signs each try anew
            preload_content=not stream,
            decode_content=False,  # a Range counts bytes as S3 stores them, gzipped or not
            assert_same_host=False,
        )

    def close(self) -> None:
        """
        No connection is kept any longer.
        """
        for pool in self._pools.values():
            pool.close()

    def signer(self) -> SigV4Auth:
        """
        botocore's signer, with credentials that are fresh at this moment.
        """
        # S3 signs the path as it is sent, and wants the body's hash in a header.
        kind = S3SigV4Auth if self.name == "s3" else SigV4Auth
        return kind(self.credentials(), self.name, self.region)

    def credentials(self) -> Any:
        """
        Credentials that are fresh at this moment.
        """
        try:
            # The credentials of a job role end after hours; a long load outlives them.
            return self._credentials.get_frozen_credentials()
        except (BotoCoreError, RuntimeError) as error:  # RuntimeError: the renewed are expired too
            raise ConnectionError(f"no fresh credentials: {error}") from error  # this may pass

    def ca_bundle(self) -> str:
        """
        The certificates that are trusted, found as botocore finds them.
        """
        given = self._environ.get("AWS_CA_BUNDLE") or self._environ.get("REQUESTS_CA_BUNDLE")
        return given or str(get_cert_path(True))

    def _suffix(self) -> str:
        # China's regions are a partition of their own, under another domain.
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"


def find_credentials() -> Any:
    """
    The job's credentials, which botocore renews as they age.
    """
    try:
        # On Fargate they come from ECS, and only to a container with a job role.
        credentials = Session().get_credentials()
    except (BotoCoreError, ValueError) as error:
        raise Refused(f"no AWS credentials: {error}") from error
    if credentials is None:
        raise Refused("no AWS credentials: the job definition needs a job role")
    return credentials


def endpoint_url(service: str, environ: Mapping[str, str]) -> str | None:
    """
    The address that the environment gives for *service*, or None for AWS's own.
    """
    # The order of botocore: the service's own variable goes first.
    own = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
    return own.rstrip("/") if own else None


def s3_path(service: Service, bucket: str, key: str) -> tuple[str | None, str]:
    """
    The host (None: the service's own) and the path of *key* in *bucket*.
    """
    # S3 signs the escaped path: just A-Z, a-z, 0-9, "-._~" and the slash stay as they are.
    path = "/" + quote(key, safe="/~")
    # AWS's certificate covers one label before s3, so a bucket with dots goes into the path.
    if service.custom or "." in bucket:
        return None, f"/{bucket}{path}"
    return f"{bucket}.s3", path


def json_error(status: int, body: bytes) -> AwsFailure:
    """
    The error in a DynamoDB answer.
    """
    try:
        told = json.loads(body)
        # `__type` may have a name space before the code; the text has a small or a capital m.
        code = str(told.get("__type", "")).rpartition("#")[2]
        message = str(told.get("message") or told.get("Message") or "")
    except (ValueError, AttributeError):
        code, message = "", ""
    return AwsFailure(status, code or NO_REASON, message)


def xml_error(status: int, body: bytes) -> AwsFailure:
    """
    The error in an S3 answer; an answer to HEAD has no body.
    """
    code = re.search(rb"<Code>([^<]*)</Code>", body)
    message = re.search(rb"<Message>([^<]*)</Message>", body)
    return AwsFailure(
        status,
        code[1].decode() if code else NO_REASON,
        message[1].decode("utf-8", "replace") if message else "",
    )
