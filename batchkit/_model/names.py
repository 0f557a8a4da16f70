"""
Names that hold a hash of what AWS can't change.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from batchkit._model.values import Arn, Ref


def digest(*values: object, length: int = 6) -> str:
    """
    A short hash of *values*, the same in every release: resources are called by it.
    """
    canonical = json.dumps(values, sort_keys=True, default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]


def _plain(value: Any) -> Any:
    """
    A placeholder as JSON: a reference by what it leads to, an ARN by its resource.
    """
    if isinstance(value, Ref):
        return list(value.key)
    return value.resource if isinstance(value, Arn) else repr(value)
