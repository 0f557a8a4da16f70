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


def test_what_was_written_is_told_from_what_others_wrote() -> None:
    """
    Forty keys of any length fit into the value of one tag.
    """
    many = {str(number) * 64: "x" for number in range(10, 50)}
    assert len(_tags.written(many)) == 240
    there = {**many, "theirs": "y"}
    assert _tags.left_out({}, there, _tags.written(many)) == [*many, _tags.WRITTEN]
    one = next(iter(many))
    kept = {key: value for key, value in many.items() if key != one}
    assert _tags.left_out(kept, there, _tags.written(many)) == [one]
    assert _tags.left_out({}, there, "") == _tags.left_out(many, many, _tags.written(many)) == []


def test_the_filter_for_a_stack() -> None:
    """
    EC2 filters by the owner's tag.
    """
    assert _tags.of_stack("movies") == [{"Name": "tag:batchkit:stack", "Values": ["movies"]}]
