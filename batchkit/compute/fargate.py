"""
Fargate: containers without servers of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from attrs import frozen

from batchkit._model.checks import a_bool, checked, one_of, whole
from batchkit._parts import EVERY_TASK, Demand, Ground, Place, Site
from batchkit.compute.base import Compute
from batchkit.errors import Problem
from batchkit.networks.nat import Nat
from batchkit.resources import platforms as _platforms
from batchkit.resources.environments_fargate import FargateEnvironment
from batchkit.resources.job_settings import JobSettings


@frozen(kw_only=True)
class Fargate(Compute):
    """
    Fargate, on demand or with Spot capacity tried first.

    Args:
        spot: Whether Spot capacity is tried first; jobs that it can't hold run on demand.
        max_vcpus: vCPUs that all running jobs may have together.  A new account has 6 at first.
        service_role: "dedicated" makes a role for Batch; "linked" uses the service-linked one.
    """

    KIND: ClassVar = "fargate"
    PLATFORM: ClassVar = _platforms.FARGATE
    NETWORK: ClassVar = Nat

    spot: bool = checked(a_bool(), default=False)
    max_vcpus: int = checked(whole(1, 100_000), default=4)
    service_role: str = checked(one_of("dedicated", "linked"), default="dedicated")

    def problems_with(self, job: Any) -> Iterator[Problem]:
        yield from super().problems_with(job)
        if self.max_vcpus < job.vcpus:
            expects = f"at least vcpus, which is {job.vcpus:g}"
            yield Problem("compute.max_vcpus", self.max_vcpus, expects)

    def demand(self, jobs: Sequence[JobSettings]) -> Demand:
        secrets = {arn.split(":")[2] for job in jobs for arn in job.secrets.values()}
        smallest = min(job.vcpus for job in jobs)
        return Demand(EVERY_TASK | secrets, int(self.max_vcpus / smallest))

    def place(self, ground: Ground, site: Site, jobs: Sequence[JobSettings]) -> Place:
        dedicated = self.service_role == "dedicated"
        role = ground.role("batch", "batch", None, "AWSBatchServiceRole") if dedicated else None
        environments = [
            FargateEnvironment.suffixed(
                ground.name(self.KIND),
                spot=spot,
                max_vcpus=self.max_vcpus,
                subnets=site.subnets,
                security_groups=site.groups,
                service_role=role.arn if role else None,
                **ground.common,
            )
            for spot in ((True, False) if self.spot else (False,))
        ]
        return Place(environments, [role] if role else [])
