"""
Every network that a spec may name, and the texts that stand for their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from batchkit.networks.base import NetworkMode
from batchkit.networks.nat import Nat

NETWORKS: Final[Mapping[str, type[NetworkMode]]] = {one.KIND: one for one in (Nat,)}
"""Every network, by its word in batchkit.toml."""
NETWORK_TEXTS: Final[Mapping[str, NetworkMode]] = {Nat.KIND: Nat()}
"""What a text in a spec stands for."""


def as_network(value: NetworkMode | str | None) -> NetworkMode | None:
    """
    The network that a text names; another value is left to the field's check.
    """
    return NETWORK_TEXTS.get(value, cast(NetworkMode, value)) if isinstance(value, str) else value
