"""
Rules about instances of EC2: why none joins, and what they were started with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Findings, Rule, Severity, rule
from batchkit.resources.instance_profile import InstanceProfile

_REGISTERS: Final = "ecs:RegisterContainerInstance"


@rule(
    "The job stays in RUNNABLE and nothing gives a reason, while instances are started and ended.",
    "The role of the instances isn't there, doesn't trust ec2.amazonaws.com, or lacks what the "
    "agent of ECS needs, so that no instance joins the cluster.",
    "Run ensure_stack(spec) again (`batchkit up`): it puts back what differs.",
)
def instance_role(facts: JobFacts, self: Rule) -> Findings:
    for arn in sorted({_profile(one) for one in facts.hosting_environments} - {""}):
        name = arn.rpartition("/")[2]
        answer = facts.reader.read(InstanceProfile.GET(InstanceProfileName=name))
        if not facts.readable(InstanceProfile.GET):
            continue
        roles = ((answer or {}).get("InstanceProfile") or {}).get("Roles", ())
        if not roles:
            missing = "it holds no role" if answer else "it isn't there"
            yield self.found(f"InstanceProfile {name}", f"{missing}, so no instance joins.")
        for role in roles:
            if problem := _problem(facts, role["Arn"]):
                yield self.found(f"Role {role['RoleName']}", problem)


def _profile(environment: Mapping[str, Any]) -> str:
    """
    The instance profile of an environment; an empty text if it has none.
    """
    return str((environment.get("computeResources") or {}).get("instanceRole") or "")


def _problem(facts: JobFacts, arn: str) -> str:
    """
    Why instances with this role don't join; an empty text if they do, as far as is known.
    """
    role = facts.role(arn)
    if not role.known:
        return ""
    if not (role.trusts("ec2.amazonaws.com") or role.trusts("ec2.amazonaws.com.cn")):
        return "it doesn't trust ec2.amazonaws.com, so no instance joins."
    lacks = not role.allows(_REGISTERS)
    return f"it lacks {_REGISTERS}, so no instance joins." if lacks else ""


@rule(
    "Instances lack the fixes of newer AMIs; jobs run.",
    "Batch has a newer AMI than the one that the compute environment was made with, and never "
    "takes it by itself.",
    "Name a newer AMI as ami= in Ec2(...), and run ensure_stack(spec) (`batchkit up`): a new "
    "compute environment takes its place, and jobs on the old one go on.",
)
def ami_outdated(facts: JobFacts, self: Rule) -> Findings:
    # https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html
    for environment in facts.environments:
        images = (environment.get("computeResources") or {}).get("ec2Configuration") or ()
        if any(one.get("batchImageStatus") == "UPDATE_AVAILABLE" for one in images):
            subject = f"ComputeEnvironment {environment['computeEnvironmentName']}"
            message = "Batch has a newer AMI for its instances."
            yield self.found(subject, message, severity=Severity.INFO)


RULES: Final = (instance_role, ami_outdated)
