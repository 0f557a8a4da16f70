"""
The check that the caller may do what a stack needs, as far as IAM simulates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from batchkit._diagnosis import explain
from batchkit._diagnosis.finding import Finding
from batchkit._engine import policy as _policy
from batchkit._engine.aws import IDENTITY, Aws
from batchkit._model.calls import Call, Operation
from batchkit._model.values import resolve
from batchkit._preflight.facts import PreflightFacts, finding
from batchkit._runs import run as runs

GET_ROLE: Final = Operation("iam", "GetRole", absent=("NoSuchEntity",))
SIMULATE: Final = Operation("iam", "SimulatePrincipalPolicy", absent=("NoSuchEntity",))


def permissions(facts: PreflightFacts) -> Iterator[Finding]:
    """
    The caller may do what `stack_policy` lists, as far as IAM simulates it.
    """
    caller = _caller(facts.aws)
    if caller is None:
        return
    further = (*runs.OPERATIONS, *explain.OPERATIONS)
    denied: list[str] = []
    for grant in _policy.grants(facts.spec.name, facts.resources, further):
        arns = [str(resolve(arn, facts.aws.resolve)) for arn in grant.resources]
        answer = facts.aws.call(_simulation(caller, grant.actions, arns)) or {}
        for result in answer.get("EvaluationResults", ()):
            if result["EvalDecision"] != "allowed":
                denied.append(result["EvalActionName"])
    if denied:
        names = ", ".join(sorted(set(denied)))
        fix = "stack_policy(spec) (`batchkit policy`) is the policy to ask for."
        yield finding(f"caller {caller}", f"it may not do {names}.", fix)


def _simulation(caller: str, actions: Iterable[str], arns: list[str]) -> Call:
    """
    The simulation that IAM is asked for.
    """
    # IAM simulates a call without its context: the keys of the policy's conditions have to be given
    # (https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html).
    passed = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": ["ecs-tasks.amazonaws.com"],
        "ContextKeyType": "string",
    }
    given = {"PolicySourceArn": caller, "ActionNames": list(actions), "ResourceArns": arns}
    return SIMULATE(**given, ContextEntries=[passed] if "iam:PassRole" in actions else [])


def _caller(aws: Aws) -> str | None:
    """
    The ARN of the user or role behind the credentials; None for those that IAM can't simulate.
    """
    arn = str(aws.call(IDENTITY())["Arn"])
    # STS gives the ARN of a session, and IAM simulates for the role, whose ARN may have a path.
    if ":assumed-role/" in arn:
        role = aws.call(GET_ROLE(RoleName=arn.split("/")[1]))
        return str(role["Role"]["Arn"]) if role else None
    return arn if ":iam:" in arn and ":user/" in arn else None
