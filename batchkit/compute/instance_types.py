"""
What the name of an instance type says: its architecture, and whether it has NVIDIA's GPUs.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

BY_ARCHITECTURE: Final = {"X86_64": ("default_x86_64",), "ARM64": ("default_arm64",)}
"""
Batch's own choice of families
(https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html).
"""
WITH_GPUS: Final = ("g4dn", "g5", "g6")
"""The families of the smallest instances with GPUs for which Batch has an AMI."""
_OWN_WORDS: Final = {"optimal": "X86_64", "default_x86_64": "X86_64", "default_arm64": "ARM64"}
_GRAVITON: Final = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")
_GPU: Final = re.compile(r"(p|g|gr)\d[a-z0-9-]*")
# Batch's AMI for GPUs has no driver for the oldest of them, and there is none for Graviton; g4ad
# has AMD's (https://docs.aws.amazon.com/batch/latest/userguide/batch-gpu-ami.html).
_NO_AMI: Final = re.compile(r"(p2|p3|p3dn|g2|g3|g3s|g5g)")
_AMD: Final = "g4ad"


def family(type: str) -> str:
    """
    The family of an instance type, or of a family itself.
    """
    return type.partition(".")[0]


def architecture(type: str) -> str:
    """
    X86_64 or ARM64.
    """
    name = family(type)
    graviton = _GRAVITON.fullmatch(name) is not None
    return _OWN_WORDS.get(name, "ARM64" if graviton else "X86_64")


def has_gpus(type: str) -> bool:
    """
    Whether it has GPUs that Batch gives to jobs: those of NVIDIA.
    """
    return _GPU.fullmatch(family(type)) is not None and family(type) != _AMD


def needs_own_ami(type: str) -> bool:
    """
    Whether it has GPUs for which Batch has no AMI.
    """
    return _NO_AMI.fullmatch(family(type)) is not None


def usual(architecture: str, gpus: int) -> Sequence[str]:
    """
    The types for jobs of which nobody has said what they are to run on.
    """
    return WITH_GPUS if gpus else BY_ARCHITECTURE[architecture]
