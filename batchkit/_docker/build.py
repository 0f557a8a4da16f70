"""
Finding a Docker daemon, building an image on it, and looking at what it holds.
"""

from __future__ import annotations

import re
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from importlib import import_module
from typing import Any, NoReturn, cast

from attrs import define, field, frozen

from batchkit._docker.context import Context
from batchkit._docker.failures import CONNECT, build_failure, known, masked
from batchkit._docker.stream import (
    DockerClient,
    StreamEvent,
    breakages,
    events,
    failure_of,
    inspect,
)
from batchkit._model.image_uri import ImageUri
from batchkit.clock import Clock, SystemClock
from batchkit.errors import BuildFailed, DockerUnavailable, WrongArchitecture

SILENCE = 120.0
BUILD_DEADLINE = 3600.0
LAST_LINES = 20
# A shorter value is no secret, and masking it ("1", "3.13") would only spoil the text.
SHORTEST_SECRET = 6

# With a version given, docker-py makes a client without asking the daemon for its own.
ANY_VERSION = "1.41"

_SAME = {"x86_64": "amd64", "aarch64": "arm64"}
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@frozen
class Built:
    """
    An image on the daemon: its id, and the tag for what really went into it.
    """

    image: str
    tag: str


def ignore(_: object) -> None:
    """
    Does nothing with a line or a layer.
    """


def connect(timeout: float = SILENCE) -> DockerClient:
    """
    A client of the daemon that the Docker command would use; the caller closes it.

    Args:
        timeout: the seconds that the daemon may be silent; bounds each read, not the whole.
    """
    try:
        docker = import_module("docker")
    except ImportError as error:
        msg = f"The Docker SDK is not there ({error}): `pip install docker`."
        raise DockerUnavailable(msg) from error
    try:
        with docker.from_env(timeout=timeout, version=ANY_VERSION).api as found:
            _knock(found)
        return cast(DockerClient, docker.from_env(timeout=timeout).api)
    except breakages() as error:
        msg = f"No Docker daemon answers: {error}. {known(str(error), CONNECT).advice}"
        raise DockerUnavailable(msg) from error


def _knock(client: Any) -> None:
    """
    Raises if nobody listens at the daemon's socket; docker-py also would, and leave its end open.
    """
    path = getattr(client.get_adapter(client.base_url), "socket_path", None)
    if path is None:
        return
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(client.timeout)
        try:
            sock.connect(path)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), path) from None


def build(
    client: DockerClient,
    context: Context,
    *,
    platform: str = "linux/amd64",
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    tag: str | None = None,
    on_line: Callable[[str], None] = ignore,
    deadline: float = BUILD_DEADLINE,
    clock: Clock = SystemClock(),
) -> Built:
    """
    The image that *context* makes, built anew as far as Docker's cache does not have it.

    A base image that the daemon holds is not asked for again. Values of *build_args* are
    replaced by asterisks in all that is shown.

    Args:
        tag: a name for the image on this daemon, `name:tag`; it needs none to be pushed.
    """
    args = dict(build_args or {})
    log = _BuildLog(on_line, _secrets(args.values()))
    options = {"platform": platform, "buildargs": dict(args), "target": target, "tag": tag}
    fixed = {"custom_context": True, "decode": True, "pull": False, "rm": True, "forcerm": True}
    with context.packed() as packed:
        sent = {"fileobj": packed.file, "dockerfile": packed.dockerfile, "timeout": deadline}
        end = clock.monotonic() + deadline
        with closing(events(lambda: client.build(**sent, **fixed, **options), clock, end)) as said:
            for event in said:
                log.read(event)
        return Built(log.result(), packed.tag(args, target, platform))


def check_architecture(client: DockerClient, image: str, platform: str) -> None:
    """
    Returns if *image* is for *platform*; the classic builder takes a local base of any other.
    """
    held = inspect(client, image)
    got = _platform(f"{held.get('Os') or 'linux'}/{held.get('Architecture') or 'unknown'}")
    wanted = _platform(platform)
    if got != wanted:
        msg = (
            f"The image {image} is for {got}, and {wanted} is wanted. Build it from a base that "
            f"is for {wanted} (`docker pull --platform {wanted}` gets it; a base that the daemon "
            "holds is taken whatever it is for), or ask for the other architecture."
        )
        raise WrongArchitecture(msg)


def resolve_local(client: DockerClient, reference: str) -> str | None:
    """
    *reference* as `repository@sha256:...`, if the daemon holds it and knows its digest.
    """
    uri = ImageUri.parse(reference)
    if uri.digest:
        return reference
    digests = map(str, inspect(client, reference).get("RepoDigests") or [])
    return next((one for one in digests if ImageUri.parse(one).name == uri.name), None)


def _platform(text: str) -> str:
    """
    The system and architecture, in Docker's words, without the variant.
    """
    system, _, rest = text.lower().partition("/")
    machine = rest.partition("/")[0]
    return f"{system}/{_SAME.get(machine, machine)}"


def _secrets(values: Iterable[str]) -> tuple[str, ...]:
    lines = (line.strip() for value in values for line in (value, *value.splitlines()))
    return tuple(line for line in lines if len(line) >= SHORTEST_SECRET)


@define
class _BuildLog:
    """
    The output of a build as it comes: its last lines, the step it is at, and the image.
    """

    on_line: Callable[[str], None]
    secrets: tuple[str, ...] = field(repr=False)
    step: str = ""
    image: str = ""
    rest: str = ""
    lines: deque[str] = field(factory=lambda: deque(maxlen=LAST_LINES))

    def read(self, event: StreamEvent) -> None:
        """
        Takes in one event; raises BuildFailed for one that is a failure.
        """
        text = failure_of(event)
        if text is not None:
            self.fail(text)
        aux = event.get("aux")
        if isinstance(aux, dict):
            self.image = str(aux.get("ID") or self.image)
        if event.get("status") and not event.get("progressDetail"):
            self.line(f"{event['status']} {event.get('id', '')}")
        *whole, self.rest = (self.rest + str(event.get("stream") or "")).split("\n")
        for line in whole:
            self.line(line)

    def line(self, text: str) -> None:
        shown = masked(_COLOUR.sub("", text).rstrip().rpartition("\r")[2], self.secrets)
        if re.match(r"Step \d+/\d+ : ", shown):
            self.step = shown
        if shown.strip():
            self.lines.append(shown)
            self.on_line(shown)

    def result(self) -> str:
        if not self.image:
            self.fail("the build ended without an image")
        return self.image

    def fail(self, text: str) -> NoReturn:
        self.line(self.rest)
        text = masked(text.strip(), self.secrets)
        failure = build_failure(text, self.step, self.lines)
        where = f"{self.step}: " if self.step else ""
        msg = f"The image could not be built: {where}{text.rstrip('.')}. {failure.advice}"
        raise BuildFailed(msg, reason=failure.reason, step=self.step, log=self.lines)
