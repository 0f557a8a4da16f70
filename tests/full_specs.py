"""
Specs that use everything there is: together they make a resource of every type.
"""

from __future__ import annotations

from pathlib import Path

from batchkit import Ec2, Fargate, ImageSource, StackSpec, Unmanaged

REGION = "us-east-1"
ECR_IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/films:v1"


def full_specs(folder: Path) -> list[StackSpec]:
    """
    A stack with everything, whose image is built from *folder*; one whose image is in ECR, one on
    instances with GPUs, and one on instances that somebody else starts.
    """
    everything = StackSpec(
        name="movies",
        image=ImageSource(folder),
        compute=Fargate(spot=True),
        schedule="rate(1 day)",
        table="movies-seen",
        bucket="movies-kept-here",
    )
    on_ec2 = StackSpec(
        name="frames",
        image="alpine:3",
        vcpus=4,
        gpus=1,
        compute=Ec2(spot=True, disk=200),
    )
    own = StackSpec(name="films-here", image="alpine:3", compute=Unmanaged())
    return [everything, StackSpec(name="films", image=ECR_IMAGE), on_ec2, own]
