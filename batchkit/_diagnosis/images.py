"""
What the URI and the manifest of an image tell.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_ECR: Final = re.compile(
    r"(?P<account>\d+)\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(\.cn)?/(?P<name>.+)"
)
PUBLIC: Final = "docker.io"


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
    host, slash, _ = uri.partition("/")
    return host if slash and ("." in host or ":" in host) else PUBLIC


def platforms(manifest: str) -> set[str]:
    """
    The machines that the images of an index are for; empty if it is a single image's manifest.
    """
    try:
        listed: Any = json.loads(manifest or "{}").get("manifests", ())
    except (ValueError, AttributeError):
        return set()
    machines = {(one.get("platform") or {}).get("architecture", "") for one in listed}
    return machines - {"", "unknown"}
