"""
ECR as AWS has it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.ecr.models import Image, ecr_backends
from moto.ecr.responses import ECRResponse

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import ACCOUNT
from batchkit.local.runtime.images import LocalImage

PATCHES = Patches()


@PATCHES(ECRResponse, "get_authorization_token", reason="moto's token has expired in 2015")
def authorization_token(original: Any, self: Any) -> Any:
    answer = original(self)
    for data in answer.result["authorizationData"]:
        data["expiresAt"] = datetime.now(timezone.utc) + timedelta(hours=12)
    return answer


@PATCHES(Image, "_create_digest", reason="an image's digest is the SHA-256 of its manifest")
def digest_of_manifest(_: Any, self: Any) -> None:
    self._image_digest = f"sha256:{hashlib.sha256(self.image_manifest.encode()).hexdigest()}"


def push(image: LocalImage, region: str) -> None:
    """
    The embedded ECR holds *image* under its tag, if it has the repository.
    """
    backend = ecr_backends[ACCOUNT][region]
    repository = backend.repositories.get(image.uri.repository)
    if repository is None:
        return
    tag = image.uri.tag
    if not any(tag in held.image_tags for held in repository.images):
        backend.put_image(repository.name, image.manifest, tag, digest=image.digest)
