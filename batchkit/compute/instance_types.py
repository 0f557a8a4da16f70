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


_CLASSES: Final = (
    (re.compile(r"(g|gr|vt)\d.*"), ("L-DB2E81BA", "L-3819A6DF")),
    (re.compile(r"p\d.*"), ("L-417A185B", "L-7212CCBC")),
    (re.compile(r"[acdhimrtz]\d.*"), ("L-1216C47A", "L-34B43A08")),
)
"""
Classes of families, with the codes of the quotas for their vCPUs, on demand and on Spot
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html).
"""


def quota(type: str, spot: bool) -> str:
    """
    The code of the quota of EC2 that its vCPUs count for; an empty text for rare classes.
    """
    found = (codes for pattern, codes in _CLASSES if pattern.fullmatch(family(type)))
    return next(found, ("", ""))[spot]


OWN_FAMILIES: Final = {
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
"""What Batch's words for its own choice stand for."""


def patterns(types: Sequence[str]) -> list[str]:
    """
    What EC2's filter takes for *types*, families and words of Batch.
    """
    named = [one for type in types for one in OWN_FAMILIES.get(type, (type,))]
    return [one if "." in one else f"{one}.*" for one in named]
