"""
Rules about the network: why a container can't get its image, or write its lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchkit._diagnose.facts import Facts
from batchkit._diagnose.finding import Found, Rule, rule
from batchkit._show.wiring import ANYWHERE

ENSURE: Final = "Run ensure_stack(spec) again (`batchkit up`): it puts the network back."
_UNREACHABLE: Final = (
    "`ResourceInitializationError: unable to pull secrets or registry auth` or "
    "`CannotPullContainerError ... i/o timeout`, and no log lines."
)


@rule(_UNREACHABLE, "A subnet of the compute environment isn't there any more.", ENSURE)
def subnet_missing(facts: Facts, self: Rule) -> Found:
    for id in facts.wiring.lost_subnets:
        yield self.found(f"Subnet {id}", "the compute environment uses it, and it isn't there.")


@rule(
    _UNREACHABLE,
    "The subnets of the job have no way out: the NAT gateway is gone, its route is a black hole "
    "or missing, or a public subnet's job has no public address; and there are no VPC endpoints "
    "instead.",
    ENSURE,
)
def no_way_out(facts: Facts, self: Rule) -> Found:
    for subnet in facts.wiring.subnets:
        fault = _fault(facts, subnet)
        if fault and facts.wiring.missing_endpoints:
            missing = ", ".join(facts.wiring.missing_endpoints)
            message = f"{fault}; nor are there VPC endpoints for {missing}."
            yield self.found(f"Subnet {subnet['SubnetId']}", message)


def _fault(facts: Facts, subnet: Mapping[str, Any]) -> str:
    """
    What is wrong with the way of a subnet to the internet; an empty text if nothing is.
    """
    route = facts.wiring.way_out(subnet)
    if route is None:
        return f"it has no route to {ANYWHERE}"
    gateway = route.get("NatGatewayId")
    if route.get("State") == "blackhole":
        return f"its route to {ANYWHERE} leads nowhere: {gateway or 'its gateway'} is gone"
    if gateway and facts.wiring.gateways.get(gateway, "deleted") != "available":
        return f"its NAT gateway {gateway} is {facts.wiring.gateways.get(gateway, 'gone')}"
    if str(route.get("GatewayId", "")).startswith("igw-") and not _public(facts):
        return "it leads to an internet gateway, and the job has no public address"
    return ""


def _public(facts: Facts) -> bool:
    network = facts.container.get("networkConfiguration") or {}
    return bool(network.get("assignPublicIp") == "ENABLED")


@rule(
    _UNREACHABLE,
    "The security groups of the compute environment let nothing out on port 443.",
    "Allow TCP 443 out of the group; ensure_stack(spec) (`batchkit up`) puts the stack's own rule "
    "back.",
)
def no_egress(facts: Facts, self: Rule) -> Found:
    groups = facts.wiring.groups
    if groups and not any(_lets_out(rule) for g in groups for rule in g["IpPermissionsEgress"]):
        names = ", ".join(group["GroupId"] for group in groups)
        yield self.found(f"SecurityGroup {names}", "it lets nothing out on port 443.")


def _lets_out(rule: Mapping[str, Any]) -> bool:
    protocol = rule.get("IpProtocol") in ("-1", "tcp", "6")
    low, high = rule.get("FromPort", 0), rule.get("ToPort", 65535)
    targets = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
    return protocol and low <= 443 <= high and any(rule.get(target) for target in targets)


RULES: Final = (subnet_missing, no_way_out, no_egress)
