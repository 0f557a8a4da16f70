"""
The check that the caller may do what a stack needs, as far as IAM simulates it.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchkit._diagnosis.finding import Finding
from batchkit._engine.aws import IDENTITY, Aws
from batchkit._preflight.deployer import deployer
from batchkit._preflight.facts import PreflightFacts, finding
from batchkit._preflight.simulation import is_allowed, simulation
from batchkit.resources.iam import Role


def permissions(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The caller may do what `stack_policy` lists, as far as IAM simulates it.
    """
    caller = _caller(facts.aws)
    if caller is None:
        return
    denied: set[str] = set()
    for grant in deployer(facts.aws, facts.spec, facts.resources).grants():
        answer = facts.aws.call(simulation(caller, grant)) or {}
        results = answer.get("EvaluationResults", ())
        denied.update(one["EvalActionName"] for one in results if not is_allowed(one))
    if denied:
        names = ", ".join(sorted(denied))
        fix = "stack_policy(spec) (`batchkit policy`) is the policy to ask for."
        yield finding(f"caller {caller}", f"it may not do {names}.", fix)


def _caller(aws: Aws) -> str | None:
    """
    The ARN of the user or role behind the credentials; None for those that IAM can't simulate.
    """
    arn = str(aws.call(IDENTITY())["Arn"])
    # STS gives the ARN of a session, and IAM simulates for the role, whose ARN may have a path.
    if ":assumed-role/" in arn:
        role = aws.call(Role.GET(RoleName=arn.split("/")[1]))
        return str(role["Role"]["Arn"]) if role else None
    return arn if ":iam:" in arn and ":user/" in arn else None
