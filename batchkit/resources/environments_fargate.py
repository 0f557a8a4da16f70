"""
Compute environments of Fargate, on demand or Spot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from batchkit._model.checks import a_bool, as_set, checked, each, whole
from batchkit._model.properties import named
from batchkit._model.users import Use
from batchkit._model.values import Ref
from batchkit.resources.ec2 import ID
from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.families import FARGATE, FARGATE_SPOT, Family


@frozen(kw_only=True)
class FargateEnvironment(EnvironmentBase):
    """
    A compute environment of Fargate in these subnets, with at most so many vCPUs at once.

    Args:
        spot: Whether its capacity is Spot.
        max_vcpus: vCPUs that all its running jobs may have together.
        subnets: Where the network interfaces of its jobs are.
        security_groups: The firewalls of those interfaces.
    """

    # With Fargate, AWS updates vCPUs, subnets and security groups in place, but not the type
    # (https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html).
    spot: bool = named(a_bool(), create_only=True, default=False)
    max_vcpus: int = checked(whole(1, 100_000), default=4)
    subnets: Sequence[str | Ref] = named(each(ID, least=1, most=16), to="Subnet", converter=as_set)
    security_groups: Sequence[str | Ref] = named(
        each(ID, least=1, most=5), to="SecurityGroup", converter=as_set
    )

    @property
    def family(self) -> Family:
        """
        The family that it belongs to.
        """
        return FARGATE_SPOT if self.spot else FARGATE

    def widened(self, actual: FargateEnvironment, at_work: Collection[Use]) -> FargateEnvironment:
        # A job that waits may need more vCPUs than there would be.
        return evolve(self, max_vcpus=max(self.max_vcpus, actual.max_vcpus))

    @classmethod
    def described_by(cls, answer: Mapping[str, Any]) -> bool:
        resources = answer.get("computeResources") or {}
        return resources.get("type") in (FARGATE.word, FARGATE_SPOT.word)

    @classmethod
    def fields_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        resources = answer.get("computeResources") or {}
        return {
            "spot": resources.get("type") == FARGATE_SPOT.word,
            "max_vcpus": resources.get("maxvCpus", 0),
            "subnets": resources.get("subnets", ()),
            "security_groups": resources.get("securityGroupIds", ()),
        }

    def request(self) -> dict[str, Any]:
        # With Fargate, AWS refuses what is for EC2, such as minvCpus and instanceRole
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html).
        resources = {
            "type": self.family.word,
            "maxvCpus": self.max_vcpus,
            "subnets": list(self.subnets),
            "securityGroupIds": list(self.security_groups),
        }
        return {"type": "MANAGED", "computeResources": resources}

    def changes(self, drift: Collection[str]) -> dict[str, Any]:
        # The update of a managed environment must name a compute resource, whatever it changes
        # (https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdateComputeEnvironment.html).
        changed: dict[str, Any] = {"maxvCpus": self.max_vcpus}
        if "subnets" in drift:
            changed["subnets"] = list(self.subnets)
        if "security_groups" in drift:
            changed["securityGroupIds"] = list(self.security_groups)
        return {"computeResources": changed}
