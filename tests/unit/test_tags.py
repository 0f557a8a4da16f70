"""
Tags in the shapes of the services.
"""

from __future__ import annotations

from typing import Any

import pytest

from batchkit._model import tags as _tags

TAGS = {"batchkit:stack": "movies", "Name": "queue", "team": "data"}


@pytest.mark.parametrize(
    "shape", [TAGS, _tags.as_list(TAGS), _tags.as_lower_list(TAGS), tuple(_tags.as_list(TAGS))]
)
def test_every_shape_is_understood(shape: Any) -> None:
    """
    A mapping, and lists with upper- and lower-case keys.
    """
    assert _tags.parse(shape) == TAGS


def test_no_tags_are_no_tags() -> None:
    """
    None, an empty list and an empty mapping are the same.
    """
    assert _tags.parse(None) == _tags.parse([]) == _tags.parse({}) == {}


def test_shapes() -> None:
    """
    Most services want Key and Value; Step Functions wants them in lower case.
    """
    assert _tags.as_list({"a": "b"}) == [{"Key": "a", "Value": "b"}]
    assert _tags.as_lower_list({"a": "b"}) == [{"key": "a", "value": "b"}]


def test_the_owner_and_the_users_own_tags() -> None:
    """
    The owner is in a tag; batchkit's own tags are not the user's.
    """
    assert (_tags.owner(TAGS), _tags.owner({})) == ("movies", "")
    assert _tags.user_tags({**TAGS, _tags.SETTLED: "yes"}) == {"team": "data"}


def test_the_filter_for_a_stack() -> None:
    """
    EC2 filters by the owner's tag.
    """
    assert _tags.of_stack("movies") == [{"Name": "tag:batchkit:stack", "Values": ["movies"]}]
