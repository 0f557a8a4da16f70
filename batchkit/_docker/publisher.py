"""
Publishes images: with Docker to ECR, unless the type of the session registers another way.
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
    An image to build from *folder* and to publish in *repository* under *tag*.

    Args:
        context: Returns the files that are sent to Docker.
        platform: Docker's name of the architecture, such as linux/amd64.
        login: Returns the user and password of the repository's registry.
        report: Called with each line of the build and each step of the push.
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
    report: Callable[[object], None]


class Publisher(Protocol):
    """
    Builds and publishes images.
    """

    @property
    def needs_docker(self) -> bool:
        """
        Whether it needs a Docker daemon.
        """

    def publish(self, image: Publication) -> str:
        """
        The image is in its repository. Returns its digest.
        """


class RegistryPublisher:
    """
    Builds with Docker, and pushes to a registry.
    """

    needs_docker = True

    def publish(self, image: Publication) -> str:
        """
        The image is built and pushed. Returns its digest.
        """
        from batchkit._docker import build as _build, push as _push  # these load docker

        with closing(_build.connect()) as client:
            built = build(image, None)
            return _push.push(
                client,
                built.image,
                image.repository,
                built.tag,
                auth=image.login,
                on_layer=image.report,
                clock=image.clock,
            )


def build(image: Publication, reference: str | None) -> Built:
    """
    Builds the image with Docker, and tags it as *reference* if that is given.

    Raises:
        WrongArchitecture: The image is for another platform, because its base is.
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
            on_line=image.report,
            clock=image.clock,
        )
        _build.check_architecture(client, built.image, image.platform)
        return built


@singledispatch
def publisher(session: object) -> Publisher:
    """
    The publisher for *session*. Another type of session may register its own.
    """
    return RegistryPublisher()
