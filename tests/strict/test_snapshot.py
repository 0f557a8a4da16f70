"""
The snapshot that the tests of whole stacks compare sees every resource type.
"""

from __future__ import annotations

import pytest

from batchkit._model.resource import Resource

from .simulator import StrictAws
from .stacks import make


def seen(resource: Resource, held: str) -> bool:
    """
    Whether the text *held* names the resource.
    """
    return any(str(name) in held for name in (resource.identity, resource.name))


@pytest.mark.slow
def test_every_resource_of_a_stack_is_in_the_snapshot(strict_aws: StrictAws) -> None:
    """
    What isn't in it could be left behind by a teardown without any test that notices.
    """
    before = str(strict_aws.snapshot())
    made = make(strict_aws).resources
    held = str(strict_aws.snapshot())
    assert [one for one in made if not seen(one, held)] == []
    assert [one for one in made if str(one.identity) in before] == []
