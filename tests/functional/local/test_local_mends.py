"""
Every mend to moto: the embedded AWS behaves as AWS, and without the mend it would not.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import gaps_batch
import gaps_jobs
import gaps_network
import gaps_other
import gaps_scheduler
import gaps_states
import pytest
from local_lab import Lab, Probe, lab_without

from batchkit.local import local_aws

ALL = [
    *gaps_batch.PROBES,
    *gaps_jobs.PROBES,
    *gaps_network.PROBES,
    *gaps_other.PROBES,
    *gaps_scheduler.PROBES,
    *gaps_states.PROBES,
]
PAIRS = [(probe, patch) for probe, mends in ALL for patch in mends]


@pytest.mark.parametrize("probe", [probe for probe, _ in ALL], ids=lambda one: one.__name__)
def test_the_embedded_aws_behaves_as_aws(probe: Probe, lab: Lab) -> None:
    """
    What the probe says is so.
    """
    probe(lab)


@pytest.mark.parametrize(
    ("probe", "patch"), PAIRS, ids=lambda one: one if isinstance(one, str) else one.__name__
)
@pytest.mark.filterwarnings("ignore")
def test_moto_still_needs_the_mend(probe: Probe, patch: str, tmp_path: Path) -> None:
    """
    Without the mend moto does not do what the probe says; once it does, the mend can go.
    """
    try:
        with lab_without(tmp_path, patch) as lab:
            probe(lab)
    except (Exception, pytest.fail.Exception):
        return
    pytest.fail(f"moto does this by itself now: delete the mend {patch} and this pair")


def test_every_mend_is_proved_and_says_why() -> None:
    """
    No mend is without a probe, no probe names a mend that is not there, no two have one name.
    """
    with local_aws(docker=False):
        from batchkit.local.moto import PATCHES

    names = Counter(str(patch) for patch in PATCHES)
    assert set(names) == {patch for _, patch in PAIRS}
    assert set(names.values()) == {1}
    assert all(len(patch.reason.split()) > 2 for patch in PATCHES)
