"""
The order of resources: each comes after those that it refers to.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

from batchkit._model.resource import Resource
from batchkit._model.resource_base import Key
from batchkit._model.values import references


def needs(resources: Sequence[Resource]) -> dict[Key, set[Key]]:
    """
    For each resource, those that it refers to.
    """
    graph: dict[Key, set[Key]] = {}
    for resource in resources:
        graph[resource.key] = {ref.key for ref in references(resource)}
        # The read-only properties of a desired resource are references to itself.
        graph[resource.key].discard(resource.key)
    return graph


def in_order(resources: Sequence[Resource]) -> list[Resource]:
    """
    The resources, each after those that it refers to.
    """
    by_key = {resource.key: resource for resource in resources}
    order = TopologicalSorter(needs(resources)).static_order()
    return [by_key[key] for key in order if key in by_key]
