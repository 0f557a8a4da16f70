"""
The image of a job: built from a folder, pushed to ECR, and known by its digest.

The tag is a hash of what the image is built from, so an image that ECR has is neither built nor
pushed again, and needs no Docker daemon.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
from attrs import frozen

from batchkit._docker.publisher import Publication, publisher
from batchkit._model.calls import AwsClient, Operation, Steps, Task
from batchkit._model.checks import (
    Checked,
    Constraint,
    checked,
    instance,
    one_of,
    optional,
    require,
    text,
    whole,
)
from batchkit._model.confidential import as_variables
from batchkit._model.properties import read_only, write_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.values import Arn, Ref, can_be_sent
from batchkit.events import Action, Event, Listener, Phase
from batchkit.resources.ecr import Repository

GIB: Final = 1024**3
PLATFORMS: Final = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
"""Docker's word for each architecture of a job definition."""
# The token is for all registries that the caller may use, so IAM takes no repository here
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html).
LOGIN: Final = Operation("ecr", "GetAuthorizationToken", wide=True)


BUILD_ARGS = Constraint(
    "names with texts",
    lambda value: all(isinstance(item, str) for pair in value.items() for item in pair),
)


_FOLDER = Constraint("a folder", lambda value: isinstance(value, Path) and can_be_sent(str(value)))


def _path(value: Any) -> Any:
    """
    The path that a text names; any other value is left to the field's check.
    """
    return Path(value) if isinstance(value, str) else value


@frozen
class ImageSource(Checked):
    """
    A folder with a Dockerfile, and how to build it.

    The values of build arguments can be read in the image's history: they are no place for secrets.

    Args:
        folder: The build context; its .dockerignore is honoured.
        dockerfile: The path of the Dockerfile in the folder.
        build_args: Build arguments.
        target: The stage to build.
        limit: The largest context, in bytes.
    """

    folder: str | Path = checked(_FOLDER, converter=_path)
    dockerfile: str = checked(text(r".+", "a path in the folder"), default="Dockerfile")
    build_args: Mapping[str, str] = checked(
        BUILD_ARGS, factory=dict, converter=as_variables, kw_only=True
    )
    target: str | None = checked(
        optional(text(r"[\w.-]+", "a stage's name")), default=None, kw_only=True
    )
    limit: int = checked(whole(1, 100 * GIB, "bytes"), default=GIB, kw_only=True)

    def context(self) -> Any:
        """
        The files that Docker receives.

        Raises:
            ContextError: There is no such folder or Dockerfile, or it is too large.
        """
        from batchkit._docker.context import read_context

        return read_context(self.folder, self.dockerfile, limit=self.limit)

    def tag(self, platform: str) -> str:
        """
        The tag of the image for *platform*; the same files have the same tag on every machine.
        """
        require("image", "platform", platform, one_of(*PLATFORMS.values()))
        return str(self.context().tag(self.build_args, self.target, platform))


@frozen
class PushImage(Task):
    """
    A step: build the image and push it to the repository *uri*, under *tag*.
    """

    operation: Operation
    name: str
    uri: str | Ref
    tag: str
    source: ImageSource
    platform: str

    def perform(self, aws: AwsClient, emit: Listener) -> dict[str, Any]:
        """
        Builds and pushes; returns the outputs of the image.
        """

        def report(detail: object) -> None:
            emit(Event("Image", self.name, Action.CREATE, Phase.PROGRESS, str(detail)))

        order = Publication(
            folder=Path(self.source.folder),
            context=self.source.context,
            build_args=self.source.build_args,
            target=self.source.target,
            platform=self.platform,
            repository=str(self.uri),
            tag=self.tag,
            login=lambda: login(aws),
            clock=aws.clock,
            report=report,
        )
        # The digest is the registry's: the daemon's own id of the image may be another.
        digest = publisher(aws.session).publish(order)
        return {"digest": digest, "uri": f"{self.uri}@{digest}"}


def login(aws: AwsClient) -> tuple[str, str]:
    """
    A user and password for the account's registry, valid for twelve hours.
    """
    # ECR encodes both in one token
    # (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html).
    with _unlogged("botocore.parsers"):
        token = aws.call(LOGIN())["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """
    Keeps the logger *name* silent in this thread: at DEBUG, botocore logs every answer whole.
    """
    logger, thread = logging.getLogger(name), threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)


@frozen(kw_only=True)
class Image(Resource):
    """
    An image in the stack's repository; *uri* names it by digest.

    It has the name of its repository, and is deleted with it.
    """

    DESCRIBE: ClassVar = Operation(
        "ecr", "DescribeImages", absent=("ImageNotFoundException", "RepositoryNotFoundException")
    )
    # PutImage is the last call of a push; Docker makes those before it
    # (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html).
    PUSH: ClassVar = Operation(
        "ecr",
        "PutImage",
        (
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
        ),
    )
    LOGIN: ClassVar = LOGIN
    # ECR has AWS tags for repositories only: the owner is that of the repository.
    TAGGED: ClassVar = False

    repository: str | Ref = write_only(text(r"\S+", "a repository's URI"), to="Repository")
    source: ImageSource = write_only(instance(ImageSource))
    platform: str = write_only(text(r"linux/(amd64|arm64)", "linux/amd64 or linux/arm64"))
    tag: str = write_only(text(r"[\w.-]{1,128}", "an image tag"))
    digest: str = read_only()
    uri: str = read_only(regenerated=True)

    @classmethod
    def targets_of(cls, stack: str) -> tuple[str | Arn, ...]:
        return Repository.targets_of(stack)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[Image]:
        return ()

    def read(self, reader: Reader) -> Image | None:
        # DescribeImages doesn't return the repository's URI.
        images, repositories = reader.all(
            self.DESCRIBE(repositoryName=self.name, imageIds=[{"imageTag": self.tag}]),
            Repository.DESCRIBE(repositoryNames=[self.name]),
        )
        if not images or not images["imageDetails"] or not repositories:
            return None
        digest = images["imageDetails"][0]["imageDigest"]
        uri = repositories["repositories"][0]["repositoryUri"]
        return attrs.evolve(self, owner=self.stack, digest=digest, uri=f"{uri}@{digest}")

    def differs(self, name: str, actual: Any) -> bool:
        # The tag is a hash of all that the image is built from, and no tag of the repository moves
        # (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html).
        return False

    def create(self) -> Steps:
        yield PushImage(self.PUSH, self.name, self.repository, self.tag, self.source, self.platform)

    def update(self, actual: Image, drift: object) -> Steps:
        return iter(())

    def delete(self) -> Steps:
        return iter(())
