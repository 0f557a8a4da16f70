"""
What is known of an image: by its URI, and by what ECR has of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from batchkit._diagnosis.reader import Reader
from batchkit._model.calls import Operation
from batchkit.resources.image import Image

MANIFEST: Final = Operation(
    "ecr", "BatchGetImage", absent=("RepositoryNotFoundException", "ImageNotFoundException")
)
_ECR: Final = re.compile(
    r"(?P<account>\d+)\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(\.cn)?/(?P<name>.+)"
)
PUBLIC: Final = "docker.io"


class ImageFacts:
    """
    The image *uri* of a job in *region* and *account*, which are empty if they aren't known.
    """

    def __init__(self, reader: Reader, uri: str, region: str, account: str) -> None:
        self.uri = uri
        self._reader = reader
        self._region = region
        self._account = account

    @cached_property
    def stored(self) -> Mapping[str, Any] | None:
        """
        Repository and id of the image; None if it isn't in this account's ECR of this region.
        """
        # A job may pull from ECR elsewhere, if a repository policy allows it; the caller's account
        # can't read what is there.
        parsed = parse_image(self.uri)
        if parsed is None:
            return None
        own_account = self._account in ("", parsed["account"])
        own_region = self._region in ("", parsed["region"])
        return parsed if own_account and own_region else None

    @cached_property
    def details(self) -> Mapping[str, Any] | None:
        """
        The image as ECR describes it: empty if it isn't there; None if it isn't in this account's
        ECR, or ECR may not be read.
        """
        if self.stored is None:
            return None
        call = Image.DESCRIBE(
            repositoryName=self.stored["repositoryName"], imageIds=[self.stored["id"]]
        )
        answer = self._reader.read(call) or {}
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
        call = MANIFEST(repositoryName=self.stored["repositoryName"], imageIds=[self.stored["id"]])
        answer = self._reader.read(call) or {}
        found = answer.get("images") or ()
        return str(found[0].get("imageManifest") or "") if found else ""


def parse_image(uri: str) -> dict[str, Any] | None:
    """
    The repository and id of an image that is in ECR, its account and region; None for other
    registries.
    """
    match = _ECR.fullmatch(uri)
    if match is None:
        return None
    name, _, digest = match["name"].partition("@")
    repository, _, tag = name.partition(":")
    id = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    place = {"account": match["account"], "region": match["region"]}
    return {"repositoryName": repository, "id": id, **place}


def registry(uri: str) -> str:
    """
    The registry of an image; a name without one is Docker Hub's.
    """
    # The first part is a host if it has a dot or a port: `me/app` is a user's image on Docker Hub.
    host, slash, _ = uri.partition("/")
    names_host = slash and ("." in host or ":" in host)
    return host if names_host else PUBLIC


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
