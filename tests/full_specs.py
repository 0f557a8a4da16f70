"""
Specs that use everything there is: together they make a resource of every type.
"""

from __future__ import annotations

from pathlib import Path

from batchkit import Fargate, ImageSource, StackSpec

REGION = "us-east-1"
ECR_IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/films:v1"


def full_specs(folder: Path) -> list[StackSpec]:
    """
    A stack with everything, whose image is built from *folder*; and one whose image is in ECR.
    """
    everything = StackSpec(
        name="movies",
        image=ImageSource(folder),
        compute=Fargate(spot=True),
        schedule="rate(1 day)",
        table="movies-seen",
        bucket="movies-kept-here",
    )
    return [everything, StackSpec(name="films", image=ECR_IMAGE)]
