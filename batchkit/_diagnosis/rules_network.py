"""
Rules about the network: why a container can't get its image, or write its lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, Severity, rule
from batchkit._diagnosis.network import (
    egress_blocked,
    lost_groups,
    lost_subnets,
    route_problem,
    without_internet,
)
from batchkit._diagnosis.wiring import ENDPOINTS

ENSURE: Final = "Run ensure_stack(spec) again (`batchkit up`): it puts the network back."
_UNREACHABLE: Final = (
    "`ResourceInitializationError: unable to pull secrets or registry auth` or "
    "`CannotPullContainerError ... i/o timeout`, and no log lines."
)


@rule(_UNREACHABLE, "A subnet of the compute environment isn't there any more.", ENSURE)
def subnet_missing(facts: JobFacts, self: Rule) -> Findings:
    for environment, id in lost_subnets(facts):
        yield self.found(f"Subnet {id}", _used_by(environment))


@rule(_UNREACHABLE, "A security group of the compute environment isn't there any more.", ENSURE)
def security_group_missing(facts: JobFacts, self: Rule) -> Findings:
    for environment, id in lost_groups(facts):
        yield self.found(f"SecurityGroup {id}", _used_by(environment))


def _used_by(environment: Mapping[str, Any]) -> str:
    name = environment["computeEnvironmentName"]
    return f"ComputeEnvironment {name} uses it, and it isn't there."


@rule(
    _UNREACHABLE,
    "The subnets of the job have no way out: the NAT gateway is gone, its route is a black hole "
    "or missing, or a public subnet's job has no public address; and there are no VPC endpoints "
    "instead, or the image isn't in ECR.",
    ENSURE,
)
def no_way_out(facts: JobFacts, self: Rule) -> Findings:
    for subnet in facts.wiring.subnets:
        problem = route_problem(facts, subnet)
        needs = without_internet(facts, subnet) if problem else ""
        if needs:
            # Endpoints that can't be listed may be there.
            severity = Severity.ERROR if facts.readable(ENDPOINTS) else Severity.WARNING
            message = f"{problem}; {needs}."
            yield self.found(f"Subnet {subnet['SubnetId']}", message, severity=severity)


@rule(
    _UNREACHABLE,
    "The security groups of the compute environment don't let port 443 out to the registry.",
    "Allow TCP 443 out of the group; ensure_stack(spec) (`batchkit up`) puts the stack's own rule "
    "back.",
)
def no_egress(facts: JobFacts, self: Rule) -> Findings:
    for environment in facts.hosting_environments:
        groups, problem = egress_blocked(facts, environment)
        if problem:
            name = environment["computeEnvironmentName"]
            message = f"{problem}, so jobs of {name} reach no registry."
            yield self.found(f"SecurityGroup {', '.join(groups)}", message)


RULES: Final = (subnet_missing, security_group_missing, no_way_out, no_egress)
