"""
The URI of a container image, taken apart and put together in one place.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve, frozen

DOCKER_HUB: Final = "docker.io"
"""The registry of an image whose URI names none."""
LATEST: Final = "latest"
"""The tag of an image whose URI has neither tag nor digest."""

_URI: Final = re.compile(r"[a-z0-9][\w.-]*(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
# A registry of ECR has a host name for IPv4, one for FIPS, and one for IPv4 and IPv6
# (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html); each partition has
# its own domain (botocore lists them in data/partitions.json).
_ECR_HOST: Final = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(amazonaws\.(com(\.cn)?|eu)|on\.(aws|amazonwebservices\.com\.cn)"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)
# GovCloud shares amazonaws.com with the commercial regions, so only the region tells them apart.
_PARTITIONS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}


@frozen
class EcrRegistry:
    """
    The private registry that an account has in a region.
    """

    account: str
    region: str

    @property
    def partition(self) -> str:
        """
        The partition of its ARNs.
        """
        found = (name for start, name in _PARTITIONS.items() if self.region.startswith(start))
        return next(found, "aws")


@frozen
class ImageUri:
    """
    The URI of an image: `registry/repository:tag@digest`, of which only the repository must be.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageUri:
        """
        The parts of *text*.

        As Docker has it, what stands before the first slash is a registry if it has a dot or a
        port, or is localhost (https://docs.docker.com/reference/cli/docker/image/tag/).
        """
        named, _, digest = text.partition("@")
        host, slash, rest = named.partition("/")
        is_host = bool(slash) and ("." in host or ":" in host or host == "localhost")
        registry, path = (host, rest) if is_host else ("", named)
        repository, _, tag = path.partition(":")
        return cls(registry, repository, tag, digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """
        The repository with its registry, as far as the URI names one.
        """
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def host(self) -> str:
        """
        The registry that it is pulled from.
        """
        return self.registry or DOCKER_HUB

    @property
    def explicit(self) -> ImageUri:
        """
        The same image with its tag written out, if it has neither tag nor digest.
        """
        return self if self.tag or self.digest else evolve(self, tag=LATEST)

    @property
    def ecr(self) -> EcrRegistry | None:
        """
        The registry in ECR; None if it is another's.
        """
        match = _ECR_HOST.fullmatch(self.registry)
        return EcrRegistry(match["account"], match["region"]) if match else None

    @property
    def image_id(self) -> dict[str, str]:
        """
        The image as the calls of ECR name it in its repository; a digest counts before a tag.
        """
        if self.digest:
            return {"imageDigest": self.digest}
        return {"imageTag": self.explicit.tag}


def is_image_uri(text: str) -> bool:
    """
    Whether *text* is the well-formed URI of an image.
    """
    return _URI.fullmatch(text) is not None
