"""
A job's container in Docker, on the host's network, so that it reaches the embedded AWS.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from signal import Signals
from typing import Any

from batchkit.local.runtime.container import CannotStart, Container
from batchkit.local.runtime.images import LocalImage

_SOCKET = "unix:///var/run/docker.sock"


def docker_answers() -> bool:
    """
    A Docker daemon answers at the place that the environment names.
    """
    if not _listens(os.environ.get("DOCKER_HOST") or _SOCKET):
        return False
    import docker

    try:
        with_daemon = docker.from_env(timeout=5)
    except docker.errors.DockerException:
        return False
    try:
        return bool(with_daemon.ping())
    finally:
        with_daemon.close()


def _listens(address: str) -> bool:
    # docker-py leaves its socket open where nobody listens, so ask first.
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        return probe.connect_ex(path) == 0


def _client() -> Any:
    # moto's own client: mock_aws replaces what docker-py sends with, and moto puts it back.
    from moto.utilities.docker_utilities import DockerModel

    return DockerModel().docker_client


class DockerContainer(Container):
    """
    A container that has been started.
    """

    def __init__(
        self, image: str, command: Sequence[str], environment: Mapping[str, str], name: str
    ) -> None:
        import docker

        super().__init__()
        self._client = _client()
        try:
            self._container = self._client.containers.create(
                image,
                command=list(command) or None,
                environment=dict(environment),
                name=name,
                network_mode="host",
            )
            self._container.start()
        except docker.errors.DockerException as error:
            self.remove()
            why = getattr(error, "explanation", None) or error
            raise CannotStart(f"CannotStartContainerError: {why}") from error

    @classmethod
    def find(cls, reference: str, local: LocalImage | None) -> str:
        """
        The name under which the daemon has the image, by *reference* or by its tag; or nothing.
        """
        import docker

        client = _client()
        names = [reference, *([local.name] if local else [])]
        try:
            for name in names:
                try:
                    client.images.get(name)
                    return name
                except docker.errors.ImageNotFound:
                    continue
        finally:
            client.close()
        return ""

    def lines(self) -> Iterator[bytes]:
        rest = b""
        for chunk in self._container.logs(stream=True, follow=True):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def ended(self) -> int:
        return int(self._container.wait(timeout=None)["StatusCode"])

    def signal(self, number: Signals) -> None:
        import docker

        try:
            self._container.kill(number.value)
        except docker.errors.APIError:
            return  # it has ended

    def remove(self) -> None:
        import docker

        container = getattr(self, "_container", None)
        try:
            if container is not None:
                container.remove(force=True)
        except docker.errors.APIError:
            return
        finally:
            self._client.close()
