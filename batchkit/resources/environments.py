"""
AWS Batch's compute environments of every family: where jobs run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from attrs import frozen

from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.environments_ec2 import Ec2Environment
from batchkit.resources.environments_fargate import FargateEnvironment
from batchkit.resources.environments_unmanaged import UnmanagedEnvironment

VARIANTS: Final[tuple[type[EnvironmentBase], ...]] = (
    FargateEnvironment,
    Ec2Environment,
    UnmanagedEnvironment,
)
"""Every variant of compute environment that can be made."""


@frozen(kw_only=True)
class ComputeEnvironment(EnvironmentBase):
    """
    A compute environment as Batch describes it; to make one, take one of the `VARIANTS`.
    """

    @classmethod
    def parse(cls, answer: Mapping[str, Any], stack: str = "") -> Any:
        """
        The environment as the variant that it is; that of an unknown family as itself.
        """
        # DescribeComputeEnvironments returns those of other tools as well, such as those of EKS.
        for variant in VARIANTS:
            if variant.described_by(answer):
                return variant.parse(answer, stack)
        return super().parse(answer, stack)

    @classmethod
    def described_by(cls, answer: Mapping[str, Any]) -> bool:
        return True

    @classmethod
    def fields_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def changes(self, drift: Collection[str]) -> dict[str, Any]:
        return {}
