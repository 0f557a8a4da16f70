"""
The deployer's policy, derived from the calls that the resources make.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from batchkit._engine.aws import IDENTITY, ZONES
from batchkit._model.calls import Operation
from batchkit._model.resource import Resource, operations
from batchkit._model.values import Arn, resolve
from batchkit.grants import Grant

_Targets = tuple["str | Arn", ...]


def make(
    stack: str,
    wanted: Sequence[Resource],
    further: Iterable[Operation],
    resolve_placeholder: Callable[[Any], Any],
) -> dict[str, Any]:
    """
    What the caller must be allowed to do in order to ensure, plan and destroy *wanted*.

    Args:
        further: Operations that belong to no resource, such as those of runs.
        fill: Gives the text of an `Arn`.
    """
    statements = [grant.statement() for grant in grants(stack, wanted, further)]
    return {"Version": "2012-10-17", "Statement": resolve(statements, resolve_placeholder)}


def grants(stack: str, wanted: Sequence[Resource], further: Iterable[Operation]) -> list[Grant]:
    """
    The statements of the policy: what needs all resources first, then what can be narrowed.
    """
    targets: dict[str, set[str | Arn]] = defaultdict(set)
    for operation in (IDENTITY, ZONES, *further):
        for action in operation.permissions:
            targets[action].add("*")
    for resource in wanted:
        for operation in operations(type(resource)).values():
            for action in operation.permissions:
                targets[action].update(("*",) if operation.wide else resource.targets())
    passing = targets.pop("iam:PassRole", set())
    linking = targets.pop("iam:CreateServiceLinkedRole", set())
    return [
        *_by_targets(targets),
        *([_pass_role(stack, wanted)] if passing else []),
        *([_linked_role(wanted)] if linking else []),
    ]


def _by_targets(targets: dict[str, set[str | Arn]]) -> list[Grant]:
    together: dict[_Targets, list[str]] = defaultdict(list)
    for action, arns in targets.items():
        together[("*",) if "*" in arns else tuple(sorted(arns, key=repr))].append(action)
    ordered = sorted(together.items(), key=lambda item: (item[0] != ("*",), repr(item[0])))
    return [Grant(tuple(actions), arns) for arns, actions in ordered]


def _pass_role(stack: str, wanted: Sequence[Resource]) -> Grant:
    services = sorted({service for resource in wanted for service in resource.assumed_by()})
    roles = Arn("iam", f"role/batchkit/{stack}/*", region=False)
    return Grant(("iam:PassRole",), (roles,), {"StringEquals": {"iam:PassedToService": services}})


def _linked_role(wanted: Sequence[Resource]) -> Grant:
    services = sorted({service for resource in wanted for service in resource.LINKED_ROLES})
    return Grant(
        ("iam:CreateServiceLinkedRole",),
        (Arn("iam", "role/aws-service-role/*", region=False),),
        {"StringEquals": {"iam:AWSServiceName": services}},
    )
