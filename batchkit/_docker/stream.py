"""
The Docker daemon's answers as a stream of events. Every failure is an event.

Docker answers 200 and reports failures as events in the stream that follows. Time-outs and lost
connections are exceptions of four libraries while the stream is read; this module turns them into
a last event. No error is raised while such an exception is handled: the exception holds the
request with the build arguments and the password, and would be chained to that error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any, Protocol

from batchkit.clock import Clock
from batchkit.errors import DockerUnavailable

StreamEvent = dict[str, Any]


class DockerClient(Protocol):
    """
    The part of docker-py's low-level client that is used; *timeout* bounds each read.
    """

    timeout: Any

    def build(self, **options: Any) -> Iterable[Any]: ...

    def push(self, repository: str, **options: Any) -> Iterable[Any]: ...

    def tag(self, image: str, repository: str, tag: str) -> Any: ...

    def inspect_image(self, image: str) -> dict[str, Any]: ...

    def close(self) -> None: ...


def events(
    start: Callable[[], Iterable[Any]], clock: Clock, end: float
) -> Generator[StreamEvent, None, None]:
    """
    The events that *start* streams, up to a failure, the time *end*, or the end of the stream.

    Raises:
        DockerUnavailable: The daemon stopped answering.
    """
    with closing(_whole(start)) as stream:
        for event in stream:
            yield _checked(event)
            if clock.monotonic() >= end:
                break
        else:
            return
    yield {"error": "not done when the time allowed was over"}


def failure_of(event: StreamEvent) -> str | None:
    """
    Docker's text if *event* is a failure, otherwise None.
    """
    detail = event.get("errorDetail")
    text = detail.get("message") if isinstance(detail, dict) else None
    return str(text or event.get("error")) if "error" in event or detail else None


def inspect(client: DockerClient, image: str) -> dict[str, Any]:
    """
    The daemon's description of *image*; empty if the daemon doesn't have the image.
    """
    answer = next(_whole(lambda: [client.inspect_image(image)]))
    return {} if failure_of(_checked(answer)) else answer


@contextmanager
def silence(client: DockerClient, seconds: float) -> Iterator[None]:
    """
    No read of *client* waits longer than *seconds* until the block ends.
    """
    before = client.timeout
    client.timeout = min(before or seconds, seconds)
    try:
        yield
    finally:
        client.timeout = before


def _checked(event: StreamEvent) -> StreamEvent:
    """
    *event*; raises DockerUnavailable if the event is that the daemon stopped answering.
    """
    if "lost" in event:
        msg = f"The Docker daemon stopped answering: {event['lost']}. Start it and run this again."
        raise DockerUnavailable(msg)
    return event


def breakages() -> tuple[type[Exception], ...]:
    """
    The exceptions that docker-py raises: its own, and those of the three layers below it.
    """
    errors = import_module("docker.errors")
    http = import_module("urllib3.exceptions")
    return errors.DockerException, errors.StreamParseError, http.HTTPError, OSError


def text_of(error: Exception) -> str:
    """
    The exception's message, without the URL, which contains the build arguments.
    """
    explanation = getattr(error, "explanation", None)
    return str(explanation or re.sub(r"\S*/build\?\S*", "/build", str(error)))


def _whole(start: Callable[[], Iterable[Any]]) -> Generator[StreamEvent, None, None]:
    try:
        for event in start():
            yield event if isinstance(event, dict) else {"stream": str(event)}
        return
    except breakages() as error:
        text = text_of(error)
        refused = getattr(error, "response", None) is not None
    if "timed out" in text.lower():
        yield {"error": "read timed out: not a word in the time allowed"}
    else:
        yield {"error": text} if refused else {"lost": text}
