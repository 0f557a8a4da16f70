"""
Which instance types have room for a job, and in which zones they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import boto3
from attrs import frozen

from batchkit._engine.aws import Aws
from batchkit._model.calls import Operation
from batchkit._model.options import check_options
from batchkit.clock import Clock
from batchkit.compute.instance_types import needs_own_ami
from batchkit.errors import SpecError
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.platforms import EC2

TYPES: Final = Operation("ec2", "DescribeInstanceTypes")
OFFERED: Final = Operation("ec2", "DescribeInstanceTypeOfferings")
_ARCHITECTURES: Final = {"x86_64": "X86_64", "arm64": "ARM64"}
_AT_ONCE: Final = 200
"""Values that a filter of EC2 may have."""


def room(memory: int) -> int:
    """
    MiB of an instance that jobs can have for certain.

    The kernel, the system and the agent take the rest, and an instance registers no more than it
    has left (https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html).
    """
    return int(memory * 0.93) - 64


@frozen
class InstanceType:
    """
    An instance type of a region.

    Args:
        memory: MiB that a job can have for certain; the system takes a part of the instance's.
        zones: The availability zones in which it is offered.
    """

    name: str
    vcpus: int
    memory: int
    gpus: int
    architecture: str
    zones: tuple[str, ...] = ()

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> InstanceType:
        """
        The type that one item of DescribeInstanceTypes describes.
        """
        gpus = (answer.get("GpuInfo") or {}).get("Gpus", ())
        known = (_ARCHITECTURES.get(a) for a in answer["ProcessorInfo"]["SupportedArchitectures"])
        return cls(
            name=answer["InstanceType"],
            vcpus=answer["VCpuInfo"]["DefaultVCpus"],
            memory=room(answer["MemoryInfo"]["SizeInMiB"]),
            gpus=sum(one.get("Count", 0) for one in gpus if one.get("Manufacturer") == "NVIDIA"),
            architecture=next((one for one in known if one), ""),
        )

    def holds(self, job: JobSettings) -> bool:
        """
        Whether *job* fits on it.
        """
        fits = self.vcpus >= job.vcpus and self.memory >= job.memory and self.gpus >= job.gpus
        return fits and self.architecture == job.architecture

    def __str__(self) -> str:
        gpus = f", {self.gpus} GPUs" if self.gpus else ""
        return f"{self.name}: {self.vcpus} vCPUs, {self.memory} MiB{gpus}; {', '.join(self.zones)}"


def instance_types(
    *,
    vcpus: int = 1,
    memory: int = 2048,
    gpus: int = 0,
    architecture: str = "X86_64",
    session: boto3.Session | None = None,
    clock: Clock | None = None,
) -> list[InstanceType]:
    """
    The instance types of the region that have room for a job, the smallest first.

    Those with GPUs are among them only if the job has *gpus*, and if Batch has an AMI for them.

    Raises:
        SpecError: No job can be like that.
    """
    check_options("instance_types", session=session, clock=clock)
    job = JobSettings(vcpus=vcpus, memory=memory, gpus=gpus, architecture=architecture)
    if problems := list(EC2.problems(job)):
        raise SpecError("job", problems)
    aws = Aws(session, clock)
    fitting = [one for one in described(aws) if one.holds(job) and bool(one.gpus) == bool(gpus)]
    usual = [one for one in fitting if ".metal" not in one.name and not needs_own_ami(one.name)]
    placed = [one for one in with_zones(aws, usual) if one.zones]
    return sorted(placed, key=lambda one: (one.gpus, one.vcpus, one.memory, one.name))


def described(aws: Aws, patterns: Iterable[str] = ()) -> list[InstanceType]:
    """
    The types of the region whose names one of *patterns* matches; all without any.
    """
    named = [{"Name": "instance-type", "Values": [*patterns]}]
    asked = {"Filters": named} if named[0]["Values"] else {}
    return [InstanceType.parse(one) for one in aws.call(TYPES(**asked))["InstanceTypes"]]


def with_zones(aws: Aws, types: Iterable[InstanceType]) -> Iterator[InstanceType]:
    """
    The same types with the zones in which they are offered.
    """
    held = [*types]
    zones: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(held), _AT_ONCE):
        names = [one.name for one in held[start : start + _AT_ONCE]]
        filters = [{"Name": "instance-type", "Values": names}]
        call = OFFERED(LocationType="availability-zone", Filters=filters)
        for offer in aws.call(call)["InstanceTypeOfferings"]:
            zones[offer["InstanceType"]].append(offer["Location"])
    for one in held:
        yield InstanceType(
            one.name,
            one.vcpus,
            one.memory,
            one.gpus,
            one.architecture,
            tuple(sorted(zones[one.name])),
        )
