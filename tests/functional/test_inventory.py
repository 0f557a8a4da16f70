"""
The inventory that the tests of whole stacks compare sees every resource type.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from account_fixture import AccountFixture
from batchkit import ensure_stack
from batchkit._model.resource import Resource
from batchkit.resources.image_reference import ImageReference
from full_specs import full_specs
from inventory import inventory


def seen(resource: Resource, held: str) -> bool:
    """
    Whether the text *held* names the resource.
    """
    return any(str(name) in held for name in (resource.identity, resource.name))


@pytest.mark.slow
def test_every_resource_of_a_stack_is_in_the_inventory(
    there: AccountFixture, tmp_path: Path
) -> None:
    """
    What isn't in it could be left behind by a teardown without any test that notices.
    """
    (tmp_path / "Dockerfile").write_text("FROM python:3\nCMD python -c 'print(1)'\n")
    everything = full_specs(tmp_path)[0]
    empty = str(inventory(there))
    made = ensure_stack(everything, session=there.session, clock=there.clock).resources
    held = str(inventory(there))
    assert [one for one in made if not seen(one, held)] == []
    new = [one for one in made if not isinstance(one, ImageReference)]
    assert [one for one in new if str(one.identity) in empty] == []
