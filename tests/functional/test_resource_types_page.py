"""
The page about resource types: its example works, and its tables have all that there is.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import attrs
import boto3
import pytest

from account_fixture import AccountFixture
from batchkit._model import calls, values
from batchkit._model.calls import operations
from batchkit._model.resource import Resource
from batchkit._model.resource_base import ResourceBase
from batchkit.ensure import ensure
from batchkit.errors import NotOwnedError
from batchkit.events import Action
from fakes import mutating

PAGE = (Path(__file__).parents[2] / "docs" / "resource-types.md").read_text(encoding="utf-8")
OPERATION = {field.name for field in attrs.fields(calls.Operation)} - {"service", "name"}
STEPS = {"Call", "ForEach", "Parallel", "Task", "WAIT_STABLE", "WAIT_VISIBLE", "WAIT_DELETED"}
PLACEHOLDERS = {"Ref", "Arn", "ACCOUNT", "REGION", "LOCATION", "ITEM", "Zone", "Json", "OMIT"}
MAKERS = {"checked", "create_only", "write_only", "named", "read_only"}


@pytest.fixture
def topic() -> Any:
    """
    The class of the page's example.
    """
    (example,) = (
        block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class " in block
    )
    module = {"__name__": "sns"}
    exec(compile(example, "docs/resource-types.md", "exec"), module)
    return module["Topic"]


def in_tables() -> set[str]:
    """
    The names that the rows of the page's tables begin with.
    """
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)", row)}


def test_the_example_lives_as_every_resource_type_does(topic: Any, there: AccountFixture) -> None:
    """
    Made once, left alone, repaired, found by its stack alone, and deleted.
    """
    options: dict[str, Any] = {"session": there.session, "clock": there.clock}
    desired = topic(name="movies", display_name="Movies", tags={"team": "data"})
    with there.calls() as seen:
        made = ensure(desired, **options)
        assert ensure(desired, **options) == made
    assert made.arn == "arn:aws:sns:us-east-1:123456789012:movies"
    assert mutating(seen) == ["CreateTopic"]
    changed = topic(name="movies", kms_key="alias/movies", tags={"team": "films"})
    decision = there.decide(changed)
    assert (decision.action, decision.reason) == (Action.UPDATE, "tags, display_name, kms_key")
    with there.calls() as seen:
        ensure(changed, **options)
    assert mutating(seen) == ["SetTopicAttributes", "SetTopicAttributes", "TagResource"]
    assert there.decide(changed).action is Action.KEEP
    assert there.found(topic, "films") == []
    found = there.found(topic, "movies")
    assert [one.key for one in found] == [("Topic", "movies")]
    assert there.delete(found).failed == {}
    assert there.actual(desired) == [] == there.found(topic, "movies")


def test_the_example_leaves_a_topic_of_others_alone(topic: Any, there: AccountFixture) -> None:
    """
    One of its name without the stack's tag is refused.
    """
    there.sns.create_topic(Name="movies")
    with there.calls() as seen, pytest.raises(NotOwnedError):
        ensure(topic(name="movies"), session=there.session, clock=there.clock)
    assert mutating(seen) == []


def test_the_example_has_the_names_of_awss_model(topic: Any) -> None:
    """
    Each operation is one of the service's own.
    """
    session = boto3.Session("key", "secret", region_name="us-east-1")
    for operation in operations(topic).values():
        model: Any = session.client(operation.service)  # type: ignore[call-overload]
        assert model.meta.method_to_api_mapping[operation.method] == operation.name


def test_the_tables_have_every_class_attribute_and_member() -> None:
    """
    What is added to `Resource`, or to the steps and placeholders, gets its row.
    """
    declared = {**vars(ResourceBase), **vars(Resource)}
    public = {name: one for name, one in declared.items() if not name.startswith("_")}
    kinds = (property, classmethod)
    attributes = {name for name in public if name.isupper()}
    members = {n for n, one in public.items() if isinstance(one, kinds) or inspect.isfunction(one)}
    common = {field.name for field in attrs.fields(Resource)}
    assert (attributes | members | common) - in_tables() == set()


def test_the_tables_have_every_step_placeholder_and_argument() -> None:
    """
    As they are in the code: a name that is gone there fails, too.
    """
    assert all(hasattr(calls, name) for name in STEPS)
    assert all(hasattr(values, name) for name in PLACEHOLDERS)
    assert (OPERATION | STEPS | PLACEHOLDERS | MAKERS) - in_tables() == set()
