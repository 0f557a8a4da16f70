"""
What the manifest of an image tells.
"""

from __future__ import annotations

import json
from typing import Any


def platforms(manifest: str) -> set[str]:
    """
    The machines that the images of an index are for; empty if it is a single image's manifest.
    """
    try:
        listed: Any = json.loads(manifest or "{}").get("manifests", ())
    except (ValueError, AttributeError):
        return set()
    machines = {(one.get("platform") or {}).get("architecture", "") for one in listed}
    return machines - {"", "unknown"}
