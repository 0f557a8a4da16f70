"""
Jobs on instances of EC2, on the embedded AWS: they run, and see their GPUs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchkit import Ec2
from runs_lab import stand

SEES = (
    "import os; print(os.environ['AWS_EXECUTION_ENV'], os.environ.get('NVIDIA_VISIBLE_DEVICES'))"
)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"compute": "ec2"}, "AWS_ECS_EC2 None"),
        ({"compute": Ec2(types=["g5.12xlarge"]), "gpus": 2}, "AWS_ECS_EC2 0,1"),
        ({"compute": "unmanaged"}, "AWS_ECS_EC2 None"),
    ],
)
def test_a_job_runs_and_sees_its_gpus(tmp_path: Path, given: dict[str, Any], line: str) -> None:
    """
    Those that the job definition gives it, and no others.
    """
    with stand(tmp_path, vcpus=2, memory=1000, **given) as stack:
        run = stack.ended(SEES)
        assert (run.status, [one.text for one in run.tail()]) == ("SUCCEEDED", [line])
