"""
A fake of docker-py's low-level client, and what tests of Docker share.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import requests
import urllib3
from attrs import Factory, define, field
from docker.errors import APIError
from fakes import FakeClock

from batchkit._docker.push import push

PASSWORD = "eyJwYXlsb2FkIjoi-very-secret-token"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/job"
DIGEST = "sha256:" + "d" * 64
IMAGE = "sha256:" + "1" * 64
GOOD = [{"status": "v1: digest: ..."}, {"aux": {"Tag": "v1", "Digest": DIGEST, "Size": 1}}]

Script = list[Any]


@define
class FakeDocker:
    """
    Answers each push and build with its next script: events, and exceptions to be raised.
    """

    scripts: list[Script] = Factory(list)
    images: dict[str, dict[str, Any]] = Factory(dict)
    timeout: float | None = 60.0
    calls: list[tuple[str, dict[str, Any]]] = Factory(list)
    timeouts: list[float | None] = field(factory=list)
    closed: bool = False

    def build(self, **options: Any) -> Iterator[Any]:
        options["sent"] = options["fileobj"].read()
        return self._play("build", options)

    def push(self, repository: str, **options: Any) -> Iterator[Any]:
        return self._play("push", {"repository": repository, **options})

    def tag(self, image: str, repository: str, tag: str) -> bool:
        self.calls.append(("tag", {"image": image, "name": f"{repository}:{tag}"}))
        return True

    def inspect_image(self, image: str) -> dict[str, Any]:
        if image not in self.images:
            raise refused(404, f"No such image: {image}")
        return self.images[image]

    def close(self) -> None:
        self.closed = True

    def _play(self, name: str, options: dict[str, Any]) -> Iterator[Any]:
        self.calls.append((name, options))
        self.timeouts.append(self.timeout)
        for event in self.scripts.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


def refused(status: int, message: str, url: str = "http+docker://localhost/v1.41/x") -> APIError:
    """
    docker-py's exception for an answer that is not 200.
    """
    response = requests.Response()
    response.status_code, response.url, response.reason = status, url, "Refused"
    return APIError("refused", response=response, explanation=message)


def error(text: str) -> dict[str, Any]:
    """
    The event in which Docker reports a failure.
    """
    return {"errorDetail": {"message": text}, "error": text}


def in_pool(text: str) -> urllib3.exceptions.HTTPError:
    """
    A time-out as urllib3 raises it through docker-py.
    """
    pool = urllib3.HTTPConnectionPool("localhost")
    return urllib3.exceptions.ReadTimeoutError(pool, "/v1.41", text)


def shown(raised: BaseException) -> str:
    """
    All that a log or a traceback could show of an exception, its arguments and its chain.
    """
    chain: list[BaseException] = []
    link: BaseException | None = raised
    while link and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    texts = [f"{one!r} {one} {one.__dict__!r} {one.args!r}" for one in chain]
    return "\n".join([*texts, *traceback.format_exception(chain[0])])


def pushed(docker: FakeDocker, clock: FakeClock | None = None, **options: Any) -> str:
    """
    The digest of a push of the image to the repository.
    """
    options.setdefault("auth", lambda: ("AWS", PASSWORD))
    return push(docker, IMAGE, REPOSITORY, "v1", clock=clock or FakeClock(), **options)
