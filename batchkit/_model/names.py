"""
Names that hold a hash of what AWS can't change.
"""

from __future__ import annotations

import hashlib
import json


def digest(*values: object, length: int = 6) -> str:
    """
    A short hash of *values*: part of the names of resources whose fixed fields may change.
    """
    canonical = json.dumps(values, sort_keys=True, default=repr)
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]
