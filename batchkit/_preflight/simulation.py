"""
What IAM is asked to simulate, so that `preflight` knows what the caller may not do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from batchkit._model.calls import Call
from batchkit._model.values import Arn
from batchkit._preflight.deployer import SIMULATE
from batchkit.grants import Grant
from batchkit.resources.ec2 import Ec2Resource
from batchkit.resources.resource_types import RESOURCE_TYPES

ANY_ONE: Final = "x"
"""What stands for * in an ARN or a value: IAM is asked about one request, not about a pattern."""


def simulation(caller: str, grant: Grant) -> Call:
    """
    The call that asks whether *caller* may do what *grant* allows, under the same conditions.
    """
    return SIMULATE(
        PolicySourceArn=caller,
        ActionNames=[one.replace("ec2:Describe*", "ec2:DescribeVpcs") for one in grant.actions],
        ResourceArns=[one for arn in grant.resources for one in _requested(arn)],
        ContextEntries=[*_context(grant.conditions)],
    )


def is_allowed(result: Mapping[str, Any]) -> bool:
    """
    Whether an action is allowed on a resource that it can act on.

    IAM says so for each resource; for several, the result as a whole is denied if one is, and of
    those that a statement has for all its actions, an action may act on one only.
    """
    each = result.get("ResourceSpecificResults") or ()
    decisions = [one["EvalResourceDecision"] for one in each] or [result["EvalDecision"]]
    return "allowed" in decisions


def _requested(arn: str | Arn) -> Iterable[str | Arn]:
    """
    ARNs that a pattern stands for.
    """
    if not isinstance(arn, Arn):
        return (arn,)
    if arn.service == "ec2":
        types = [one.TYPE for one in RESOURCE_TYPES if issubclass(one, Ec2Resource)]
        return [attrs.evolve(arn, resource=f"{type}/{ANY_ONE}") for type in types]
    return (attrs.evolve(arn, resource=arn.resource.replace("*", ANY_ONE)),)


def _context(conditions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """
    The condition keys as a request has them for which the conditions hold.
    """
    for keys in conditions.values():
        for key, wanted in keys.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            yield {
                "ContextKeyName": key,
                "ContextKeyValues": [str(values[0]).replace("*", ANY_ONE)],
                "ContextKeyType": "string",
            }
