"""
The fixtures of these tests.
"""

from __future__ import annotations

from local_lab import job_folders, lab
from stopped_programs import temporary

__all__ = ["job_folders", "lab", "temporary"]
