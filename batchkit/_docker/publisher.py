"""
Who takes an image to where jobs find it: Docker and ECR, unless the session has another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from batchkit._docker.build import Built
    from batchkit._docker.context import Context
    from batchkit.clock import Clock


@frozen
class Publication:
    """
    An image to build from *folder* and to have in *repository* under *tag*.

    Args:
        context: The files that Docker is given.
        platform: Docker's word for the architecture, such as linux/amd64.
        login: Gives the user and password of the repository's registry.
        tell: Called with each line of the build and each step of the push.
    """

    folder: Path
    context: Callable[[], Context]
    build_args: Mapping[str, str]
    target: str | None
    platform: str
    repository: str
    tag: str
    login: Callable[[], tuple[str, str]]
    clock: Clock
    tell: Callable[[object], None]


class Publisher(Protocol):
    """
    Builds and delivers images.
    """

    @property
    def needs_docker(self) -> bool:
        """
        Whether it can't do without a Docker daemon.
        """

    def publish(self, image: Publication) -> str:
        """
        Jobs find the image in its repository from now on; returns its digest.
        """


class RegistryPublisher:
    """
    Builds with Docker, and pushes to a registry.
    """

    needs_docker = True

    def publish(self, image: Publication) -> str:
        from batchkit._docker import build as _build, push as _push  # these load docker

        with closing(_build.connect()) as client:
            built = build(image, None)
            return _push.push(
                client,
                built.image,
                image.repository,
                built.tag,
                auth=image.login,
                on_layer=image.tell,
                clock=image.clock,
            )


def build(image: Publication, reference: str | None) -> Built:
    """
    The image that Docker has built, named *reference* if that is given.

    Raises:
        WrongArchitecture: It is for another platform, as the Dockerfile names another base.
    """
    from batchkit._docker import build as _build

    with closing(_build.connect()) as client:
        built = _build.build(
            client,
            image.context(),
            platform=image.platform,
            build_args=image.build_args,
            target=image.target,
            tag=reference,
            on_line=image.tell,
            clock=image.clock,
        )
        _build.check_architecture(client, built.image, image.platform)
        return built


@singledispatch
def publisher(session: object) -> Publisher:
    """
    Who delivers images for *session*; a sort of session may register another.
    """
    return RegistryPublisher()
