"""
Patches for ECR, and how a fake image gets into it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.ecr.models import Image, ecr_backends
from moto.ecr.responses import ECRResponse

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import ACCOUNT
from batchkit.local.runtime.images import FakeImage

PATCHES = Patches()


@PATCHES(
    ECRResponse,
    "get_authorization_token",
    reason="GetAuthorizationToken returns a token that expires in twelve hours, but moto's "
    "expired in 2015",
)
def authorization_token(original: Any, self: Any) -> Any:
    answer = original(self)
    for data in answer.result["authorizationData"]:
        data["expiresAt"] = datetime.now(timezone.utc) + timedelta(hours=12)
    return answer


@PATCHES(
    Image,
    "_create_digest",
    reason="PutImage returns the SHA-256 of the manifest as the image's digest, but moto hashes "
    "the digests of the layers",
)
def digest_of_manifest(_: Any, self: Any) -> None:
    self._image_digest = f"sha256:{hashlib.sha256(self.image_manifest.encode()).hexdigest()}"


def push(image: FakeImage, region: str) -> None:
    """
    The embedded ECR has *image* under its tag, if it has the repository.
    """
    backend = ecr_backends[ACCOUNT][region]
    repository = backend.repositories.get(image.uri.repository)
    if repository is None:
        return
    tag = image.uri.tag
    if not any(tag in pushed.image_tags for pushed in repository.images):
        backend.put_image(repository.name, image.manifest, tag, digest=image.digest)
