"""
What is known of an image: by its URI, and by what ECR has of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from batchkit._diagnosis.reader import FactsReader
from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit.resources.image import Image

MANIFEST: Final = Operation(
    "ecr",
    "BatchGetImage",
    absent=("RepositoryNotFoundException", "ImageNotFoundException", "ImageNotFound"),
)


class ImageFacts:
    """
    The image *uri* of a job in *region* and *account*, which are empty if they aren't known.
    """

    def __init__(self, reader: FactsReader, uri: str, region: str, account: str) -> None:
        self.uri = uri
        self.parsed = ImageUri.parse(uri)
        self._reader = reader
        self._region = region
        self._account = account

    @cached_property
    def stored(self) -> ImageUri | None:
        """
        The image, if its URI is of this account's ECR in this region.
        """
        # A job may pull from ECR elsewhere, if a repository policy allows it; the caller's account
        # can't read what is there.
        ecr = self.parsed.ecr
        if ecr is None:
            return None
        own_account = self._account in ("", ecr.account)
        own_region = self._region in ("", ecr.region)
        return self.parsed if own_account and own_region else None

    @cached_property
    def details(self) -> Mapping[str, Any] | None:
        """
        The image as ECR describes it: empty if it isn't there; None if it isn't in this account's
        ECR, or ECR may not be read.
        """
        if self.stored is None:
            return None
        name, id = self.stored.repository, self.stored.image_id
        answer = self._reader.read(Image.DESCRIBE(repositoryName=name, imageIds=[id])) or {}
        if not self._reader.readable(Image.DESCRIBE):
            return None
        found = answer.get("imageDetails") or ()
        return dict(found[0]) if found else {}

    @cached_property
    def manifest(self) -> str:
        """
        The manifest of the image in ECR, if there is one.
        """
        if self.stored is None or not self.details:
            return ""
        # DescribeImages doesn't have the platforms of an image; the manifest of an index does.
        name, id = self.stored.repository, self.stored.image_id
        answer = self._reader.read(MANIFEST(repositoryName=name, imageIds=[id])) or {}
        found = answer.get("images") or ()
        return str(found[0].get("imageManifest") or "") if found else ""


def platforms(manifest: str) -> set[str]:
    """
    The machines that the images of an index are for; empty if it is a single image's manifest.
    """
    try:
        listed: Any = json.loads(manifest or "{}").get("manifests", ())
    except (ValueError, AttributeError):
        return set()
    machines = {(one.get("platform") or {}).get("architecture", "") for one in listed}
    # BuildKit lists its attestations as images for the platform unknown/unknown.
    return machines - {"", "unknown"}
