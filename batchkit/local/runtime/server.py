"""
The embedded AWS over HTTP on 127.0.0.1, for jobs: they run outside this process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from batchkit.local.runtime.lock import DISPATCH


class Server:
    """
    An HTTP endpoint that opens when its URL is first asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """
        The endpoint, which is open from now on.
        """
        with self._lock:
            if self._server is None:
                self._open()
            return f"http://127.0.0.1:{self._server.server_port}"

    def _open(self) -> None:
        # Flask and werkzeug take a quarter of a second: only runs of jobs pay for them.
        from moto.moto_server import werkzeug_app
        from werkzeug.serving import make_server

        app = _OneAtATime(werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app))
        handler = getattr(werkzeug_app, "MotoRequestHandler", None)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="local-aws-http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """
        The endpoint is closed and its thread has ended.
        """
        with self._lock:
            if self._server is not None and self._thread is not None:
                self._server.shutdown()
                self._thread.join()
                self._server.server_close()
                self._server = self._thread = None


class _OneAtATime:
    """
    A WSGI application whose requests take turns with the calls made in this process.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # The body is read first: a client that is slow to send must not stop the others.
        environ["wsgi.input"] = BytesIO(_body(environ))
        with DISPATCH:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer


def _body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
