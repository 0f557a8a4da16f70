"""
A bucket in S3: what is in it, and requests to it that are tried again while a fault may pass.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import urllib3

from .aws import NO_REASON, TRANSIENT, AwsFailure, Service, s3_path, xml_error
from .faults import BadInput, Changed, Fault, Refused
from .rate import back_off

TAIL = 64 * 1024
_ATTEMPTS = 8
_PASSING = ("RequestTimeout", "ExpiredToken", NO_REASON)  # of status 400; HEAD tells no reason


class S3Object(NamedTuple):
    """
    One version of an object.
    """

    bucket: str
    key: str
    size: int
    etag: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class SourceBucket:
    """
    A bucket and what this job asks of it.
    """

    def __init__(self, service: Service, name: str, wait: Callable[[float], None]) -> None:
        self._service = service
        self.name = name
        self._wait = wait

    def head(self, key: str) -> S3Object:
        """
        The object *key* as it is now.
        """
        response = self.ask("HEAD", key)
        return S3Object(
            self.name,
            key,
            int(response.headers["Content-Length"]),
            response.headers.get("ETag", ""),
        )

    def objects(self, prefix: str) -> list[S3Object]:
        """
        Every object under *prefix* that is not empty, in the order of their keys.
        """
        found: list[S3Object] = []
        token = ""
        while True:
            # A signed query has its parameters in order.
            more = f"continuation-token={quote(token, safe='')}&" if token else ""
            query = f"?{more}list-type=2&prefix={quote(prefix, safe='')}"
            root = ElementTree.fromstring(self.ask("GET", "", query=query).data)
            # A folder made in the console is an empty object whose key ends in a slash.
            found += [
                one for one in map(self._listed, root.iter(_tag(root, "Contents"))) if one.size
            ]
            # S3 lists 1000 keys at most in one answer.
            token = root.findtext(_tag(root, "NextContinuationToken")) or ""
            if not token:
                return sorted(found, key=lambda one: one.key)

    def beside(self, name: str) -> SourceBucket:
        """
        Another bucket, reached the same way.
        """
        return SourceBucket(self._service, name, self._wait)

    def get_json(self, key: str) -> Any:
        """
        The JSON document *key*, or None where there is none, or something else.
        """
        # Without s3:ListBucket S3 answers 403 for a key that does not exist.
        response = self.ask("GET", key, allowed=(403, 404))
        try:
            return json.loads(response.data) if response.status == 200 else None
        except ValueError:
            return None

    def put_json(self, key: str, value: Any) -> None:
        """
        The object *key* holds *value* as JSON.
        """
        self.ask("PUT", key, body=json.dumps(value).encode())

    def open(self, found: S3Object, start: int, end: int) -> urllib3.BaseHTTPResponse:
        """
        The bytes from *start* up to *end* of *found* as a stream, of that version only.
        """
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if found.etag:
            # Someone may replace the object between two ranges; then S3 answers 412.
            headers["If-Match"] = found.etag
        response = self._send("GET", found.key, headers=headers, stream=True)
        # Some servers send the range as 200; where its length is another, it is the whole object.
        if response.status == 200 and response.headers.get("Content-Length") != str(end - start):
            _discard(response, start)
        if response.status >= 300:
            raise self._fault(response, found.key)
        return response

    def ask(
        self,
        method: str,
        key: str,
        *,
        query: str = "",
        body: bytes = b"",
        allowed: tuple[int, ...] = (),
    ) -> urllib3.BaseHTTPResponse:
        """
        The answer to one request, tried again while the fault may pass.
        """
        fault: Fault = Refused("S3 gives no answer")
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._send(method, key, query=query, body=body)
            except TRANSIENT as error:
                fault = Refused(f"s3://{self.name}/{key}: {type(error).__name__}: {error}")
            else:
                if response.status < 300 or response.status in allowed:
                    return response
                fault = self._fault(response, key)
                if not _may_pass(response):
                    raise fault
            self._wait(back_off(attempt))
        raise fault

    def wait_after(self, attempt: int, error: BaseException) -> None:
        """
        Waits before reading goes on; raises what can't pass, or has not passed for long.
        """
        if isinstance(error, BadInput) or attempt >= _ATTEMPTS:
            raise error if isinstance(error, Fault) else Refused(f"reading from S3: {error}")
        self._wait(back_off(attempt))

    def _send(
        self,
        method: str,
        key: str,
        *,
        headers: dict[str, str] | None = None,
        query: str = "",
        body: bytes = b"",
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        host, path = s3_path(self._service, self.name, key)
        response = self._service.send(
            method, path + query, headers=dict(headers or {}), body=body, host=host, stream=stream
        )
        region = response.headers.get("x-amz-bucket-region")
        # A bucket of another region says so once; from then on it is asked there. S3 does it by
        # 301, by 400 (the signature names the region), or by 307 while the bucket is new.
        if response.status in (301, 307, 400) and region not in (None, self._service.region):
            self._service.region = str(region)
            return self._send(method, key, headers=headers, query=query, body=body, stream=stream)
        return response

    def _fault(self, response: urllib3.BaseHTTPResponse, key: str) -> Fault:
        """
        The fault that S3's answer stands for.
        """
        error = xml_error(response.status, response.data or b"")
        where = f"s3://{self.name}/{key}"
        if response.status == 404:
            what = "bucket" if error.code == "NoSuchBucket" else "object"
            return Changed(f"{where}: there is no such {what}")
        if response.status == 412:
            return Changed(f"{where}: was changed while it was read; run the job again")
        if response.status == 403:
            return Refused(
                f"{where}: {error or AwsFailure(403, 'Forbidden', '')}; it may not exist "
                "either: without s3:ListBucket S3 doesn't say which"
            )
        return Refused(f"{where}: {error}")

    def _listed(self, contents: ElementTree.Element) -> S3Object:
        def text(name: str) -> str:
            return contents.findtext(_tag(contents, name)) or ""

        return S3Object(self.name, text("Key"), int(text("Size")), text("ETag"))


def _may_pass(response: urllib3.BaseHTTPResponse) -> bool:
    """
    Whether another try may be answered otherwise.
    """
    status = response.status
    return (
        # S3 throttles with 503 (SlowDown).
        status >= 500
        or status == 429
        or (status == 400 and xml_error(status, response.data).code in _PASSING)
    )


def _discard(response: urllib3.BaseHTTPResponse, count: int) -> None:
    while count:
        count -= len(response.read(min(count, TAIL))) or count


def _tag(beside: ElementTree.Element, name: str) -> str:
    """
    *name* in the namespace of *beside*: S3 and its emulators differ in it.
    """
    return beside.tag[: beside.tag.index("}") + 1] + name if "}" in beside.tag else name
