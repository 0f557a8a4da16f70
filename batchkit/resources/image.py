"""
The image of a job: built from a folder, pushed to ECR, and known by its digest.

The tag is a hash of what the image is built from, so an image that ECR has is neither built nor
pushed again, and needs no Docker daemon.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
from attrs import frozen

from batchkit._calls import Job, Operation, Steps
from batchkit._checks import Checked, Must, as_dict, checked, instance, optional, text, whole
from batchkit._ensure import ensurer
from batchkit._resource import Ask, Resource, output, unread
from batchkit._values import Arn, Ref
from batchkit.errors import BuildFailed
from batchkit.events import Action, Event, Phase
from batchkit.resources.ecr import Repository

GIB: Final = 1024**3
PLATFORMS: Final = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
"""Docker's word for each architecture of a job definition."""
LOGIN: Final = Operation("ecr", "GetAuthorizationToken", wide=True)


BUILD_ARGS = Must(
    "names with texts",
    lambda value: all(isinstance(item, str) for pair in value.items() for item in pair),
)


def _path(value: Any) -> Any:
    """
    The path that a text names; what isn't one is left to the field's check.
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

    folder: str | Path = checked(instance(Path, takes="a folder"), converter=_path)
    dockerfile: str = checked(text(r".+", "a path in the folder"), default="Dockerfile")
    build_args: Mapping[str, str] = checked(
        BUILD_ARGS, factory=dict, converter=as_dict, kw_only=True
    )
    target: str | None = checked(
        optional(text(r"[\w.-]+", "a stage's name")), default=None, kw_only=True
    )
    limit: int = checked(whole(1, 100 * GIB, "bytes"), default=GIB, kw_only=True)

    def context(self) -> Any:
        """
        The files that Docker is given.

        Raises:
            ContextError: There is no such folder or Dockerfile, or it is too large.
        """
        from batchkit._image.context import read_context

        return read_context(self.folder, self.dockerfile, limit=self.limit)

    def tag(self, platform: str) -> str:
        """
        The tag of the image that this makes for *platform*: the same for the same files anywhere.
        """
        return str(self.context().tag(self.build_args, self.target, platform))


@frozen
class Push(Job):
    """
    A step: build the image and push it to the repository *uri*, under *tag*.
    """

    operation: Operation
    name: str
    uri: str | Ref
    tag: str
    source: ImageSource
    platform: str

    def perform(self, aws: Any, emit: Callable[[Event], None]) -> dict[str, Any]:
        """
        Builds and pushes; returns the outputs of the image.
        """

        def tell(detail: object) -> None:
            emit(Event("Image", self.name, Action.CREATE, Phase.PROGRESS, str(detail)))

        embedded = hasattr(aws.session, "stand_in")
        digest = self._stand_in(aws, tell) if embedded else self._deliver(aws, tell)
        return {"digest": digest, "uri": f"{self.uri}@{digest}"}

    def _stand_in(self, aws: Any, tell: Callable[[object], None]) -> str:
        """
        Gives the image to the embedded AWS: built, if Docker is there, and not pushed anywhere.
        """
        reference = f"{self.uri}:{self.tag}"
        if aws.session.docker:
            try:
                self._build(aws, tell, reference)
            except BuildFailed as error:
                if error.reason != "BaseImageMissing":
                    raise
                tell("the base image can't be had; the job will run as a child process")
        return str(aws.session.stand_in(reference, self.source.folder))

    def _deliver(self, aws: Any, tell: Callable[[object], None]) -> str:
        from batchkit._image import build as _docker, push as _docker_push

        with closing(_docker.connect()) as client:
            built = self._build(aws, tell, None)
            return _docker_push.push(
                client,
                built.image,
                str(self.uri),
                built.tag,
                auth=lambda: login(aws),
                on_layer=tell,
                clock=aws.clock,
            )

    def _build(self, aws: Any, tell: Callable[[object], None], reference: str | None) -> Any:
        from batchkit._image import build as _docker

        with closing(_docker.connect()) as client:
            built = _docker.build(
                client,
                self.source.context(),
                platform=self.platform,
                build_args=self.source.build_args,
                target=self.source.target,
                tag=reference,
                on_line=tell,
                clock=aws.clock,
            )
            _docker.check_architecture(client, built.image, self.platform)
            return built


def login(aws: Any) -> tuple[str, str]:
    """
    A user and password for the account's registry; good for twelve hours.
    """
    with _unlogged("botocore.parsers"):
        token = aws.call(LOGIN())["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return user, password


@contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """
    Keeps the logger *name* silent in this thread: at DEBUG botocore writes down every answer.
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

    It has the name of its repository, and goes with it.
    """

    DESCRIBE: ClassVar = Operation(
        "ecr", "DescribeImages", absent=("ImageNotFoundException", "RepositoryNotFoundException")
    )
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
    TAGGED: ClassVar = False

    repository: str | Ref = unread(text(r"\S+", "a repository's URI"))
    source: ImageSource = unread(instance(ImageSource))
    platform: str = unread(text(r"linux/(amd64|arm64)", "linux/amd64 or linux/arm64"))
    tag: str = unread(text(r"[\w.-]{1,128}", "an image tag"))
    digest: str = output()
    uri: str = output(renewed=True)

    def targets(self) -> tuple[str | Arn, ...]:
        return (Arn("ecr", f"repository/{self.name}"),)

    @classmethod
    def find(cls, stack: str, ask: Ask) -> Iterable[Image]:
        return ()

    def read(self, ask: Ask) -> Image | None:
        images, repositories = ask.all(
            self.DESCRIBE(repositoryName=self.name, imageIds=[{"imageTag": self.tag}]),
            Repository.DESCRIBE(repositoryNames=[self.name]),
        )
        if not images or not images["imageDetails"] or not repositories:
            return None
        digest = images["imageDetails"][0]["imageDigest"]
        uri = repositories["repositories"][0]["repositoryUri"]
        return attrs.evolve(self, owner=self.stack, digest=digest, uri=f"{uri}@{digest}")

    def differs(self, name: str, held: Any) -> bool:
        return False

    def create(self) -> Steps:
        yield Push(self.PUSH, self.name, self.repository, self.tag, self.source, self.platform)

    def update(self, held: Image, drift: object) -> Steps:
        return iter(())

    def delete(self) -> Steps:
        return iter(())


ensure_image = ensurer(Image)
