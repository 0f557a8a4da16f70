"""
What the checks before a stack is made are based on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from batchkit._blueprint.blueprint import resources
from batchkit._diagnosis.finding import Finding, Severity
from batchkit._diagnosis.queues import QUOTA
from batchkit._engine.aws import Aws
from batchkit._model.resource import Resource
from batchkit._model.tags import of_stack
from batchkit.resources.gateways import NatGateway
from batchkit.resources.vpc import Subnet, Vpc
from batchkit.spec import StackSpec

R = TypeVar("R", bound=Resource)


class PreflightFacts:
    """
    A spec, the account that it is for, and what is read there.
    """

    def __init__(self, aws: Aws, spec: StackSpec) -> None:
        self.aws = aws
        self.spec = spec

    @cached_property
    def resources(self) -> list[Any]:
        """
        The resources of the spec.
        """
        return resources(self.spec, self.aws.region)

    def desired(self, resource_type: type[R]) -> list[R]:
        """
        The resources of the spec that are of one type.
        """
        return [one for one in self.resources if isinstance(one, resource_type)]

    @cached_property
    def fresh(self) -> bool:
        """
        Whether the stack has no network yet.
        """
        return not self.aws.call(Vpc.DESCRIBE(Filters=of_stack(self.spec.name)))["Vpcs"]

    @cached_property
    def nat_zones(self) -> list[str]:
        """
        The availability zones of the NAT gateways that the spec amounts to.
        """
        zones = {one.id: one.zone for one in self.desired(Subnet)}
        wanted = {zones[one.subnet] for one in self.desired(NatGateway) if one.subnet in zones}
        return sorted(self.aws.zones.find(one).name for one in wanted)

    def quota(self, service: str, code: str) -> float | None:
        """
        The value of a quota, or None.
        """
        answer = self.aws.call(QUOTA(ServiceCode=service, QuotaCode=code))
        return float(answer["Quota"]["Value"]) if answer else None


Check = Callable[[PreflightFacts], Iterator[Finding]]


def finding(subject: str, message: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    """
    A finding of the preflight.
    """
    return Finding(severity, subject, message, fix, "preflight")
