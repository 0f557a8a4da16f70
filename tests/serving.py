"""
HTTP servers on loopback for tests.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

S = TypeVar("S", bound="LoopbackServer")


class LoopbackServer(ThreadingHTTPServer):
    """
    A server on a free port that drops its connections when it closes: none of its threads, which
    would wait for a client's next request for ever, outlives it.
    """

    daemon_threads = False
    request_queue_size = 128  # with 5, the last of 16 connections waits a second

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        A client that has gone is no matter.
        """

    def server_close(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):  # it ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """
    Keeps connections open, as AWS and registries do, and logs nothing.
    """

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """
        The whole body of the request.

        Raises:
            ConnectionAbortedError: The client has gone before it was sent.
        """
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the request was cut off")
        return body

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: S) -> Iterator[S]:
    """
    The server at work; in the end it is closed.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class UnixServer(socketserver.UnixStreamServer):
    """
    An HTTP server on a socket in the file system.
    """

    def get_request(self) -> tuple[Any, Any]:
        return super().get_request()[0], ("local", 0)


class Daemon(BaseHTTPRequestHandler):
    """
    As much of a Docker daemon as a client needs to connect.
    """

    def do_GET(self) -> None:
        versions = json.dumps({"ApiVersion": "1.45", "MinAPIVersion": "1.24"})
        body = b"OK" if self.path.endswith("/_ping") else versions.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def answering_daemon() -> Iterator[str]:
    """
    The address of a daemon that answers.
    """
    with TemporaryDirectory(dir="/tmp") as folder, UnixServer(f"{folder}/s", Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"unix://{folder}/s"
        server.shutdown()
