"""
The loader run in this process or as a child, on a fake AWS.
"""

from __future__ import annotations

from loader_lab import aws, run

__all__ = ["aws", "run"]
