"""
What is wrong with the network of a job: subnets and groups that are gone, routes that lead nowhere,
and what security groups block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.wiring import ANYWHERE, ENDPOINTS
from batchkit._model.calls import Operation
from batchkit.resources.families import family_of
from batchkit.resources.gateways import NatGateway
from batchkit.resources.routes import RouteTable
from batchkit.resources.security_group import SecurityGroup
from batchkit.resources.vpc import Subnet

_PRIVATE: Final = tuple(
    IPv4Network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_HTTPS: Final = 443


def lost_subnets(facts: JobFacts) -> Iterator[tuple[Mapping[str, Any], str]]:
    """
    The subnets that aren't there any more, with the compute environments that use them.
    """
    existing = [subnet["SubnetId"] for subnet in facts.wiring.subnets]
    yield from _lost(facts, Subnet.DESCRIBE, "subnets", existing)


def lost_groups(facts: JobFacts) -> Iterator[tuple[Mapping[str, Any], str]]:
    """
    The security groups that aren't there any more, with the compute environments that use them.
    """
    existing = [group["GroupId"] for group in facts.wiring.groups]
    yield from _lost(facts, SecurityGroup.DESCRIBE, "securityGroupIds", existing)


def _lost(
    facts: JobFacts, operation: Operation, field: str, existing: list[str]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """
    The ids in a field of the compute environments that are not among the *existing* ones.
    """
    if not facts.readable(operation):
        return
    for environment in facts.hosting_environments:
        # If Batch has noticed it, its reason names the id, and that is a finding of its own.
        invalid = environment["status"] == "INVALID"
        reason = (environment.get("statusReason") or "") if invalid else ""
        for id in environment.get("computeResources", {}).get(field, ()):
            if id not in existing and id not in reason:
                yield environment, id


def route_problem(facts: JobFacts, subnet: Mapping[str, Any]) -> str:
    """
    What is wrong with the route of a subnet to the internet; an empty text if nothing is.
    """
    route = facts.wiring.default_route(subnet)
    if route is None:
        return f"it has no route to {ANYWHERE}" if facts.readable(RouteTable.DESCRIBE) else ""
    gateway = str(route.get("NatGatewayId") or "")
    state = facts.wiring.gateways.get(gateway, "gone")
    # EC2 keeps a route whose target is gone, and marks it
    # (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html).
    if route.get("State") == "blackhole":
        return f"its route to {ANYWHERE} leads nowhere: {gateway or 'its gateway'} is gone"
    if gateway and facts.readable(NatGateway.DESCRIBE):
        return _gateway_problem(facts, gateway, state)
    # An internet gateway only carries packets of interfaces that have a public address.
    public = subnet.get("MapPublicIpOnLaunch") if _by_subnet(facts) else _has_public_address(facts)
    if str(route.get("GatewayId", "")).startswith("igw-") and not public:
        what = "an instance in it" if _by_subnet(facts) else "the job"
        return f"it leads to an internet gateway, and {what} has no public address"
    return ""


def _gateway_problem(facts: JobFacts, gateway: str, state: str) -> str:
    """
    What is wrong with a NAT gateway, or the route of the subnet that it is in.
    """
    if state != "available":
        return f"its NAT gateway {gateway} is {state}"
    if not facts.readable(RouteTable.DESCRIBE):
        return ""
    # EC2 makes a NAT gateway in any subnet, also in one without a route to the internet.
    answer = facts.reader.read(NatGateway.DESCRIBE(NatGatewayIds=[gateway])) or {}
    for described in answer.get("NatGateways", ()):
        if not described.get("SubnetId"):
            continue
        route = facts.wiring.default_route(described)
        if route is None or route.get("State") == "blackhole":
            return f"its NAT gateway {gateway} has no way out of {described['SubnetId']} itself"
    return ""


def _by_subnet(facts: JobFacts) -> bool:
    """
    Whether the jobs share the address of an instance, which its subnet gives it.
    """
    families = (family_of(one) for one in facts.hosting_environments)
    return any(family is not None and family.public_by == "subnet" for family in families)


def _has_public_address(facts: JobFacts) -> bool:
    # A task on Fargate gets one only if its job definition says so; that the subnet gives public
    # addresses to instances doesn't matter.
    network = facts.container.get("networkConfiguration") or {}
    return bool(network.get("assignPublicIp") == "ENABLED")


def without_internet(facts: JobFacts, subnet: Mapping[str, Any]) -> str:
    """
    Why a job can't do without the internet in a subnet; an empty text if it can.
    """
    if facts.image.uri and facts.image.stored is None:
        return f"VPC endpoints don't lead to {facts.image.parsed.host}"
    services = _services_with_endpoint(facts, subnet)
    if not facts.readable(ENDPOINTS):
        return "whether there are VPC endpoints instead could not be looked at"
    missing = [needed for needed in _needed(facts) if not _offers(services, needed)]
    return f"nor are there VPC endpoints for {', '.join(missing)}" if missing else ""


def _offers(services: list[str], needed: str) -> bool:
    # A service's full name begins with the partition and region: com.amazonaws.us-east-1.ecr.api
    return any(service.endswith(f".{needed}") for service in services)


def _needed(facts: JobFacts) -> list[str]:
    """
    The services whose endpoints a job without the internet needs.
    """
    # ECR keeps the layers of images in S3, so the S3 endpoint is needed too
    # (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html).
    needed = ["ecr.api", "ecr.dkr"]
    logs = facts.container.get("logConfiguration") or {}
    if logs.get("logDriver", "awslogs") == "awslogs":
        needed.append("logs")
    for secret in facts.container.get("secrets") or ():
        service = "secretsmanager" if ":secretsmanager:" in secret["valueFrom"] else "ssm"
        if service not in needed:
            needed.append(service)
    return [*needed, "s3"]


def _services_with_endpoint(facts: JobFacts, subnet: Mapping[str, Any]) -> list[str]:
    """
    The services that have an endpoint which jobs in a subnet can use.
    """
    filters = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    answer = facts.reader.read(ENDPOINTS(Filters=filters)) or {}
    table = (facts.wiring.route_table(subnet) or {}).get("RouteTableId", "")
    services = []
    for endpoint in answer.get("VpcEndpoints", ()):
        # The wire has `available`, the model of the API `Available`.
        available = endpoint.get("State", "available").lower() == "available"
        # A gateway endpoint is a route: it serves the subnets whose tables it is in.
        is_gateway = endpoint.get("VpcEndpointType") == "Gateway"
        if available and (not is_gateway or table in endpoint.get("RouteTableIds", ())):
            services.append(endpoint["ServiceName"])
    return services


def egress_blocked(facts: JobFacts, environment: Mapping[str, Any]) -> tuple[list[str], str]:
    """
    The security groups of a compute environment, and what is wrong with what they let out; an
    empty text if nothing is.
    """
    resources = environment.get("computeResources", {})
    used = resources.get("securityGroupIds", ())
    groups = [group for group in facts.wiring.groups if group["GroupId"] in used]
    rules = [rule for group in groups for rule in _https_rules(group)]
    if not groups or any(_leads_outside(rule) for rule in rules):
        return [], ""
    names = [group["GroupId"] for group in groups]
    if not any(_leads_inside(rule) for rule in rules):
        return names, f"it lets nothing out on port {_HTTPS}"
    subnets = resources.get("subnets", ())
    bound = [subnet for subnet in facts.wiring.subnets if subnet["SubnetId"] in subnets]
    if any(without_internet(facts, subnet) for subnet in bound):
        nets = [net["CidrIp"] for rule in rules for net in rule.get("IpRanges", ())]
        allowed = ", ".join(sorted(nets)) or "other groups"
        return names, f"it lets port {_HTTPS} out only to {allowed}"
    return [], ""


def _https_rules(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """
    The rules of a security group that let TCP 443 out.
    """
    return [rule for rule in group["IpPermissionsEgress"] if _is_https(rule)]


def _is_https(rule: Mapping[str, Any]) -> bool:
    # A rule for all protocols (-1) has no ports; 6 is the number of TCP.
    low, high = rule.get("FromPort", 0), rule.get("ToPort", 65535)
    return rule.get("IpProtocol") in ("-1", "tcp", "6") and low <= _HTTPS <= high


def _leads_outside(rule: Mapping[str, Any]) -> bool:
    """
    Whether a rule lets packets out to an address that isn't private.
    """
    # What a prefix list holds isn't known here, so it counts as outside.
    if rule.get("PrefixListIds"):
        return True
    nets = [IPv4Network(one["CidrIp"], strict=False) for one in rule.get("IpRanges", ())]
    return not all(_is_private(net) for net in nets)


def _is_private(net: IPv4Network) -> bool:
    return any(net.subnet_of(private) for private in _PRIVATE)


def _leads_inside(rule: Mapping[str, Any]) -> bool:
    return bool(rule.get("IpRanges") or rule.get("UserIdGroupPairs"))
