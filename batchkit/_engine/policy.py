"""
The deployer's policy, derived from the calls that the resources make.

An action is allowed on the ARNs that the stack's name gives; on what EC2 makes, which has ids of
its own, by the stack's tag.  Whatever the spec asks for, resources of *every* type are looked for
and pruned; only those of the spec are made and changed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import attrs
from attrs import field, frozen

from batchkit._model.calls import Operation, operations
from batchkit._model.resource import Resource
from batchkit._model.tags import OWNER
from batchkit._model.values import Arn
from batchkit.grants import Grant

Targets = tuple["str | Arn", ...]
Conditions = tuple[tuple[str, str, tuple[Any, ...]], ...]
Further = tuple[Operation, Targets]
"""An operation that belongs to no resource, and its targets; those of its service if empty."""

LIMIT: Final = 6144
"""
Characters that a managed policy may have, white space not counted
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""
_BINDING: Final = "iam:PutRolePermissionsBoundary"
_UNBINDING: Final = "iam:DeleteRolePermissionsBoundary"
# A boundary binds only if it is demanded of each role that is given a policy or a trust
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
_BOUNDED: Final = {
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    _BINDING,
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
}
_APART: Final = {"iam:PassRole", "iam:CreateServiceLinkedRole"}
_ANY: Final[Targets] = ("*",)


@frozen
class Need:
    """
    A permission that the deployer needs: an *action* on *targets*, under *conditions*.
    """

    action: str
    targets: Targets
    conditions: Conditions = ()


@frozen
class Deployer:
    """
    Whoever plans, ensures, runs, diagnoses and destroys a stack.

    Args:
        wanted: The resources of the spec.
        resource_types: Every resource type that a stack may have.
        further: What it calls besides what the resources do.
        boundary: The ARN of the boundary that every role must have; None for roles without one.
    """

    stack: str
    wanted: Sequence[Resource]
    resource_types: Collection[type[Resource]]
    further: Collection[Further] = ()
    boundary: str | None = None
    by_service: dict[str, Targets] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        found: dict[str, list[str | Arn]] = defaultdict(list)
        for resource_type in self.resource_types:
            for target in resource_type.targets_of(self.stack):
                if isinstance(target, Arn):
                    found[target.service].append(target)
        by_service = {name: tuple(dict.fromkeys(arns)) for name, arns in found.items()}
        object.__setattr__(self, "by_service", by_service)

    def grants(self) -> list[Grant]:
        """
        The statements of its policy: what needs all resources first, then what can be narrowed.
        """
        return [*_merged(self._needs()), *self._passing(), *self._linking()]

    def _needs(self) -> Iterator[Need]:
        for resource_type in self.resource_types:
            for operation in operations(resource_type).values():
                kept = resource_type.RETAIN and operation.removes
                if not kept and (operation.reads or operation.removes):
                    yield from self._of(operation, resource_type, ())
        for resource in self.wanted:
            for operation in operations(type(resource)).values():
                yield from self._of(operation, type(resource), resource.targets())
        for operation, targets in self.further:
            yield from self._of(operation, Resource, targets)

    def _of(
        self, operation: Operation, resource_type: type[Resource], own: Targets
    ) -> Iterator[Need]:
        for action in operation.permissions:
            if action in _APART or action == (_UNBINDING if self.boundary else _BINDING):
                continue
            service = action.partition(":")[0]
            if operation.wide or action.startswith("ec2:Describe"):
                yield Need(action, _ANY)
            elif service == "ec2":
                yield from self._in_ec2(action, operation, resource_type)
            else:
                mine = tuple(one for one in own if isinstance(one, Arn) and one.service == service)
                named = mine or self._in_iam(service, resource_type)
                yield self._bounded(Need(action, named or self._by_name(service, operation)))

    def _in_iam(self, service: str, resource_type: type[Resource]) -> Targets:
        """
        The ARNs of the type itself, if it is one of IAM: roles and profiles share no action.
        """
        targets = resource_type.targets_of(self.stack) if service == "iam" else ()
        return tuple(one for one in targets if isinstance(one, Arn) and one.service == service)

    def _by_name(self, service: str, operation: Operation) -> Targets:
        """
        The ARNs of *service* that the stack's name gives; where it gives none, all may be read.
        """
        if service not in self.by_service and operation.reads:
            return _ANY  # what has a name of its own is found by its tags, among all there is
        if service == "iam":
            return self._roles
        return self.by_service[service]

    def _in_ec2(
        self, action: str, operation: Operation, resource_type: type[Resource]
    ) -> Iterator[Need]:
        """
        What is made must be given the stack's tag as it is made; what is there must have it.

        If it could be given the tag later, anything could be tagged and then deleted.
        """
        targets = self.by_service["ec2"]
        asked = ("StringEquals", f"aws:RequestTag/{OWNER}", (self.stack,))
        there = ("StringEquals", f"aws:ResourceTag/{OWNER}", (self.stack,))
        makes = "ec2:CreateTags" in operation.also
        if action == "ec2:CreateTags" and makes:
            making = ("StringLike", "ec2:CreateAction", ("*",))
            yield Need(action, targets, (asked, making))
        elif makes:
            yield Need(action, targets, (asked,))
            if _made_in_another(resource_type):
                yield Need(action, targets, (there,))
        else:
            yield Need(action, targets, (there,))

    def _bounded(self, need: Need) -> Need:
        if need.action not in _BOUNDED or self.boundary is None:
            return need
        bound = ("StringEquals", "iam:PermissionsBoundary", (self.boundary,))
        return attrs.evolve(need, conditions=(bound,))

    def _passing(self) -> Iterator[Grant]:
        services = sorted({service for one in self.wanted for service in one.assumed_by()})
        if services:
            conditions = {"StringEquals": {"iam:PassedToService": services}}
            yield Grant(("iam:PassRole",), self._roles, conditions)

    @property
    def _roles(self) -> Targets:
        """
        The ARNs in IAM that are those of roles.
        """
        there = self.by_service["iam"]
        return tuple(a for a in there if isinstance(a, Arn) and a.resource.startswith("role/"))

    def _linking(self) -> Iterator[Grant]:
        services = sorted({service for one in self.wanted for service in one.LINKED_ROLES})
        if services:
            roles = Arn("iam", "role/aws-service-role/*", region=False)
            conditions = {"StringEquals": {"iam:AWSServiceName": services}}
            yield Grant(("iam:CreateServiceLinkedRole",), (roles,), conditions)


class Policy(dict[str, Any]):
    """
    A policy document, and the same in *documents* that IAM takes as managed policies.
    """

    @property
    def documents(self) -> list[dict[str, Any]]:
        """
        As many documents as IAM's limit of characters asks for: one, but for the longest names.
        """
        parts: list[list[Any]] = []
        for statement in sorted(self["Statement"], key=lambda one: -length(one)):
            fitting = (one for one in parts if length(document([*one, statement])) <= LIMIT)
            part = next(fitting, None)
            if part is None:
                parts.append([statement])
            else:
                part.append(statement)
        if len(parts) == 1:
            return [dict(self)]
        return [document(part) for part in parts]


def length(value: Any) -> int:
    """
    Its characters as IAM counts them.
    """
    return len(json.dumps(value, separators=(",", ":")))


def document(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    A policy document of *statements*.
    """
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _made_in_another(resource_type: type[Resource]) -> bool:
    """
    Whether a resource of this type is made in another, such as a subnet in a VPC.
    """
    metadata = [attribute.metadata for attribute in attrs.fields(resource_type)]
    return any(one.get("create_only") and one.get("to") for one in metadata)


def _merged(needs: Iterable[Need]) -> list[Grant]:
    """
    One statement for all actions that are needed on the same targets under the same conditions.
    """
    targets: dict[tuple[str, Conditions], dict[str | Arn, None]] = defaultdict(dict)
    for need in needs:
        targets[need.action, need.conditions].update(dict.fromkeys(need.targets))
    together: dict[tuple[Targets, Conditions], dict[str, None]] = defaultdict(dict)
    for (action, conditions), arns in targets.items():
        shown = "ec2:Describe*" if action.startswith("ec2:Describe") else action
        together[_widest(arns), conditions][shown] = None
    ordered = sorted(together.items(), key=lambda item: (item[0][0] != _ANY, repr(item[0])))
    return [
        Grant(tuple(actions), arns, _as_document(conditions))
        for (arns, conditions), actions in ordered
    ]


def _widest(targets: Iterable[str | Arn]) -> Targets:
    """
    *targets* without those that another of them stands for as well.
    """
    arns = tuple(targets)
    if "*" in arns:
        return _ANY
    kept = [one for one in arns if not any(_covers(other, one) for other in arns if other != one)]
    return tuple(sorted(kept, key=repr))


def _covers(wide: str | Arn, narrow: str | Arn) -> bool:
    if not isinstance(wide, Arn) or not isinstance(narrow, Arn):
        return False
    same = attrs.evolve(wide, resource="") == attrs.evolve(narrow, resource="")
    return same and fnmatchcase(narrow.resource, wide.resource)


def _as_document(conditions: Conditions) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for operator, key, values in conditions:
        found[operator][key] = values[0] if len(values) == 1 else list(values)
    return dict(found)
