"""
Every patch to moto: with it the embedded AWS behaves as AWS, and without it it does not.
"""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from local_lab import Lab, Probe, lab_without

from batchkit.local import local_aws, patches
from batchkit.local.patches.patch import Patch, Patches

MODULES = [import_module(path.stem) for path in sorted(Path(__file__).parent.glob("probes_*.py"))]
ALL = [pair for module in MODULES for pair in module.PROBES]
PAIRS = [(probe, patch) for probe, names in ALL for patch in names]


@pytest.mark.parametrize("probe", [probe for probe, _ in ALL], ids=lambda one: one.__name__)
def test_the_embedded_aws_behaves_as_aws(probe: Probe, lab: Lab) -> None:
    """
    With all patches the probe passes.
    """
    probe(lab)


@pytest.mark.parametrize(
    ("probe", "patch"), PAIRS, ids=lambda one: one if isinstance(one, str) else one.__name__
)
@pytest.mark.filterwarnings("ignore")
def test_moto_still_needs_the_patch(probe: Probe, patch: str, tmp_path: Path) -> None:
    """
    Without the patch the probe fails. Once it passes, the patch can be deleted.
    """
    try:
        with lab_without(tmp_path, patch) as lab:
            probe(lab)
    except (Exception, pytest.fail.Exception):
        return
    pytest.fail(f"moto does this by itself now: delete the patch {patch} and this pair")


@pytest.fixture
def applied() -> tuple[Patch, ...]:
    """
    The patches that an embedded AWS applies.
    """
    with local_aws(docker=False):
        from batchkit.local.moto import PATCHES

    return PATCHES


def test_every_patch_has_a_probe_and_a_reason(applied: tuple[Patch, ...]) -> None:
    """
    Patches and probes name each other, no two patches have one name, a reason compares with AWS.
    """
    names = Counter(str(patch) for patch in applied)
    assert set(names) == {patch for _, patch in PAIRS}
    assert set(names.values()) == {1}
    assert [patch.reason for patch in applied if ", but moto" not in patch.reason] == []


def test_every_registered_patch_is_applied(applied: tuple[Patch, ...]) -> None:
    """
    Every registry in every file of the package is found, whatever its module calls it.
    """
    folder = Path(patches.__file__).parent
    registered = Counter(
        str(patch)
        for path in folder.glob("[a-z]*.py")
        for value in vars(import_module(f"{patches.__name__}.{path.stem}")).values()
        if isinstance(value, Patches)
        for patch in value
    )
    assert registered == Counter(map(str, applied))
