"""
IAM: the paths that say which stack a role or an instance profile belongs to.
"""

from __future__ import annotations

import re
from typing import Final

_OTHER_REGION: Final = re.compile(r"-[a-z]{2,5}(-[a-z]+)+-\d$")


def path_of(stack: str) -> str:
    """
    The IAM path of a stack's roles and instance profiles.

    ListRoles returns no tags, but lists by path
    (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html).
    """
    return f"/batchkit/{stack}/"


def is_here(name: str, region: str) -> bool:
    """
    Whether the role or profile *name* belongs to a stack in *region*.

    IAM has no regions: those of a stack of the same name in another region are in the same path,
    and end in that region.
    """
    return name.endswith(f"-{region}") or not _OTHER_REGION.search(name)
