"""
Values as JSON bytes: by orjson, which the image has, or else by the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def plain_json(value: Any) -> bytes:
    """
    Compact JSON in UTF-8.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


to_json: Callable[[Any], bytes]
try:
    import orjson
except ImportError:
    to_json = plain_json
else:
    to_json = orjson.dumps
