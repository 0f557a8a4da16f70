"""
The outputs that are known so far: the read-only properties of resources, such as ids and ARNs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from batchkit._engine.aws import Aws
from batchkit._model.properties import compared_fields, read_only_fields
from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.values import Arn, Here, Ref, resolve


class Outputs:
    """
    The known outputs of each resource; they take the place of the references to them.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._outputs: dict[Key, dict[str, Any]] = {}

    def learn(self, key: Key, values: Mapping[str, Any]) -> None:
        """
        Adds outputs of a resource.
        """
        # What AWS's answer to a create left out is still a reference, and must not hide a value.
        known = {name: value for name, value in values.items() if not isinstance(value, Ref)}
        self._outputs.setdefault(key, {}).update(known)

    def learn_from(self, key: Key, actual: Resource) -> None:
        """
        Adds all outputs of *actual*.
        """
        self.learn(key, {a.name: getattr(actual, a.name) for a in read_only_fields(type(actual))})

    # After a resource was deleted or lost to another caller, its outputs must not be used any more.
    def forget(self, key: Key) -> None:
        """
        Drops the outputs of a resource.
        """
        self._outputs.pop(key, None)

    def of(self, key: Key) -> dict[str, Any]:
        """
        The outputs of a resource that are known.
        """
        return self._outputs.get(key, {})

    def resolve(self, value: Any) -> Any:
        """
        *value* with every output that is known, and every ARN, in its place.
        """
        return resolve(value, self._replace)

    def resolve_fields(self, desired: Resource) -> Resource:
        """
        *desired* with its compared properties resolved.
        """
        changed = {}
        for attribute in compared_fields(type(desired)):
            before = getattr(desired, attribute.name)
            after = self.resolve(before)
            if after != before:
                changed[attribute.name] = after
        return attrs.evolve(desired, **changed)

    def _replace(self, placeholder: Any) -> Any:
        # A `Zone` stays as it is: its name costs a call, which only a create needs.
        if isinstance(placeholder, Ref):
            return self.of(placeholder.key).get(placeholder.attribute, placeholder)
        if isinstance(placeholder, (Arn, Here)):
            return self._aws.resolve(placeholder)
        return placeholder
