"""
The check that instances of the spec's types are there, have room for the job, and may be started.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from batchkit._diagnosis.finding import Finding, Severity
from batchkit._model.values import Zone
from batchkit._preflight.facts import PreflightFacts, finding
from batchkit._preflight.instances import InstanceType, described, with_zones
from batchkit.compute import instance_types as _types
from batchkit.resources.environments_ec2 import Ec2Environment
from batchkit.resources.vpc import Subnet


def instances(facts: PreflightFacts) -> Iterator[Finding]:
    """
    Some type of the spec is offered where the instances will be, and has room for the job.
    """
    environments = facts.desired(Ec2Environment)
    if not environments:
        return
    types = environments[0].types
    offered = [*with_zones(facts.aws, described(facts.aws, _types.patterns(types)))]
    yield from _unknown(types, offered)
    zones = {facts.aws.resolve(Zone(one.zone)) for one in facts.desired(Subnet)}
    near = [one for one in offered if not zones or zones & {*one.zones}]
    if offered and not near:
        where = ", ".join(sorted(zones))
        fix = "Take other types, or other zones; `batchkit types` lists what fits."
        yield finding("compute.types", f"none of {', '.join(types)} is offered in {where}.", fix)
    fitting = [one for one in near if one.holds(facts.spec)]
    if fitting:
        for environment in environments:
            yield from _quota(facts, environment, fitting)
    elif near:
        yield _too_small(facts, near)


def _unknown(types: Sequence[str], offered: Sequence[InstanceType]) -> Iterator[Finding]:
    """
    The types that the region doesn't have.
    """
    names = {part for one in offered for part in (one.name, _types.family(one.name))}
    for one in types:
        if one not in names and one not in _types.OWN_FAMILIES:
            fix = "Correct it; `batchkit types` lists what fits."
            yield finding(f"instance type {one}", "the region doesn't have it.", fix)


def _too_small(facts: PreflightFacts, types: Sequence[InstanceType]) -> Finding:
    """
    What of the job is more than the largest of *types* has.
    """
    spec = facts.spec
    largest = max(
        types, key=lambda one: (one.gpus >= spec.gpus, one.vcpus >= spec.vcpus, one.memory)
    )
    message = (
        f"none of the types has room for {spec.vcpus:g} vCPUs, {spec.memory} MiB and {spec.gpus} "
        f"GPUs: {largest.name} has {largest.vcpus} vCPUs, {largest.gpus} GPUs and "
        f"{largest.memory} MiB beside what the system takes."
    )
    fix = f"Lower memory to {largest.memory} at most, or name larger types in compute.types."
    return finding("memory", message, fix)


def _quota(
    facts: PreflightFacts, environment: Ec2Environment, fitting: Sequence[InstanceType]
) -> Iterator[Finding]:
    """
    The account may start one of the types that the job fits on, and as many as it asks for.
    """
    smallest: dict[str, InstanceType] = {}
    for one in sorted(fitting, key=lambda type: -type.vcpus):
        smallest[_types.quota(one.name, environment.spot)] = one
    limits = {code: facts.quota("ec2", code) for code in smallest if code}
    known = {code: most for code, most in limits.items() if most is not None}
    if not known or len(known) < len(smallest):
        return
    what = "on Spot" if environment.spot else "on demand"
    short = {code: most for code, most in known.items() if most < smallest[code].vcpus}
    tell = partial(_told, what)
    if len(short) == len(known):
        # Where Spot has no room, its jobs run on demand.
        severity = Severity.WARNING if environment.spot else Severity.ERROR
        for code, most in short.items():
            need = f"{smallest[code].name} has {smallest[code].vcpus}"
            yield tell(code, most, need, severity)
    elif environment.max_vcpus > sum(known.values()):
        code, most = max(known.items(), key=lambda item: item[1])
        yield tell(code, most, f"compute.max_vcpus is {environment.max_vcpus}", Severity.WARNING)


def _told(what: str, code: str, most: float, need: str, severity: Severity) -> Finding:
    message = f"the account may run {most:g} vCPUs of this class {what}; {need}."
    fix = "Ask for more in the Service Quotas console (EC2), or take other types."
    return finding(f"quota {code}", message, fix, severity)
