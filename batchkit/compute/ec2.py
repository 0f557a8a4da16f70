"""
EC2: instances that Batch starts for jobs, and ends when none is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from attrs import frozen

from batchkit._model.checks import a_bool, as_tuple, checked, each, optional, whole
from batchkit._parts import EVERY_TASK, Demand, Ground, Place, Site
from batchkit.compute import instance_types as _types
from batchkit.compute.base import Compute
from batchkit.errors import Problem
from batchkit.networks.nat import Nat
from batchkit.resources import platforms as _platforms
from batchkit.resources.environments_ec2 import AMI, KEEP_MINUTES, KEY_PAIR, TYPE, Ec2Environment
from batchkit.resources.iam import Role
from batchkit.resources.instance_profile import InstanceProfile
from batchkit.resources.job_settings import JobSettings
from batchkit.resources.launch_template import DISK, USER_DATA, LaunchTemplate

INSTANCE_POLICY: Final = "AmazonEC2ContainerServiceforEC2Role"
"""
What the agent of ECS on an instance may do
(https://docs.aws.amazon.com/batch/latest/userguide/instance_IAM_role.html).
"""


def _not_too_many(compute: Any) -> Iterator[Problem]:
    """
    No more is kept than there may be.
    """
    if compute.min_vcpus > compute.max_vcpus:
        expects = f"at most max_vcpus, which is {compute.max_vcpus}"
        yield Problem("min_vcpus", compute.min_vcpus, expects)


def _alike(compute: Any) -> Iterator[Problem]:
    """
    All types have one architecture, and each has an AMI.
    """
    types = compute.types or ()
    # https://docs.aws.amazon.com/batch/latest/userguide/create-compute-environment.html
    if len({_types.architecture(one) for one in types}) > 1:
        yield Problem("types", list(types), "types of one architecture")
    bare = [one for one in types if _types.needs_own_ami(one)]
    if bare and compute.ami is None:
        yield Problem("types", bare, "other types, or ami=...: Batch has no AMI for their GPUs")


@frozen(kw_only=True)
class Ec2(Compute):
    """
    Instances of EC2, on demand or with Spot capacity tried first.

    A change of all but min_vcpus, max_vcpus and keep_minutes makes another compute environment
    beside the old one, which goes once its jobs have ended.

    Args:
        types: Instance types such as "m6i.large", or families such as "m6i", of one architecture.
            None for Batch's own choice, or for "g4dn", "g5" and "g6" if jobs have GPUs.
        spot: Whether Spot capacity is tried first; jobs that it can't hold run on demand.
        min_vcpus: vCPUs of the instances that are kept while no job runs; they cost all the time.
        max_vcpus: vCPUs that all instances may have together.
        disk: GiB of an instance's disk, which holds images and containers; None for the AMI's 30.
        keep_minutes: How long an instance stays after its last job; None for Batch's own choice.
        ami: An AMI with the agent of ECS, in place of the one that Batch takes.
        key_pair: The name of a key pair for SSH.
        user_data: A shell script, or a MIME multipart archive, for the first start of an instance.
    """

    KIND: ClassVar = "ec2"
    PLATFORM: ClassVar = _platforms.EC2
    NETWORK: ClassVar = Nat
    RULES = (_not_too_many, _alike)

    types: Sequence[str] | None = checked(
        optional(each(TYPE, least=1)), default=None, converter=as_tuple
    )
    spot: bool = checked(a_bool(), default=False)
    min_vcpus: int = checked(whole(0, 100_000), default=0)
    max_vcpus: int = checked(whole(1, 100_000), default=16)
    disk: int | None = checked(optional(DISK), default=None)
    keep_minutes: int | None = checked(optional(KEEP_MINUTES), default=None)
    ami: str | None = checked(optional(AMI), default=None)
    key_pair: str | None = checked(optional(KEY_PAIR), default=None)
    user_data: str | None = checked(optional(USER_DATA), default=None)

    def problems_with(self, job: Any) -> Iterator[Problem]:
        yield from super().problems_with(job)
        if self.max_vcpus < job.vcpus:
            expects = f"at least vcpus, which is {job.vcpus:g}"
            yield Problem("compute.max_vcpus", self.max_vcpus, expects)
        types = self._types_for(job)
        if _types.architecture(types[0]) != job.architecture:
            expects = f"types of the job's architecture, which is {job.architecture}"
            yield Problem("compute.types", list(types), expects)
        # In an environment that has other types too, Batch may never place a job with GPUs
        # (https://docs.aws.amazon.com/batch/latest/userguide/gpu-jobs.html).
        elif job.gpus and (without := [one for one in types if not _types.has_gpus(one)]):
            yield Problem(
                "compute.types", without, "types with GPUs of NVIDIA, as the job has gpus"
            )

    def demand(self, jobs: Sequence[JobSettings]) -> Demand:
        # Jobs share the network of their instance, of which each has one or more.
        smallest = min(job.vcpus for job in jobs)
        return Demand(EVERY_TASK, int(self.max_vcpus / smallest))

    def place(self, ground: Ground, site: Site, jobs: Sequence[JobSettings]) -> Place:
        role = ground.role("instance", "ec2", None, INSTANCE_POLICY)
        profile = profile_of(ground, role)
        template = self._template(ground)
        environments = [
            Ec2Environment.suffixed(
                ground.name(self.KIND),
                spot=spot,
                subnets=site.subnets,
                security_groups=site.groups,
                instance_profile=profile.arn,
                launch_template=template.id if template else None,
                instance_tags=ground.tags,
                **self._instances(jobs),
                **ground.common,
            )
            for spot in ((True, False) if self.spot else (False,))
        ]
        return Place(environments, [role, profile, *([template] if template else [])])

    def _types_for(self, job: Any) -> Sequence[str]:
        return self.types or _types.usual(job.architecture, job.gpus)

    def _instances(self, jobs: Sequence[JobSettings]) -> dict[str, Any]:
        """
        What its instances are like, whatever their market.
        """
        types = dict.fromkeys(one for job in jobs for one in self._types_for(job))
        nvidia = all(map(_types.has_gpus, types))
        return {
            "types": list(types),
            "min_vcpus": self.min_vcpus,
            "max_vcpus": self.max_vcpus,
            "keep_minutes": self.keep_minutes,
            "image_type": "ECS_AL2023_NVIDIA" if nvidia else "ECS_AL2023",
            "ami": self.ami,
            "key_pair": self.key_pair,
        }

    def _template(self, ground: Ground) -> LaunchTemplate | None:
        # The AMIs of Batch ask for version 2 of the metadata service by themselves.
        if self.disk is None and self.user_data is None and self.ami is None:
            return None
        return LaunchTemplate.suffixed(
            ground.name("template"), disk=self.disk, user_data=self.user_data, **ground.common
        )


def profile_of(ground: Ground, role: Role) -> InstanceProfile:
    """
    The profile by which instances act as *role*.
    """
    return InstanceProfile(
        name=role.name, role=role.name, depends_on=(role.exists,), **ground.common
    )
