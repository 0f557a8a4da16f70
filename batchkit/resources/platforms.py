"""
What a job definition may and must say, by the platform that its jobs run on.

A `Platform` is one of AWS's `platformCapabilities`.  An `Envelope` says under which key the
container is in a request, and in an answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit.errors import Problem


@frozen
class Envelope:
    """
    Under which keys the container of a job is.

    Args:
        type: The type of the job definition.
        defined: The parameter of RegisterJobDefinition, and the key in DescribeJobDefinitions.
        described: The key in DescribeJobs.
        overridden: The parameter of SubmitJob.
    """

    type: str
    defined: str
    described: str
    overridden: str

    def define(self, container: Mapping[str, Any]) -> dict[str, Any]:
        """
        The parameters of RegisterJobDefinition that hold *container*.
        """
        return {"type": self.type, self.defined: container}

    def override(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """
        The parameters of SubmitJob that change the container.
        """
        return {self.overridden: changes}


CONTAINER: Final = Envelope("container", "containerProperties", "container", "containerOverrides")
ENVELOPES: Final = (CONTAINER,)


def container_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    The container in Batch's description of a job definition or a job; empty if there is none.
    """
    for envelope in ENVELOPES:
        for key in (envelope.defined, envelope.described):
            if answer.get(key):
                return dict(answer[key])
    return {}


class Platform(ABC):
    """
    What a job definition for one platform may and must say.
    """

    WORD: ClassVar[str]
    """The platform capability."""
    NOT_RETURNED: ClassVar[frozenset[str]] = frozenset()
    """The properties that Batch doesn't return for it, so that they are not compared."""

    @abstractmethod
    def problems(self, job: Any) -> Iterator[Problem]:
        """
        What is wrong with the settings of *job* on this platform.
        """

    @abstractmethod
    def container(self, definition: Any) -> dict[str, Any]:
        """
        The container properties that only this platform takes.
        """

    @abstractmethod
    def read(self, container: Mapping[str, Any]) -> dict[str, Any]:
        """
        The fields of a job definition that those properties give, with AWS's defaults in place.
        """

    def envelope(self, job: Any) -> Envelope:
        """
        Under which keys the container of *job* is.
        """
        return CONTAINER


FARGATE_MEMORY: Final[Mapping[float, tuple[int, ...]]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16384 + 1, 1024)),
    4: tuple(range(8192, 30720 + 1, 1024)),
    8: tuple(range(16384, 61440 + 1, 4096)),
    16: tuple(range(32768, 122880 + 1, 8192)),
    32: (61440, 122880, 249856),
}
"""
MiB that Fargate has for each number of vCPUs
(https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html).
"""


class FargatePlatform(Platform):
    """
    Fargate: fixed sizes, an architecture and a network address in the definition.
    """

    WORD = "FARGATE"

    def problems(self, job: Any) -> Iterator[Problem]:
        # RegisterJobDefinition refuses every other pair:
        # "Fargate resource requirements (0.50 vCPU, 1 MiB) not valid."
        sizes = FARGATE_MEMORY.get(job.vcpus)
        if sizes is None:
            expects = "one of " + ", ".join(f"{vcpus:g}" for vcpus in FARGATE_MEMORY)
            yield Problem("vcpus", job.vcpus, expects)
        elif job.memory not in sizes:
            yield Problem("memory", job.memory, _memory_in_words(job.vcpus, sizes))
        if job.gpus:
            yield Problem(
                "gpus", job.gpus, "0 on Fargate; instances with GPUs are in compute=Ec2()"
            )

    def container(self, definition: Any) -> dict[str, Any]:
        # AWS refuses these on EC2 ("networkConfiguration not applicable for EC2."), so they belong
        # to the platform.  Fargate has 20 GiB of storage; only more may be asked for
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html).
        storage = definition.ephemeral_storage
        public = "ENABLED" if definition.public_ip else "DISABLED"
        return {
            "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
            "networkConfiguration": {"assignPublicIp": public},
            "runtimePlatform": {
                "operatingSystemFamily": "LINUX",
                "cpuArchitecture": definition.architecture,
            },
            **({"ephemeralStorage": {"sizeInGiB": storage}} if storage else {}),
        }

    def read(self, container: Mapping[str, Any]) -> dict[str, Any]:
        network = container.get("networkConfiguration") or {}
        # What was left out at the registration isn't returned: then X86_64 and DISABLED hold.
        runtime = container.get("runtimePlatform") or {}
        return {
            "architecture": runtime.get("cpuArchitecture") or "X86_64",
            "ephemeral_storage": (container.get("ephemeralStorage") or {}).get("sizeInGiB"),
            "public_ip": network.get("assignPublicIp") == "ENABLED",
        }


def _memory_in_words(vcpus: float, sizes: tuple[int, ...]) -> str:
    if len(sizes) > 3:
        step = sizes[1] - sizes[0]
        return f"with {vcpus:g} vCPU: {sizes[0]} to {sizes[-1]} MiB, in steps of {step}"
    return f"with {vcpus:g} vCPU: {', '.join(map(str, sizes))} MiB"


class Ec2Platform(Platform):
    """
    EC2: any size that an instance has room for; the architecture and the disk are the instance's.
    """

    WORD = "EC2"
    NOT_RETURNED = frozenset({"architecture", "public_ip"})

    def problems(self, job: Any) -> Iterator[Problem]:
        # "vCPU must be at least 1": a container has whole ones
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html).
        if job.vcpus != int(job.vcpus):
            yield Problem("vcpus", job.vcpus, "a whole number of vCPUs on EC2, of at least 1")
        if job.memory < 4:
            yield Problem("memory", job.memory, "at least 4 MiB on EC2")
        if job.ephemeral_storage is not None:
            expects = "None on EC2; Ec2(disk=...) is the disk of an instance, which jobs share"
            yield Problem("ephemeral_storage", job.ephemeral_storage, expects)

    def container(self, definition: Any) -> dict[str, Any]:
        return {}

    def read(self, container: Mapping[str, Any]) -> dict[str, Any]:
        return {"architecture": "X86_64", "ephemeral_storage": None, "public_ip": False}


FARGATE: Final = FargatePlatform()
EC2: Final = Ec2Platform()
PLATFORMS: Final[Mapping[str, Platform]] = {platform.WORD: platform for platform in (FARGATE, EC2)}
"""Every platform, by its capability."""


def platform_of(answer: Mapping[str, Any]) -> Platform:
    """
    The platform of a job definition as Batch describes it; Fargate for one that isn't known.
    """
    words = answer.get("platformCapabilities") or (FARGATE.WORD,)
    return next((PLATFORMS[word] for word in words if word in PLATFORMS), FARGATE)
