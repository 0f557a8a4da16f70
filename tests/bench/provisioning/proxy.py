"""
A proxy between a client and an embedded AWS: every call takes a while, is counted and timed.

It runs in a thread of the benchmark, which only waits meanwhile.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field

from .slow import BusyResources, Delays

READS = re.compile(r"(Describe|List|Get|Head|BatchGet)")
SCOPE = re.compile(rb"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
SERVICES = {"states": "stepfunctions"}
BATCH = {
    name.lower(): name
    for verb in ("Create", "Update", "Delete")
    for name in (f"{verb}ComputeEnvironment", f"{verb}JobQueue")
} | {
    name.lower(): name
    for name in (
        "DescribeComputeEnvironments",
        "DescribeJobQueues",
        "DescribeJobDefinitions",
        "RegisterJobDefinition",
        "DeregisterJobDefinition",
    )
}
CANNED = {
    "stepfunctions:ValidateStateMachineDefinition": b'{"result": "OK", "diagnostics": []}',
    "stepfunctions:ListStateMachineVersions": b'{"stateMachineVersions": []}',
}
HOP = (b"connection:", b"transfer-encoding:", b"content-length:", b"expect:", b"x-amz-crc32:")


@dataclass(frozen=True)
class LoggedCall:
    """
    A call: when it came and was answered, in seconds, what it was, and with what status.
    """

    came: float
    answered: float
    op: str
    status: int

    @property
    def reads(self) -> bool:
        """
        Whether it changes nothing.
        """
        return bool(READS.match(self.op.partition(":")[2]))


@dataclass
class Log:
    """
    The calls of one run.
    """

    calls: list[LoggedCall] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def depth(self) -> int:
        """
        The longest chain of calls of which each came when the one before had been answered.
        """
        length, end = 0, float("-inf")
        for call in sorted(self.calls, key=lambda one: one.answered):
            if call.came >= end:
                length, end = length + 1, call.answered
        return length

    @property
    def reads(self) -> int:
        """
        How many calls change nothing.
        """
        return sum(call.reads for call in self.calls)

    @property
    def by_operation(self) -> Counter[str]:
        """
        How often each operation was called.
        """
        return Counter(call.op for call in self.calls)


@dataclass(frozen=True)
class Message:
    """
    An HTTP request or answer.
    """

    first: bytes
    headers: list[bytes]
    body: bytes

    def value(self, name: bytes) -> bytes:
        """
        The value of a header, or an empty text.
        """
        for header in self.headers:
            if header.lower().startswith(name + b":"):
                return header.partition(b":")[2].strip()
        return b""

    def bytes(self, *more: bytes) -> bytes:
        """
        What goes over the wire.
        """
        kept = [one for one in self.headers if not one.lower().startswith(HOP)]
        length = b"Content-Length: %d" % len(self.body)
        return b"\r\n".join([self.first, *kept, length, *more, b"", self.body])


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """
    The next message, or None if the connection has ended.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *headers = head[:-4].split(b"\r\n")
    message = Message(first, headers, b"")
    if message.value(b"transfer-encoding").lower() == b"chunked":
        return Message(first, headers, await _chunks(reader))
    size = int(message.value(b"content-length") or 0)
    return Message(first, headers, await reader.readexactly(size))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def operation(request: Message) -> str:
    """
    The service and operation that *request* is a call of.
    """
    scope = SCOPE.search(request.value(b"authorization"))
    service = scope[1].decode() if scope else "unsigned"
    service = SERVICES.get(service, service)
    target = request.value(b"x-amz-target").decode()
    method, path, _ = request.first.decode().split(" ")
    if target:
        return f"{service}:{target.rpartition('.')[2]}"
    if action := re.search(rb"(?:^|&)Action=(\w+)", request.body):
        return f"{service}:{action[1].decode()}"
    words = urllib.parse.unquote(path).partition("?")[0].strip("/").split("/")
    known = BATCH.get(words[-1])
    if known is None:
        known = {"GET": "List", "HEAD": "Head"}.get(method, method.title()) + words[-1].title()
    return f"{service}:{known}"


class LatencyProxy:
    """
    A proxy to *upstream* that adds *latency* seconds to every call.
    """

    def __init__(self, upstream: str) -> None:
        self._host, self._port = urllib.parse.urlsplit(upstream).netloc.split(":")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True, name="proxy")
        self._open = threading.Event()
        self.latency = 0.0
        self.log = Log()
        self.slow = BusyResources()
        self.url = ""

    def __enter__(self) -> LatencyProxy:
        self._thread.start()
        self._open.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def reset(self, latency: float = 0.0, delays: Delays | None = None) -> None:
        """
        From now on calls take *latency*, AWS takes *delays*, and nothing has been logged.
        """
        self.latency, self.log = latency, Log()
        if delays is not None:
            self.slow = BusyResources(delays)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = self._loop.run_until_complete(starting)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._open.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await receive(reader)) is not None:
                writer.write((await self._call(request)).bytes(b"Connection: keep-alive"))
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def _call(self, request: Message) -> Message:
        log, came = self.log, time.monotonic()
        log.in_flight += 1
        log.most_in_flight = max(log.most_in_flight, log.in_flight)
        op = operation(request)
        await asyncio.sleep(self.latency)
        canned = Message(b"HTTP/1.1 200 OK", [], CANNED.get(op, b""))
        answer = canned if op in CANNED else await self._forward(request)
        status = int(answer.first.split()[1])
        if status == 200:
            body = self.slow.rewrite(op, request.body, answer.body)
            answer = Message(answer.first, answer.headers, body)
        log.in_flight -= 1
        log.calls.append(LoggedCall(came, time.monotonic(), op, status))
        return Message(answer.first.replace(b"HTTP/1.0", b"HTTP/1.1"), answer.headers, answer.body)

    async def _forward(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        writer.write(request.bytes(b"Connection: close"))
        answer = await receive(reader)
        writer.close()
        if answer is None:
            raise ConnectionError("the embedded AWS has gone")
        return answer
