"""
Preflight: what would stop a stack from being made, found before anything is made.
"""

from __future__ import annotations

import boto3

from batchkit._diagnosis.finding import Diagnosis, Finding, Severity
from batchkit._engine.aws import Aws
from batchkit._engine.plan import Plan
from batchkit._model.checks import instance, require as _require
from batchkit._model.options import check_options
from batchkit._preflight import checks as _checks
from batchkit._preflight.checks import CHECKS
from batchkit._preflight.facts import Check, PreflightFacts, finding
from batchkit.clock import Clock
from batchkit.errors import AwsError, CredentialsError, PreflightError
from batchkit.events import Action
from batchkit.resources.image import Image
from batchkit.spec import StackSpec


def preflight(
    spec: StackSpec, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> Diagnosis:
    """
    What would stop `ensure_stack` or the jobs, as findings; empty if nothing would.

    It changes nothing.  What the caller may not read is a finding of its own.
    """
    _require("preflight", "spec", spec, instance(StackSpec, expects="a StackSpec(...)"))
    check_options("preflight", session=session, clock=clock)
    facts = PreflightFacts(Aws(session, clock), spec)
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found.extend(check(facts))
        except CredentialsError as error:
            return Diagnosis([finding("credentials", error.message, error.advice)])
        except AwsError as error:
            message = f"{error.operation} failed with {error.code}, so this was not checked."
            found.append(finding(_title(check), message, str(error), Severity.WARNING))
    return Diagnosis(sorted(found, key=lambda one: list(Severity).index(one.severity)))


def require(aws: Aws, spec: StackSpec, plan: Plan) -> None:
    """
    The cheap part: nothing that *plan* needs is known to be missing.

    Raises:
        PreflightError: Something is; nothing was made.
    """
    created = [item for item in plan.items if item.action is Action.CREATE]
    if not created:
        return
    facts = PreflightFacts(aws, spec)
    found = [*_checks.zones(facts)]
    if any(item.resource_type == Image.__name__ for item in created):
        found += _checks.docker(facts)
    found = [one for one in found if one.severity is Severity.ERROR]
    if found:
        raise PreflightError("\n".join(["nothing was made:", *map(str, found)]), findings=found)


def _title(check: Check) -> str:
    return check.__name__.replace("_", " ")
