"""
A DynamoDB and an S3 on loopback that are as strict as AWS and fail on demand.

moto takes batches that AWS refuses and never fails; this fake does neither. It checks every
signature with a SigV4 of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from fake_state import ACCESS_KEY, SECRET_KEY, TOKEN, FakeAws
from serving import Handler, LoopbackServer, serving
from sigv4 import is_signed
from validation import Invalid


@contextmanager
def fake_aws() -> Iterator[FakeAws]:
    """
    A fake that listens while the block runs.
    """
    fake = FakeAws()

    class FakeHandler(_AwsHandler):
        aws = fake

    with serving(LoopbackServer(FakeHandler)) as server:
        fake.port = server.server_port
        try:
            yield fake
        finally:
            fake.ended.set()


class _AwsHandler(Handler):
    aws: FakeAws

    def do_POST(self) -> None:
        body = self.body()
        if not self._signed(body, "dynamodb"):
            return self._json(400, {"__type": "x#InvalidSignatureException", "message": "no"})
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        fault = self.aws.ask(operation)
        if fault == "reset":
            return self._hang_up()
        if fault == "trickle":
            return self._trickle()
        if fault in _ERRORS:
            status, code = _ERRORS[fault]
            return self._json(status, {"__type": f"com.amazonaws#{code}", "message": fault})
        answer = self._describe() if operation == "DescribeTable" else self._write(body, fault)
        if fault == "lost":
            return self._hang_up()
        self._json(*answer, cut=fault == "cut")
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
        keys, more = self.aws.keys, self.aws.indexed.items()
        return 200, {
            "Table": {
                "TableId": self.aws.table_id,
                "KeySchema": [{"AttributeName": name, "KeyType": role} for name, role, _ in keys],
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": kind}
                    for name, kind in [*((one, kind) for one, _, kind in keys), *more]
                ],
            }
        }

    def do_PUT(self) -> None:
        body = self.body()
        if not self._signed(body, "s3"):
            return self._xml(403, "SignatureDoesNotMatch")
        fault = self.aws.ask("PUT")
        if fault:
            return self._xml(400, fault)
        self.aws.put(self._name()[1], body, self._name()[0])
        self._answer(200, b"")

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
        if fault in ("ExpiredToken", "RequestTimeout", "InvalidRequest"):
            return self._xml(400, fault)
        name = self._name()
        if not name[1]:
            return self._list(name[0], dict(parse_qsl(urlsplit(self.path).query)))
        if name not in self.aws.objects:
            return self._xml(404, "NoSuchKey")
        if self.headers.get("If-Match", self.aws.etag(name)) != self.aws.etag(name):
            return self._xml(412, "PreconditionFailed")
        self._object(self.aws.objects[name], self.aws.etag(name), fault)

    def _object(self, data: bytes, etag: str, fault: str | None) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "bytes=0-0"))
        more = {"ETag": etag}
        status = 200
        if "Range" in self.headers and fault not in ("no-ranges", "unknown-length"):
            first, last = int(match[1]) if match else 0, int(match[2]) if match else -1
            if first > min(last, len(data) - 1):
                return self._xml(416, "InvalidRange")
            more["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 200 if fault == "as-200" else 206
        if fault == "unknown-length":
            more["Connection"] = "close"
            self.close_connection = True
        self._answer(status, data, more, cut=fault == "cut", length=fault != "unknown-length")

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, start = query.get("prefix", ""), query.get("continuation-token", "")
        names = sorted(
            key
            for held, key in self.aws.objects
            if held == bucket and key.startswith(prefix) and key > start
        )
        page, rest = names[:2], names[2:]  # small pages: every listing has several
        body = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.aws.objects[bucket, key])}</Size>"
            f"<ETag>{escape(self.aws.etag((bucket, key)))}</ETag></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
        self._answer(
            200,
            (
                '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns='
                f'"http://s3.amazonaws.com/doc/2006-03-01/">{body}{token}'
                "</ListBucketResult>"
            ).encode(),
        )

    def _name(self) -> tuple[str, str]:
        bucket, _, key = unquote(urlsplit(self.path).path)[1:].partition("/")
        return bucket, key

    def _json(self, status: int, value: Any, cut: bool = False) -> None:
        self._answer(status, json.dumps(value, separators=(",", ":")).encode(), cut=cut)

    def _xml(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode())

    def _answer(
        self,
        status: int,
        body: bytes,
        more: dict[str, str] | None = None,
        cut: bool = False,
        length: bool = True,
    ) -> None:
        head = [f"HTTP/1.1 {status} X"] + [f"Content-Length: {len(body)}"] * length
        head += [f"{name}: {value}" for name, value in (more or {}).items()]
        sent = b"" if self.command == "HEAD" else body[: len(body) // 2] if cut else body
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + sent)
        if cut:
            self._hang_up()

    def _trickle(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        self.aws.trickling.set()
        while not self.aws.ended.wait(0.5):
            self.wfile.write(b" ")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _signed(self, body: bytes, service: str) -> bool:
        return self.headers.get("X-Amz-Security-Token") == TOKEN and is_signed(
            self.command,
            self.path,
            self.headers,
            body,
            (ACCESS_KEY, service, self.aws.region),
            SECRET_KEY,
        )


_ERRORS = {
    "throttle": (400, "ProvisionedThroughputExceededException"),
    "500": (503, "NoNameThatAnyoneKnows"),
    "invalid": (400, "ValidationException"),
    "denied": (400, "AccessDeniedException"),
    "expired": (400, "ExpiredTokenException"),
    "gone": (400, "ResourceNotFoundException"),
}
