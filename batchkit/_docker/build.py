"""
Connects to a Docker daemon, builds images on it, and inspects its images.
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

from batchkit._docker import buildx as _buildx
from batchkit._docker.context import Context
from batchkit._docker.credentials import Logins, stated
from batchkit._docker.dockerfile import Feature
from batchkit._docker.failures import CONNECT, build_failure, known
from batchkit._docker.settings import daemon, read_settings
from batchkit._docker.stream import (
    DockerClient,
    StreamEvent,
    breakages,
    events,
    failure_of,
    inspect,
)
from batchkit._model.confidential import SHORTEST, without
from batchkit._model.image_uri import ImageUri
from batchkit.clock import Clock, SystemClock
from batchkit.errors import BuildFailed, DockerUnavailable, WrongArchitecture

SILENCE = 120.0
BUILD_DEADLINE = 3600.0
LAST_LINES = 20

# docker-py asks the daemon for its version when it makes a client, unless one is given.
ANY_VERSION = "1.41"

_SAME = {"x86_64": "amd64", "aarch64": "arm64"}
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@frozen
class Built:
    """
    An image on the daemon: its id, and the tag made of the files that were sent.
    """

    image: str
    tag: str


def ignore(_: object) -> None:
    """
    Ignores a line or a layer.
    """


def connect(timeout: float = SILENCE) -> DockerClient:
    """
    A client of the daemon that the Docker command uses. The caller closes it.

    Args:
        timeout: The seconds that the daemon may be silent: the limit of each read.
    """
    try:
        docker = import_module("docker")
    except ImportError as error:
        msg = f"The Docker SDK is not there ({error}): `pip install docker`."
        raise DockerUnavailable(msg) from error
    dict(stated(read_settings()))  # docker-py reads them too, and would fail in its own words
    try:
        where = {**daemon(), "timeout": timeout}
        with docker.APIClient(version=ANY_VERSION, **where) as found:
            _check_socket(found)
        return cast(DockerClient, docker.APIClient(version="auto", **where))
    except breakages() as error:
        msg = f"No Docker daemon answers: {error}. {known(str(error), CONNECT).advice}"
        raise DockerUnavailable(msg) from error


def _check_socket(client: Any) -> None:
    """
    Raises OSError if nobody listens at the daemon's socket.

    docker-py raises an error too, but leaves its own socket open.
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
    Builds the image of *context*; Docker's cache is used.

    A Dockerfile for BuildKit is built by docker's buildx where that is installed; any other by the
    daemon itself. A base image that the daemon has is not pulled again. Values of *build_args* are
    replaced by asterisks in all output and messages.

    Args:
        tag: A name for the image on this daemon, `name:tag`. An image is pushed without one too.
    """
    args = dict(build_args or {})
    log = _BuildLog(on_line, _secrets(args.values()))
    if hasattr(client, "_auth_configs"):
        client._auth_configs = Logins(read_settings(), log.line)
    found = _buildx.wanted(context, args)
    if found and _buildx.installed():
        order = _buildx.Order(platform, target, tag, args, deadline)
        return _with_buildkit(client, context, order, log)
    if refusal := unbuildable(found):
        raise BuildFailed(refusal, reason="NeedsBuildKit")
    options = {"platform": platform, "buildargs": dict(args), "target": target, "tag": tag}
    constant = {"custom_context": True, "decode": True, "pull": False, "rm": True, "forcerm": True}
    with context.packed() as packed:
        sent = {"fileobj": packed.file, "dockerfile": packed.dockerfile, "timeout": deadline}
        end = clock.monotonic() + deadline
        with closing(
            events(lambda: client.build(**sent, **constant, **options), clock, end)
        ) as stream:
            for event in stream:
                log.read(event)
        return Built(log.result(), packed.tag(args, target, platform))


def unbuildable(found: Iterable[Feature]) -> str:
    """
    Why a Dockerfile in which *found* is for BuildKit can't be built without it; "" if it can.
    """
    needed = [str(one) for one in found if one.needed]
    if not needed:
        return ""
    return (
        f"The Dockerfile needs BuildKit ({', '.join(needed)}), and docker's buildx, which builds "
        "with it, isn't installed. Install docker's plugin buildx (`docker buildx version` must "
        "work), or write the Dockerfile without."
    )


def _with_buildkit(
    client: DockerClient, context: Context, order: _buildx.Order, log: _BuildLog
) -> Built:
    with context.packed() as packed:
        ids, failure = _buildx.build(packed, order, log.vertex)
        if failure:
            log.fail(failure)
        log.image = next((one for one in ids if inspect(client, one)), "")
        return Built(log.result(), packed.tag(order.args, order.target, order.platform))


def check_architecture(client: DockerClient, image: str, platform: str) -> None:
    """
    Raises WrongArchitecture if *image* is not for *platform*.

    The classic builder uses a base image of the daemon even if it is for another platform.
    """
    found = inspect(client, image)
    actual = _platform(f"{found.get('Os') or 'linux'}/{found.get('Architecture') or 'unknown'}")
    desired = _platform(platform)
    if actual != desired:
        msg = (
            f"The image {image} is for {actual}, and {desired} is wanted. Build it from a base "
            f"that is for {desired} (`docker pull --platform {desired}` gets it; a base that the "
            "daemon has is used whatever it is for), or ask for the other architecture."
        )
        raise WrongArchitecture(msg)


def resolve_local(client: DockerClient, reference: str) -> str | None:
    """
    *reference* as `repository@sha256:...`, if the daemon has the image and knows its digest.
    """
    uri = ImageUri.parse(reference)
    if uri.digest:
        return reference
    digests = map(str, inspect(client, reference).get("RepoDigests") or [])
    return next((one for one in digests if ImageUri.parse(one).name == uri.name), None)


def _platform(text: str) -> str:
    """
    The system and architecture, as Docker names them, without the variant.
    """
    system, _, rest = text.lower().partition("/")
    machine = rest.partition("/")[0]
    return f"{system}/{_SAME.get(machine, machine)}"


def _secrets(values: Iterable[str]) -> tuple[str, ...]:
    lines = (line.strip() for value in values for line in (value, *value.splitlines()))
    return tuple(line for line in lines if len(line) >= SHORTEST)


@define
class _BuildLog:
    """
    The output of a build so far: its last lines, the present step, and the image.
    """

    on_line: Callable[[str], None]
    secrets: tuple[str, ...] = field(repr=False)
    step: str = ""
    image: str = ""
    rest: str = ""
    lines: deque[str] = field(factory=lambda: deque(maxlen=LAST_LINES))

    def read(self, event: StreamEvent) -> None:
        """
        Adds one event to the log. Raises BuildFailed if the event is a failure.
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
        """
        Adds one line, with secrets masked, and passes it on.
        """
        shown = without(_COLOUR.sub("", text).rstrip().rpartition("\r")[2], self.secrets)
        if re.match(r"Step \d+/\d+ : ", shown):
            self.step = shown
        if shown.strip():
            self.lines.append(shown)
            self.on_line(shown)

    def vertex(self, text: str, step: str) -> None:
        """
        Adds one line of BuildKit's, which begins or ends *step* if that isn't empty.
        """
        self.step = without(step, self.secrets) or self.step
        self.line(text)

    def result(self) -> str:
        """
        The id of the image. Raises BuildFailed if there is none.
        """
        if not self.image:
            self.fail("the build ended without an image")
        return self.image

    def fail(self, text: str) -> NoReturn:
        """
        Raises BuildFailed with the step, the reason and the last lines.
        """
        self.line(self.rest)
        text = without(text.strip(), self.secrets)
        failure = build_failure(text, self.step, self.lines)
        where = f"{self.step}: " if self.step else ""
        msg = f"The image could not be built: {where}{text.rstrip('.')}. {failure.advice}"
        raise BuildFailed(msg, reason=failure.reason, step=self.step, log=self.lines)
