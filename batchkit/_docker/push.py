"""
Pushing an image to a registry through the Docker daemon.

This module doesn't know AWS: the caller gives the repository and a function that returns a new
user and password. They are sent with this push only, and never stored in Docker's configuration.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, NoReturn

from attrs import define, field, frozen

from batchkit._docker.build import ignore, resolve_local
from batchkit._docker.failures import PUSH, known
from batchkit._docker.stream import DockerClient, StreamEvent, events, failure_of, silence
from batchkit._model.confidential import without
from batchkit.clock import Clock, SystemClock
from batchkit.errors import PushFailed

PUSH_DEADLINE = 1800.0
BACKOFF = (1.0, 2.0, 4.0, 8.0)


@frozen
class LayerProgress:
    """
    The progress of one layer of a push; *total* is 0 if Docker doesn't report it.
    """

    layer: str
    status: str
    current: int = 0
    total: int = 0

    def __str__(self) -> str:
        share = f"{100 * self.current // self.total} %" if self.total else ""
        return " ".join(filter(None, (self.layer, self.status, share)))


def push(
    client: DockerClient,
    image: str,
    repository: str,
    tag: str,
    *,
    auth: Callable[[], tuple[str, str]],
    on_layer: Callable[[LayerProgress], None] = ignore,
    deadline: float = PUSH_DEADLINE,
    clock: Clock = SystemClock(),
) -> str:
    """
    The registry has *image* as *repository*:*tag*. Returns its digest.

    Args:
        auth: Returns a new user and password; called again once if the token has expired.
        deadline: Seconds for the whole push; then PushFailed is raised with the reason `TimedOut`.
    """
    job = _Push(client, image, repository, tag, on_layer, clock, clock.monotonic() + deadline)
    login = _Login(*auth())
    waits = list(BACKOFF)
    renewed = False
    while text := job.attempt(login):
        reason = known(text, PUSH).reason
        if reason == "TokenExpired" and not renewed:
            login = _Login(*auth())
            renewed = True
        elif reason == "Throttled" and waits and clock.monotonic() + waits[0] < job.end:
            clock.sleep(waits.pop(0))
        else:
            job.give_up(text)
    return job.digest


@frozen
class _Login:
    user: str
    password: str = field(repr=False)

    def secrets(self) -> tuple[str, ...]:
        """
        The password in the forms in which a text might contain it.
        """
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return (self.password, pair) if len(self.password) >= 4 else ()


@define
class _Push:
    """
    The push of one image to one repository, with its attempts.
    """

    client: DockerClient
    image: str
    repository: str
    tag: str
    on_layer: Callable[[LayerProgress], None]
    clock: Clock
    end: float
    digest: str = ""
    last: str = ""

    def attempt(self, login: _Login) -> str:
        """
        Sets *digest* and returns "", or returns the text of the failure.
        """
        with (
            silence(self.client, max(self.end - self.clock.monotonic(), 0.01)),
            closing(events(lambda: self._start(login), self.clock, self.end)) as stream,
        ):
            for event in stream:
                text = failure_of(event)
                if text is not None:
                    return without(text.strip(), login.secrets())
                self._read(event, login)
            self.digest = self.digest or self._local_digest()
        return "" if self.digest else "the push ended without a digest"

    def give_up(self, text: str) -> NoReturn:
        """
        Raises PushFailed with the reason of *text* and the last status.
        """
        failure = known(text, PUSH)
        last = f" (its last status: {self.last})" if self.last else ""
        msg = f"Pushing {self.repository}:{self.tag} failed: {text.rstrip('.')}{last}. "
        raise PushFailed(msg + failure.advice, reason=failure.reason)

    def _start(self, login: _Login) -> Iterable[Any]:
        self.client.tag(self.image, self.repository, self.tag)
        auth = {"username": login.user, "password": login.password}
        return self.client.push(
            self.repository, tag=self.tag, stream=True, decode=True, auth_config=auth
        )

    def _read(self, event: StreamEvent, login: _Login) -> None:
        aux = event.get("aux")
        if isinstance(aux, dict):
            self.digest = str(aux.get("Digest") or self.digest)
        if event.get("id") and event.get("status"):
            detail = event.get("progressDetail") or {}
            self.last = without(str(event["status"]), login.secrets())
            sizes = int(detail.get("current") or 0), int(detail.get("total") or 0)
            self.on_layer(LayerProgress(str(event["id"]), self.last, *sizes))

    def _local_digest(self) -> str:
        found = resolve_local(self.client, f"{self.repository}:{self.tag}")
        return found.partition("@")[2] if found else ""
