"""
The registry beside the daemon, and a fake registry on loopback that refuses by a rule.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests
from attrs import field, frozen

from serving import Handler, LoopbackServer, serving

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

Answer = tuple[int, str, str]
Rule = Callable[[str, str, str], "Answer | None"]

HANG: Answer = (0, "", "hang")
DROP: Answer = (0, "", "drop")


@frozen(kw_only=True)
class Registry:
    """
    A registry with one user and password; *ecr_host* is its ECR-style name on the daemon.
    """

    address: str
    ecr_host: str
    user: str = "AWS"
    password: str = field(repr=False)

    def auth(self) -> tuple[str, str]:
        """
        The user and password for a push.
        """
        return self.user, self.password

    def manifest(self, repository: str, reference: str) -> requests.Response:
        """
        The registry's answer to a request for a manifest, by tag or digest.
        """
        url = f"http://{self.address}/v2/{repository}/manifests/{reference}"
        return requests.get(url, auth=self.auth(), headers={"Accept": MANIFEST}, timeout=10)


def refusal(status: int, code: str, message: str) -> Answer:
    """
    An error in the format of registries.
    """
    return status, "application/json", json.dumps({"errors": [{"code": code, "message": message}]})


class _FakeRegistry(LoopbackServer):
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.end = threading.Event()
        super().__init__(_RegistryHandler)


class _RegistryHandler(Handler):
    server: _FakeRegistry

    def answer(self) -> None:
        sent = self.body()
        login = base64.b64decode((self.headers.get("Authorization") or "")[6:]).decode()
        refused = self.server.rule(self.command, self.path, login.partition(":")[2])
        answer = refused or self.accepted()
        if answer == HANG:
            self.server.end.wait()
        if answer in (HANG, DROP):
            self.close_connection = True
        else:
            self.reply(*answer, hashlib.sha256(sent).hexdigest())

    def accepted(self) -> Answer:
        if not self.headers.get("Authorization"):
            return refusal(401, "UNAUTHORIZED", "authentication required")
        return (201 if self.command == "PUT" else 200), "text/plain", ""

    def reply(self, status: int, media_type: str, body: str, digest: str) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="fake"')
        if status == 201:
            self.send_header("Docker-Content-Digest", f"sha256:{digest}")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer


@contextmanager
def fake_registry(rule: Rule) -> Iterator[str]:
    """
    The address of a registry that has every layer and accepts every manifest, except for *rule*.

    The rule gets the method, the path and the password, and returns an answer or None.
    """
    with serving(_FakeRegistry(rule)) as server:
        try:
            yield server.address
        finally:
            server.end.set()
