"""
The embedded AWS over HTTP on 127.0.0.1, for jobs, which run outside this process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from batchkit.local.runtime.lock import DISPATCH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer


class HttpEndpoint:
    """
    An HTTP endpoint. It opens when its URL is first read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """
        The endpoint's URL. The endpoint is open after the call.
        """
        with self._lock:
            if self._server is None:
                self._server = self._open()
            return f"http://127.0.0.1:{self._server.server_port}"

    def _open(self) -> BaseWSGIServer:
        # Importing Flask and werkzeug takes a quarter of a second, so only jobs do it.
        from moto.moto_server import werkzeug_app
        from werkzeug.serving import make_server

        app = _OneAtATime(werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app))
        handler = getattr(werkzeug_app, "MotoRequestHandler", None)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=handler)
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="local-aws-http", daemon=True
        )
        self._thread.start()
        return server

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
    A WSGI application. Its requests take turns with the calls made in this process.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        # The body is read before the lock is taken: a slow client must not block the others.
        environ["wsgi.input"] = BytesIO(_body(environ))
        with DISPATCH:
            return self._app(environ, start)


def _body(environ: WSGIEnvironment) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
