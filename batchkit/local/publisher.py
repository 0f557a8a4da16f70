"""
Images on the embedded AWS: fake ones, also built by Docker where a daemon answers.
"""

from __future__ import annotations

from attrs import frozen

from batchkit._docker.publisher import Publication, Publisher, build, publisher
from batchkit.errors import BuildFailed
from batchkit.local.session import LocalSession


@frozen
class LocalPublisher:
    """
    Puts fake images into the embedded ECR. Nothing is pushed.
    """

    session: LocalSession

    @property
    def needs_docker(self) -> bool:
        """
        Whether jobs run as containers.
        """
        return self.session.docker

    def publish(self, image: Publication) -> str:
        """
        The folder is a fake image of this name after the call. Returns its digest.
        """
        reference = f"{image.repository}:{image.tag}"
        if self.session.docker:
            try:
                build(image, reference)
            except BuildFailed as error:
                if error.reason != "BaseImageMissing":
                    raise
                image.report("the base image can't be had; the job will run as a child process")
        return self.session.fake_image(reference, image.folder)


@publisher.register
def local_publisher(session: LocalSession) -> Publisher:
    """
    The publisher for the embedded AWS.
    """
    return LocalPublisher(session)
