"""
A job's container in Docker. It uses the host's network to reach the embedded AWS.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from signal import Signals
from typing import TYPE_CHECKING

from batchkit._docker.settings import daemon
from batchkit.errors import DockerUnavailable
from batchkit.local.runtime.container import CannotStart, Container
from batchkit.local.runtime.images import FakeImage

if TYPE_CHECKING:
    from docker import DockerClient


def docker_answers() -> bool:
    """
    Whether the Docker daemon answers that the docker command uses.
    """
    try:
        where = daemon()
    except DockerUnavailable:
        return False
    if not _listens(where["base_url"]):
        return False
    import docker

    try:
        client = docker.DockerClient(**where, timeout=5)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    finally:
        client.close()


def _listens(address: str) -> bool:
    # docker-py leaves its socket open if nobody listens, so test the socket first.
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        return probe.connect_ex(path) == 0


def _client() -> DockerClient:
    # mock_aws intercepts docker-py's requests; the client that moto makes gets through.
    from moto.utilities.docker_utilities import DockerModel

    return DockerModel().docker_client


class DockerContainer(Container):
    """
    An attempt's container in Docker.
    """

    def __init__(
        self,
        image: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        name: str,
        labels: Mapping[str, str],
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
                labels=dict(labels),
                network_mode="host",
            )
            self._container.start()
        except docker.errors.DockerException as error:
            self.remove()
            reason = getattr(error, "explanation", None) or error
            raise CannotStart(f"CannotStartContainerError: {reason}") from error

    @classmethod
    def find(cls, reference: str, local: FakeImage | None) -> str:
        """
        The name under which the daemon has the image: *reference*, or its tag, or "" if neither.
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
