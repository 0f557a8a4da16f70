"""
Patches for ECR, and how a fake image gets into it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.ecr.models import Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse
from moto.utilities.utils import get_partition

from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import ACCOUNT
from batchkit.local.runtime.images import FakeImage

PATCHES = Patches()


@PATCHES(
    ECRResponse,
    "get_authorization_token",
    reason="GetAuthorizationToken returns a token that expires in twelve hours and the registry's "
    "host in its partition, but moto's token expired in 2015, and its hosts are those of aws",
)
def authorization_token(original: Any, self: Any) -> Any:
    answer = original(self)
    for data in answer.result["authorizationData"]:
        data["expiresAt"] = datetime.now(timezone.utc) + timedelta(hours=12)
        data["proxyEndpoint"] = _in_partition(data["proxyEndpoint"], self.partition)
    return answer


@PATCHES(
    Repository,
    "__init__",
    reason="A repository of China is at dkr.ecr.cn-north-1.amazonaws.com.cn, but moto leaves the "
    "last .cn out",
)
def repository(original: Any, self: Any, *args: Any, **given: Any) -> None:
    original(self, *args, **given)
    self.uri = _in_partition(self.uri, get_partition(self.region_name))


def _in_partition(address: str, partition: str) -> str:
    # https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
    return address.replace(".com", ".com.cn", 1) if partition == "aws-cn" else address


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
