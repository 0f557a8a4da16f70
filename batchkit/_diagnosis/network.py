"""
What is wrong with the network of a job: places that are gone, and ways that lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.wiring import ANYWHERE, ENDPOINTS
from batchkit._model.calls import Operation
from batchkit._model.image_uri import ImageUri
from batchkit.resources.gateways import NatGateway
from batchkit.resources.routes import RouteTable
from batchkit.resources.vpc import SecurityGroup, Subnet

_WITHIN: Final = [
    IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]
_HTTPS: Final = 443


def lost_subnets(facts: JobFacts) -> Iterator[tuple[Mapping[str, Any], str]]:
    """
    The subnets that aren't there any more, with the compute environments that use them.
    """
    there = [one["SubnetId"] for one in facts.wiring.subnets]
    yield from _lost(facts, Subnet.DESCRIBE, "subnets", there)


def lost_groups(facts: JobFacts) -> Iterator[tuple[Mapping[str, Any], str]]:
    """
    Likewise, the security groups.
    """
    there = [one["GroupId"] for one in facts.wiring.groups]
    yield from _lost(facts, SecurityGroup.DESCRIBE, "securityGroupIds", there)


def _lost(
    facts: JobFacts, operation: Operation, key: str, there: list[str]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for one in facts.hosting_environments if facts.readable(operation) else ():
        said = one.get("statusReason") or "" if one["status"] == "INVALID" else ""
        for id in one.get("computeResources", {}).get(key, ()):
            if id not in there and id not in said:
                yield one, id


def route_problem(facts: JobFacts, subnet: Mapping[str, Any]) -> str:
    """
    What is wrong with the way of a subnet to the internet; an empty text if nothing is.
    """
    route = facts.wiring.way_out(subnet)
    if route is None:
        return f"it has no route to {ANYWHERE}" if facts.readable(RouteTable.DESCRIBE) else ""
    gateway = route.get("NatGatewayId")
    if route.get("State") == "blackhole":
        return f"its route to {ANYWHERE} leads nowhere: {gateway or 'its gateway'} is gone"
    state = facts.wiring.gateways.get(gateway or "", "gone")
    if gateway and facts.readable(NatGateway.DESCRIBE):
        bad = f"its NAT gateway {gateway} is {state}"
        return bad if state != "available" else _beyond(facts, gateway)
    if str(route.get("GatewayId", "")).startswith("igw-") and not _public(facts):
        return "it leads to an internet gateway, and the job has no public address"
    return ""


def _beyond(facts: JobFacts, gateway: str) -> str:
    """
    What is wrong with the way out of the subnet that a NAT gateway is in.
    """
    actual = (facts.reader(NatGateway.DESCRIBE(NatGatewayIds=[gateway])) or {}).get(
        "NatGateways", ()
    )
    subnets = [one for one in actual if one.get("SubnetId")]
    for one in subnets if facts.readable(RouteTable.DESCRIBE) else ():
        route = facts.wiring.way_out(one)
        if route is None or route.get("State") == "blackhole":
            return f"its NAT gateway {gateway} has no way out of {one['SubnetId']} itself"
    return ""


def _public(facts: JobFacts) -> bool:
    network = facts.container.get("networkConfiguration") or {}
    return bool(network.get("assignPublicIp") == "ENABLED")


def without_internet(facts: JobFacts, subnet: Mapping[str, Any]) -> str:
    """
    Why a job can't do without the internet in a subnet; an empty text if it can.
    """
    if facts.uri and facts.stored is None:
        return f"VPC endpoints don't lead to {ImageUri.parse(facts.uri).host}"
    actual = _endpoints(facts, subnet)
    if not facts.readable(ENDPOINTS):
        return "whether there are VPC endpoints instead could not be looked at"
    missing = [one for one in _needed(facts) if not any(name.endswith(one) for name in actual)]
    names = ", ".join(name.lstrip(".") for name in missing)
    return f"nor are there VPC endpoints for {names}" if missing else ""


def _needed(facts: JobFacts) -> list[str]:
    """
    The ends of the names of the endpoints that a job without the internet needs.
    """
    driver = (facts.container.get("logConfiguration") or {}).get("logDriver", "awslogs")
    secrets = [one["valueFrom"] for one in facts.container.get("secrets") or ()]
    managers = ["secretsmanager" if ":secretsmanager:" in one else "ssm" for one in secrets]
    logs = ["logs"] if driver == "awslogs" else []
    needed = ["ecr.api", "ecr.dkr", *logs, *dict.fromkeys(managers), "s3"]
    return [f".{name}" for name in needed]


def _endpoints(facts: JobFacts, subnet: Mapping[str, Any]) -> list[str]:
    """
    The services that have an endpoint for a subnet: of the VPC, or in its own route table.
    """
    filters = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    answer = facts.reader(ENDPOINTS(Filters=filters)) or {}
    table = _table(facts, subnet)
    return [
        one["ServiceName"]
        for one in answer.get("VpcEndpoints", ())
        if one.get("State", "available").lower() == "available"
        and (one.get("VpcEndpointType") != "Gateway" or table in one.get("RouteTableIds", ()))
    ]


def _table(facts: JobFacts, subnet: Mapping[str, Any]) -> str:
    own, main = "", ""
    for table in facts.wiring.tables:
        for one in table.get("Associations", ()):
            if one.get("SubnetId") == subnet["SubnetId"]:
                own = table.get("RouteTableId", "")
            elif one.get("Main") and table["VpcId"] == subnet["VpcId"]:
                main = table.get("RouteTableId", "")
    return own or main


def egress_blocked(facts: JobFacts, environment: Mapping[str, Any]) -> tuple[list[str], str]:
    """
    The security groups of a compute environment, and what is wrong with what they let out.
    """
    ids = environment.get("computeResources", {}).get("securityGroupIds", ())
    groups = [one for one in facts.wiring.groups if one["GroupId"] in ids]
    rules = [rule for group in groups for rule in group["IpPermissionsEgress"]]
    open_ = [rule for rule in rules if _https(rule)]
    if not groups or any(_far(rule) for rule in open_):
        return [], ""
    names = [group["GroupId"] for group in groups]
    if not any(_near(rule) for rule in open_):
        return names, f"it lets nothing out on port {_HTTPS}"
    nets = ", ".join(sorted(net["CidrIp"] for rule in open_ for net in rule.get("IpRanges", ())))
    environments = environment.get("computeResources", {}).get("subnets", ())
    bound = [one for one in facts.wiring.subnets if one["SubnetId"] in environments]
    if any(without_internet(facts, subnet) for subnet in bound):
        return names, f"it lets port {_HTTPS} out only to {nets or 'other groups'}"
    return [], ""


def _https(rule: Mapping[str, Any]) -> bool:
    low, high = rule.get("FromPort", 0), rule.get("ToPort", 65535)
    return rule.get("IpProtocol") in ("-1", "tcp", "6") and low <= _HTTPS <= high


def _far(rule: Mapping[str, Any]) -> bool:
    nets = [IPv4Network(one["CidrIp"], strict=False) for one in rule.get("IpRanges", ())]
    # What a prefix list holds isn't known here.
    outside = any(not any(net.subnet_of(own) for own in _WITHIN) for net in nets)
    return outside or bool(rule.get("PrefixListIds"))


def _near(rule: Mapping[str, Any]) -> bool:
    return any(rule.get(to) for to in ("IpRanges", "UserIdGroupPairs"))
