"""
Compute environments whose instances their owner starts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen

from batchkit._model.properties import read_only
from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.families import UNMANAGED, Family


@frozen(kw_only=True)
class UnmanagedEnvironment(EnvironmentBase):
    """
    A compute environment that consists of the instances that have joined its ECS *cluster*.

    It needs a `service_role`: Batch doesn't take its service-linked one here.
    """

    cluster: str = read_only()

    @property
    def family(self) -> Family:
        """
        The family that it belongs to.
        """
        return UNMANAGED

    @classmethod
    def described_by(cls, answer: Mapping[str, Any]) -> bool:
        ours = answer.get("type") == UNMANAGED.word
        return ours and not answer.get("eksConfiguration")

    @classmethod
    def fields_of(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {"cluster": answer.get("ecsClusterArn", "")}

    def request(self) -> dict[str, Any]:
        return {"type": UNMANAGED.word}

    def changes(self, drift: Collection[str]) -> dict[str, Any]:
        return {}
