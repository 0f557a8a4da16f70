"""
How availability zones are stated: by number, name or id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from batchkit._model.checks import Constraint

ZONE_NAME: Final = r"[a-z]{2,}(-[a-z]+)+-\d+[a-z]|[a-z]+\d+-az\d+"
"""
A zone by name or id; those of local and Wavelength zones have more parts
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html).
"""


def _is_zone(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(ZONE_NAME, value) is not None
    return type(value) is int and 0 <= value <= 5


ZONE: Final = Constraint("a whole number from 0 to 5, or a zone such as 'us-east-1a'", _is_zone)


def _are_zones(value: Any) -> bool:
    if isinstance(value, tuple):
        named = all(re.fullmatch(ZONE_NAME, one) for one in value)
        return named and 1 <= len(value) <= 3 and len(set(value)) == len(value)
    return type(value) is int and 1 <= value <= 3


# Fargate is in no local and no Wavelength zone
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-regions-zones.html).
ZONES: Final = Constraint(
    "a whole number from 1 to 3, or a list of 1 to 3 different availability zones by name or id, "
    "such as 'us-east-1a' or 'use1-az1' (local and Wavelength zones have no Fargate)",
    _are_zones,
)


def as_zones(value: Any) -> Any:
    """
    Converts a list to a tuple, in its order; another value is left to the field's check.
    """
    return tuple(value) if isinstance(value, list) else value


def each_zone(zones: int | Sequence[str]) -> Sequence[int | str]:
    """
    The zones one by one: as they are named, or by number.
    """
    return range(zones) if isinstance(zones, int) else zones
