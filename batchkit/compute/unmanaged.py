"""
Unmanaged: instances that their owner starts, and that join the cluster of the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen

from batchkit._parts import EVERY_TASK, Demand, Ground, Place, Site
from batchkit.compute.base import Compute
from batchkit.compute.ec2 import INSTANCE_POLICY, profile_of
from batchkit.resources import platforms as _platforms
from batchkit.resources.environments_unmanaged import UnmanagedEnvironment
from batchkit.resources.job_settings import JobSettings


@frozen(kw_only=True)
class Unmanaged(Compute):
    """
    Instances of one's own: Batch places jobs on those that have joined the stack's ECS cluster, and
    starts none.

    `Stack.joining` has what an instance needs for that.  There is no network: the instances are
    wherever they were started.
    """

    KIND: ClassVar = "unmanaged"
    PLATFORM: ClassVar = _platforms.EC2
    NETWORK: ClassVar = None

    def demand(self, jobs: Sequence[JobSettings]) -> Demand:
        return Demand(EVERY_TASK, 0)

    def place(self, ground: Ground, site: Site, jobs: Sequence[JobSettings]) -> Place:
        # Batch demands a role here, and doesn't take its service-linked one
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html).
        service = ground.role("batch", "batch", None, "AWSBatchServiceRole")
        role = ground.role("instance", "ec2", None, INSTANCE_POLICY)
        environment: Any = UnmanagedEnvironment.suffixed(
            ground.name(self.KIND), service_role=service.arn, **ground.common
        )
        return Place([environment], [service, role, profile_of(ground, role)])
