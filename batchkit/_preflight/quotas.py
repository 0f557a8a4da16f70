"""
The quotas that a new stack must have room in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from batchkit._diagnosis.finding import Finding, Severity
from batchkit._preflight.facts import PreflightFacts, finding
from batchkit.resources.environments_fargate import FargateEnvironment
from batchkit.resources.gateways import ElasticIp, NatGateway
from batchkit.resources.vpc import Subnet, Vpc

_VPCS: Final = ("vpc", "L-F678F1CE")
_NATS: Final = ("vpc", "L-FE5A380F")
_ADDRESSES: Final = ("ec2", "L-0263D0A3")
_USED_UP: Final = "Delete one, or ask for more in the Service Quotas console."


def network_quotas(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account may have another VPC, another address and the stack's NAT gateways.
    """
    if not facts.fresh:
        return
    used = (
        ("VPCs", _VPCS, Vpc.DESCRIBE(), "Vpcs"),
        ("elastic IP addresses", _ADDRESSES, ElasticIp.DESCRIBE(), "Addresses"),
    )
    for what, quota, call, key in used:
        yield from _used_up(facts, what, quota, len(facts.aws.call(call)[key]))
    yield from _nat_gateways(facts)


def _nat_gateways(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The availability zones that have no room for the stack's NAT gateways.
    """
    # The quota holds for each zone, and counts those that are pending, active or being deleted
    # (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
    if not facts.nat_zones:
        return
    subnets = facts.aws.call(Subnet.DESCRIBE())["Subnets"]
    zone_of = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
    counted = ("pending", "available", "deleting")
    gateways = facts.aws.call(NatGateway.DESCRIBE())["NatGateways"]
    there = [zone_of.get(one.get("SubnetId")) for one in gateways if one.get("State") in counted]
    for zone in facts.nat_zones:
        yield from _used_up(facts, f"NAT gateways in {zone}", _NATS, there.count(zone))


def _used_up(
    facts: PreflightFacts, what: str, quota: tuple[str, str], has: int
) -> Iterator[Finding]:
    most = facts.quota(*quota)
    if most is not None and has + 1 > most:
        yield finding(f"quota {quota[1]}", f"{has} of {most:g} {what} are in use.", _USED_UP)


def fargate_quota(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The account may run as many vCPUs as a job, and as all of them together, may have.
    """
    for environment in facts.desired(FargateEnvironment):
        if environment.family.quota is not None and not environment.family.spot:
            yield from _too_many_vcpus(facts, environment, *environment.family.quota)


def _too_many_vcpus(
    facts: PreflightFacts, environment: FargateEnvironment, service: str, code: str
) -> Iterator[Finding]:
    most = facts.quota(service, code)
    if most is None:
        return
    for what, desired, severity in (
        ("vcpus", facts.spec.vcpus, Severity.ERROR),
        ("compute.max_vcpus", environment.max_vcpus, Severity.WARNING),
    ):
        if desired > most:
            message = f"the account may run {most:g} Fargate vCPUs at once; {what} is {desired:g}."
            fix = f"Lower {what}, or ask for more in the Service Quotas console."
            yield finding(f"quota {code}", message, fix, severity)
            return
