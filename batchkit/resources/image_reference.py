"""
An image that is there already, looked up in ECR so that a job definition can name it by digest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Final

import attrs
from attrs import frozen

from batchkit._model.calls import Operation, Steps
from batchkit._model.checks import checked, text
from batchkit._model.properties import read_only
from batchkit._model.resource import Reader, Resource
from batchkit._model.values import Arn
from batchkit.errors import AccessDenied, ImageError

_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?"
    r"/(?P<repository>[^:@]+)(:(?P<tag>[\w.-]+))?"
)


def is_tag_in_ecr(uri: str, region: str) -> bool:
    """
    Whether *uri* names an image of an ECR in *region* by its tag.
    """
    match = _ECR.fullmatch(uri)
    return match is not None and match["region"] == region


@frozen(kw_only=True)
class ImageReference(Resource):
    """
    An image in an ECR repository; *uri* names it by the digest that its tag has now.
    """

    DESCRIBE: ClassVar = Operation(
        "ecr", "DescribeImages", absent=("ImageNotFoundException", "RepositoryNotFoundException")
    )
    TAGGED: ClassVar = False

    name: str = checked(text(_ECR.pattern, "the URI of an image in ECR"))
    uri: str = read_only()

    def targets(self) -> tuple[str | Arn, ...]:
        match = _ECR.fullmatch(self.name)
        assert match is not None
        return (Arn("ecr", f"repository/{match['repository']}", account=match["account"]),)

    @classmethod
    def find(cls, stack: str, reader: Reader) -> Iterable[ImageReference]:
        return ()

    def read(self, reader: Reader) -> ImageReference | None:
        """
        The image as ECR has it.

        Raises:
            ImageError: ECR has no such image.
        """
        match = _ECR.fullmatch(self.name)
        assert match is not None
        tag = match["tag"] or "latest"
        call = self.DESCRIBE(
            registryId=match["account"],
            repositoryName=match["repository"],
            imageIds=[{"imageTag": tag}],
        )
        try:
            found = reader(call)
        except AccessDenied:  # another account may let it be pulled, and not looked up
            return attrs.evolve(self, owner=self.stack, uri=self.name)
        if not found or not found["imageDetails"]:
            msg = f"ECR has no image {self.name}; push it first, or name a folder to build it from"
            raise ImageError(msg)
        bare = self.name.removesuffix(f":{tag}")
        digest = found["imageDetails"][0]["imageDigest"]
        return attrs.evolve(self, owner=self.stack, uri=f"{bare}@{digest}")

    def differs(self, name: str, actual: Any) -> bool:
        return False

    def create(self) -> Steps:
        return iter(())

    def update(self, actual: ImageReference, drift: Collection[str]) -> Steps:
        return iter(())

    def delete(self) -> Steps:
        return iter(())
