"""
An existing image, looked up in ECR so that a job definition can name it by digest.

A tag can move, and Fargate resolves it anew for each task: of jobs with the same definition, two
could run different images.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

import attrs
from attrs import frozen

from batchkit._model.calls import Operation, Steps
from batchkit._model.checks import Constraint, checked
from batchkit._model.image_uri import ImageUri
from batchkit._model.properties import read_only
from batchkit._model.reader import Reader
from batchkit._model.resource import Resource
from batchkit._model.values import Arn
from batchkit.errors import AccessDenied, ImageError

IN_ECR = Constraint("the URI of an image in ECR", lambda value: bool(ImageUri.parse(value).ecr))


def is_tag_in_ecr(text: str, region: str) -> bool:
    """
    Whether *text* is the URI of an image in the ECR of *region*, and names it by its tag.
    """
    uri = ImageUri.parse(text)
    return uri.ecr is not None and uri.ecr.region == region and not uri.digest


@frozen(kw_only=True)
class ImageReference(Resource):
    """
    An image in an ECR repository; *uri* names it by the digest that its tag has now.
    """

    DESCRIBE: ClassVar = Operation(
        "ecr", "DescribeImages", absent=("ImageNotFoundException", "RepositoryNotFoundException")
    )
    # ECR has AWS tags for repositories only, and this repository is not the stack's.
    TAGGED: ClassVar = False

    name: str = checked(IN_ECR)
    uri: str = read_only()

    def targets(self) -> tuple[str | Arn, ...]:
        uri, account = self._parsed()
        return (Arn("ecr", f"repository/{uri.repository}", account=account),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[ImageReference]:
        return ()

    def read(self, reader: Reader) -> ImageReference | None:
        """
        The image as ECR has it.

        Raises:
            ImageError: ECR has no such image.
        """
        uri, account = self._parsed()
        call = self.DESCRIBE(
            registryId=account, repositoryName=uri.repository, imageIds=[uri.image_id]
        )
        try:
            found = reader(call)
        except AccessDenied:
            # A repository policy of another account may allow pulls without ecr:DescribeImages
            # (https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html):
            # the job then names the image by its tag.
            return attrs.evolve(self, owner=self.stack, uri=self.name)
        if not found or not found["imageDetails"]:
            msg = f"ECR has no image {self.name}; push it first, or name a folder to build it from"
            raise ImageError(msg)
        pinned = attrs.evolve(uri, tag="", digest=found["imageDetails"][0]["imageDigest"])
        return attrs.evolve(self, owner=self.stack, uri=str(pinned))

    def _parsed(self) -> tuple[ImageUri, str]:
        """
        The parts of the URI, and the account whose registry it names.
        """
        uri = ImageUri.parse(self.name)
        assert uri.ecr is not None
        return uri, uri.ecr.account

    def differs(self, name: str, actual: Any) -> bool:
        return False

    def create(self) -> Steps:
        return iter(())

    def update(self, actual: ImageReference, drift: Collection[str]) -> Steps:
        return iter(())

    def delete(self) -> Steps:
        return iter(())
