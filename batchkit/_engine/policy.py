"""
The deployer's policy, derived from the operations that the resource types state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from batchkit._engine.aws import IDENTITY, ZONES
from batchkit._model.calls import Operation, operations
from batchkit._model.resource import Resource
from batchkit._model.values import Arn, resolve
from batchkit.grants import Grant

_Targets = tuple["str | Arn", ...]


def make(
    stack: str,
    resources: Sequence[Resource],
    further: Iterable[Operation],
    resolve_placeholder: Callable[[Any], Any],
) -> dict[str, Any]:
    """
    What the caller must be allowed to do in order to ensure, plan and destroy *resources*.

    Args:
        further: Operations that belong to no resource, such as those of runs.
        resolve_placeholder: Gives the text of an `Arn`.
    """
    statements = [grant.statement() for grant in grants(stack, resources, further)]
    return {"Version": "2012-10-17", "Statement": resolve(statements, resolve_placeholder)}


def grants(stack: str, resources: Sequence[Resource], further: Iterable[Operation]) -> list[Grant]:
    """
    The statements of the policy: first what is allowed on `*`, then what can be narrowed.
    """
    targets: dict[str, set[str | Arn]] = defaultdict(set)
    for operation in (IDENTITY, ZONES, *further):
        for action in operation.permissions:
            targets[action].add("*")
    for resource in resources:
        for operation in operations(type(resource)).values():
            for action in operation.permissions:
                # Most Describe and List actions have no resource-level permissions: a statement
                # that names an ARN for one of them allows nothing, see
                # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html.
                targets[action].update(("*",) if operation.wide else resource.targets())
    passing = targets.pop("iam:PassRole", set())
    linking = targets.pop("iam:CreateServiceLinkedRole", set())
    return [
        *_by_targets(targets),
        *([_pass_role(stack, resources)] if passing else []),
        *([_linked_role(resources)] if linking else []),
    ]


def _by_targets(targets: dict[str, set[str | Arn]]) -> list[Grant]:
    # One statement for all actions on the same ARNs: a managed policy has at most 6,144 characters
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
    by_arns: dict[_Targets, list[str]] = defaultdict(list)
    for action, arns in targets.items():
        together = ("*",) if "*" in arns else tuple(sorted(arns, key=repr))
        by_arns[together].append(action)
    ordered = sorted(by_arns.items(), key=lambda item: (item[0] != ("*",), repr(item[0])))
    return [Grant(tuple(actions), arns) for arns, actions in ordered]


def _pass_role(stack: str, resources: Sequence[Resource]) -> Grant:
    # Whoever may pass any role to any service can act as every role of the account
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
    services = sorted({service for resource in resources for service in resource.assumed_by()})
    roles = Arn("iam", f"role/batchkit/{stack}/*", region=False)
    return Grant(("iam:PassRole",), (roles,), {"StringEquals": {"iam:PassedToService": services}})


def _linked_role(resources: Sequence[Resource]) -> Grant:
    # AWS makes the service-linked roles of Batch and ECS with the first compute environment of an
    # account, if its caller may do so
    # (https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html).
    services = sorted({service for resource in resources for service in resource.LINKED_ROLES})
    return Grant(
        ("iam:CreateServiceLinkedRole",),
        (Arn("iam", "role/aws-service-role/*", region=False),),
        {"StringEquals": {"iam:AWSServiceName": services}},
    )
