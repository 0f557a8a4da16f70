"""
A DynamoDB and an S3 on loopback that are as strict as AWS and fail on demand.

moto takes batches that AWS refuses and never fails; this fake does neither. It checks every
signature with a SigV4 of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI", "a/session+token=="
Fault = Callable[[str, int], str | None]  # (operation, how often it was asked) -> what goes wrong


class FakeAws:
    """
    What the two services hold, what they were asked, and what is to go wrong.

    A fault is one of: throttle, partial (every other item is unprocessed), all-unprocessed, 500,
    reset (nothing is done), lost (done, but the answer is not sent), cut (half of the body is
    sent), no-ranges (the whole object is sent), invalid (DynamoDB refuses the request), denied.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.keys: list[tuple[str, str, str]] = [("id", "HASH", "S")]
        self.items: dict[tuple[str, ...], dict[str, Any]] = {}
        self.asked: list[str] = []
        self.requests: list[int] = []
        self.fault: Fault = lambda operation, count: None
        self.after_write: Callable[[], None] = lambda: None
        self.region = "us-east-1"
        self.lock = threading.Lock()
        self.port = 0

    def put(self, key: str, data: bytes, bucket: str = "data") -> None:
        """
        The object *key* holds *data*.
        """
        self.objects[bucket, key] = data

    def etag(self, name: tuple[str, str]) -> str:
        """
        The version of an object.
        """
        return '"' + hashlib.md5(self.objects[name]).hexdigest() + '"'

    def ask(self, operation: str) -> str | None:
        """
        Notes the request, and says what is to go wrong with it.
        """
        with self.lock:
            self.asked.append(operation)
            return self.fault(operation, self.asked.count(operation))

    def environ(self, **more: str) -> dict[str, str]:
        """
        The environment of a job on this AWS.
        """
        return {
            "BUCKET": "data", "FILE_PATH": "movies.csv", "TABLE_NAME": "movies",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN, **more,
        }

    def plain_items(self) -> dict[str, dict[str, str]]:
        """
        What the table holds: partition key to the text of every attribute.
        """
        return {key[0]: {name: next(iter(value.values())) for name, value in item.items()}
                for key, item in self.items.items()}

    def write(self, requests: list[dict[str, Any]], fault: str | None) -> list[dict[str, Any]]:
        """
        Stores items, and returns the requests that stay unprocessed.
        """
        keys = [self._key(one["PutRequest"]["Item"]) for one in requests]
        if not 1 <= len(requests) <= 25:
            raise Invalid("Too many items requested for the BatchWriteItem call")
        if len(set(keys)) < len(keys):
            raise Invalid("Provided list of item keys contains duplicates")
        for one in requests:
            check_item(one["PutRequest"]["Item"])
        self.requests.append(len(requests))
        left: list[dict[str, Any]] = []
        with self.lock:
            for number, (key, one) in enumerate(zip(keys, requests)):
                if fault == "all-unprocessed" or (fault == "partial" and number % 2):
                    left.append(one)
                else:
                    self.items[key] = one["PutRequest"]["Item"]
        return left[::-1]

    def _key(self, item: dict[str, Any]) -> tuple[str, ...]:
        parts = []
        for name, role, kind in self.keys:
            value = item.get(name, {}).get(kind)
            if not value:
                raise Invalid("The provided key element does not match the schema")
            if len(value.encode()) > (2048 if role == "HASH" else 1024):
                raise Invalid("Size of a key has exceeded the size limit")
            parts.append(str(Decimal(value).normalize()) if kind == "N" else value)
        return tuple(parts)


class Invalid(Exception):
    """
    DynamoDB's ValidationException.
    """


def check_item(item: dict[str, Any]) -> None:
    """
    Refuses what DynamoDB refuses of an item, apart from its key.
    """
    size = 0
    for name, value in item.items():
        ((kind, text),) = value.items()
        if not name:
            raise Invalid("Empty attribute name")
        size += len(name.encode()) + len(text.encode())
        if kind == "N":
            number = Decimal(text)
            digits = number.normalize().as_tuple().digits
            if len(digits) > 38 or (number and not -130 <= number.adjusted() <= 125):
                raise Invalid("Attempting to store more than 38 significant digits")
    if size > 400 * 1024:
        raise Invalid("Item size has exceeded the maximum allowed size")


@contextmanager
def fake_aws() -> Iterator[FakeAws]:
    """
    A fake that listens while the block runs.
    """
    fake = FakeAws()

    class Handler(_Handler):
        aws = fake

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # with 5, the last of 16 connections waits a second

    server = Server(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # dropped connections
    fake.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws: FakeAws

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._signed(body, "dynamodb"):
            return self._json(400, {"__type": "x#InvalidSignatureException", "message": "no"})
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        fault = self.aws.ask(operation)
        if fault == "reset":
            return self._hang_up()
        if fault in _ERRORS:
            status, code = _ERRORS[fault]
            return self._json(status, {"__type": f"com.amazonaws#{code}", "message": fault})
        answer = self._describe() if operation == "DescribeTable" else self._write(body, fault)
        if fault == "lost":
            return self._hang_up()
        self._json(*answer)
        if operation == "BatchWriteItem":
            self.aws.after_write()

    def _write(self, body: bytes, fault: str | None) -> tuple[int, Any]:
        ((name, requests),) = json.loads(body)["RequestItems"].items()
        if name != "movies":
            return 400, {"__type": "x#ResourceNotFoundException", "message": name}
        try:
            left = self.aws.write(requests, fault)
        except Invalid as error:
            return 400, {"__type": "x#ValidationException", "message": str(error)}
        return 200, {"UnprocessedItems": {name: left} if left else {}}

    def _describe(self) -> tuple[int, Any]:
        keys = self.aws.keys
        return 200, {"Table": {
            "KeySchema": [{"AttributeName": name, "KeyType": role} for name, role, _ in keys],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind}
                                     for name, _, kind in keys]}}

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._signed(body, "s3"):
            self.aws.ask("PUT")
            self.aws.put(self._name()[1], body, self._name()[0])
        self._answer(200 if self._signed(body, "s3") else 403, b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self._signed(b"", "s3"):
            return self._xml(403, "SignatureDoesNotMatch")
        fault = self.aws.ask(self.command)
        if fault == "reset":
            return self._hang_up()
        if fault == "500":
            return self._xml(500, "InternalError")
        if fault == "denied":
            return self._xml(403, "AccessDenied")
        name = self._name()
        if not name[1]:
            return self._list(name[0], dict(parse_qsl(urlsplit(self.path).query)))
        if name not in self.aws.objects:
            return self._xml(404, "NoSuchKey")
        if self.headers.get("If-Match", self.aws.etag(name)) != self.aws.etag(name):
            return self._xml(412, "PreconditionFailed")
        self._object(self.aws.objects[name], self.aws.etag(name), fault)

    def _object(self, data: bytes, etag: str, fault: str | None) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        more = {"ETag": etag}
        status = 200
        if match and fault != "no-ranges":
            first, last = int(match[1]), min(int(match[2]), len(data) - 1)
            if first > last:
                return self._xml(416, "InvalidRange")
            more["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first:last + 1], 206
        self._answer(status, data, more, cut=fault == "cut")

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, start = query.get("prefix", ""), query.get("continuation-token", "")
        names = sorted(key for held, key in self.aws.objects
                       if held == bucket and key.startswith(prefix) and key > start)
        page, rest = names[:2], names[2:]  # small pages: every listing has several
        body = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.aws.objects[bucket, key])}</Size>"
            f"<ETag>{escape(self.aws.etag((bucket, key)))}</ETag></Contents>" for key in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
        self._answer(200, ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns='
                           f'"http://s3.amazonaws.com/doc/2006-03-01/">{body}{token}'
                           "</ListBucketResult>").encode())

    def _name(self) -> tuple[str, str]:
        bucket, _, key = unquote(urlsplit(self.path).path)[1:].partition("/")
        return bucket, key

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, json.dumps(value, separators=(",", ":")).encode())

    def _xml(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode())

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None,
                cut: bool = False) -> None:
        head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in (more or {}).items()]
        sent = b"" if self.command == "HEAD" else body[:len(body) // 2] if cut else body
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + sent)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _signed(self, body: bytes, service: str) -> bool:
        """
        Whether the request is signed as AWS's documents say, worked out here without botocore.
        """
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, "
            r"SignedHeaders=([^,]+), Signature=(\w+)", self.headers.get("Authorization", ""))
        if not match or self.headers.get("X-Amz-Security-Token") != TOKEN:
            return False
        access, day, region, told, names, signature = match.groups()
        url = urlsplit(self.path)
        query = sorted(parse_qsl(url.query, keep_blank_values=True))
        digest = self.headers.get("X-Amz-Content-SHA256") or hashlib.sha256(body).hexdigest()
        canonical = "\n".join([
            self.command, url.path,
            "&".join(f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}"
                     for key, value in query),
            *(f"{name}:{self.headers[name]}" for name in names.split(";")), "", names, digest])
        scope = f"{day}/{region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + SECRET_KEY).encode()
        for part in (day, region, service, "aws4_request", text):
            key = hmac.digest(key, part.encode(), "sha256")
        return ((access, told, region, key.hex()) ==
                (ACCESS_KEY, service, self.aws.region, signature)
                and digest in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()))


_ERRORS = {
    "throttle": (400, "ProvisionedThroughputExceededException"),
    "500": (503, "NoNameThatAnyoneKnows"),
    "invalid": (400, "ValidationException"),
    "denied": (400, "AccessDeniedException"),
    "expired": (400, "ExpiredTokenException"),
}
