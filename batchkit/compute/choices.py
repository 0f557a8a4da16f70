"""
Every compute that a spec may name, and the texts that stand for their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from batchkit.compute.base import Compute
from batchkit.compute.ec2 import Ec2
from batchkit.compute.fargate import Fargate
from batchkit.compute.unmanaged import Unmanaged

COMPUTES: Final[Mapping[str, type[Compute]]] = {one.KIND: one for one in (Fargate, Ec2, Unmanaged)}
"""Every compute, by its word in batchkit.toml."""
COMPUTE_TEXTS: Final[Mapping[str, Compute]] = {
    Fargate.KIND: Fargate(),
    f"{Fargate.KIND}-spot": Fargate(spot=True),
    Ec2.KIND: Ec2(),
    f"{Ec2.KIND}-spot": Ec2(spot=True),
    Unmanaged.KIND: Unmanaged(),
}
"""What a text in a spec stands for."""


def as_compute(value: Compute | str) -> Compute:
    """
    The compute that a text names; another value is left to the field's check.
    """
    return COMPUTE_TEXTS.get(value, cast(Compute, value)) if isinstance(value, str) else value
