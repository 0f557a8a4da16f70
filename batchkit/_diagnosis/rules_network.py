"""
Rules about the network: why a container can't get its image, or write its lines.
"""

from __future__ import annotations

from typing import Final

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
    for one, id in lost_subnets(facts):
        name = one["computeEnvironmentName"]
        yield self.found(f"Subnet {id}", f"ComputeEnvironment {name} uses it, and it isn't there.")


@rule(_UNREACHABLE, "A security group of the compute environment isn't there any more.", ENSURE)
def security_group_missing(facts: JobFacts, self: Rule) -> Findings:
    for one, id in lost_groups(facts):
        message = f"ComputeEnvironment {one['computeEnvironmentName']} uses it, and it isn't there."
        yield self.found(f"SecurityGroup {id}", message)


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
        grave = Severity.ERROR if facts.readable(ENDPOINTS) else Severity.WARNING
        if needs:
            subject, message = f"Subnet {subnet['SubnetId']}", f"{problem}; {needs}."
            yield self.found(subject, message, severity=grave)


@rule(
    _UNREACHABLE,
    "The security groups of the compute environment don't let port 443 out to the registry.",
    "Allow TCP 443 out of the group; ensure_stack(spec) (`batchkit up`) puts the stack's own rule "
    "back.",
)
def no_egress(facts: JobFacts, self: Rule) -> Findings:
    for one in facts.hosting_environments:
        names, problem = egress_blocked(facts, one)
        if problem:
            message = f"{problem}, so jobs of {one['computeEnvironmentName']} reach no registry."
            yield self.found(f"SecurityGroup {', '.join(names)}", message)


RULES: Final = (subnet_missing, security_group_missing, no_way_out, no_egress)
