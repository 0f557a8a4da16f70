"""
Confidential values: a repr and an error name a variable, and never show what it holds.
"""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, strategies as st

from batchkit import BatchkitError, ConfigError, Schedule, SpecError, StackSpec, load_spec
from batchkit._model.confidential import Confidential, as_variables, hide, masked, revealed
from batchkit._model.values import Json

CANARY = "S3CR3T-canary"


def raised(call: Callable[[], object], error: type[Exception] = SpecError) -> str:
    """
    All that is printed of the error that *call* raises, its causes included.
    """
    with pytest.raises(error) as caught:
        call()
    shown = f"{caught.value!r} {caught.value}"
    return shown + "".join(traceback.format_exception(caught.value))


@given(st.text(), st.text())
def test_a_confidential_text_is_a_text_whose_repr_hides_it(name: str, value: str) -> None:
    """
    It is equal, hashed, copied, pickled and sent as JSON as the text that it is.
    """
    hidden = Confidential(value)
    assert (
        hidden == value and hash(hidden) == hash(value) and json.dumps(hidden) == json.dumps(value)
    )
    for made in (pickle.loads(pickle.dumps(hidden)), copy.deepcopy(hidden)):
        assert made == value and repr(made) == "'***'"
    variables = as_variables({name: value})
    assert variables == {name: value} and as_variables(variables) == variables
    assert "'***'" in repr([variables]) or "=***" in repr([variables])


def test_values_are_masked_and_revealed_however_deep() -> None:
    """
    In lists, tuples and mappings, and nothing else is changed.
    """
    given = {"a": [Confidential("x")], "b": (Confidential("y"), 1), "c": "z"}
    assert masked(given) == {"a": ["***"], "b": ("***", 1), "c": "z"}
    assert repr(revealed(given)) == "{'a': ['x'], 'b': ('y', 1), 'c': 'z'}"


def test_a_message_is_without_the_values_of_its_call() -> None:
    """
    Those that are long enough to be one, the longer ones first.
    """
    given = {"input": Json({"A": [Confidential("secret1")]}), "b": (Confidential("secret12"),)}
    text = "got secret12 and secret1 and 1"
    assert hide(text, {**given, "c": Confidential("1")}) == "got *** and *** and 1"


def test_a_spec_is_the_same_after_evolve_and_pickling() -> None:
    """
    Its variables are still hidden.
    """
    spec = StackSpec(name="films", image="a:b", environment={"A": CANARY})
    for one in (attrs.evolve(spec, vcpus=2, memory=4096), pickle.loads(pickle.dumps(spec))):
        assert one.environment == {"A": CANARY} and CANARY not in repr(one)


def test_an_error_names_the_variable_that_is_wrong() -> None:
    """
    And none of those that are right.
    """
    odd: Any = {"OK": CANARY, "A": 1}
    text = raised(
        lambda: StackSpec(name="a", image="b:c", environment={"BAD-NAME": CANARY, "OK": CANARY})
    )
    assert "environment: got {'BAD-NAME': '***'}, expects names" in text
    assert "OK': '***" not in text
    assert "{'A': <int>}" in raised(lambda: StackSpec(name="a", image="b:c", environment=odd))
    secrets = {"TOKEN": CANARY}  # a literal, where an ARN belongs
    assert "{'TOKEN': '***'}" in raised(lambda: StackSpec(name="a", image="b:c", secrets=secrets))


@pytest.mark.parametrize(
    "lines",
    [
        f'environment = "{CANARY}"',
        f'environment = ["{CANARY}"]',
        f'[environment]\n"BAD-NAME" = "{CANARY}"\nOK = "{CANARY}"',
        f'[secrets]\nTOKEN = "{CANARY}"',
        f'[environment]\nA = "{CANARY}',
        f"[environment]\nA = {CANARY}",
        f'[environment]\nA = ["{CANARY}"]',
        f'[environment.A]\nB = "{CANARY}"',
    ],
)
def test_an_error_about_the_file_prints_no_value(tmp_path: Path, lines: str) -> None:
    """
    It names the file, the line and the variable.
    """
    file = tmp_path / "batchkit.toml"
    file.write_text(f'name = "films"\nimage = "a:b"\n{lines}\n', encoding="utf-8")
    text = raised(lambda: load_spec(file), ConfigError)
    assert CANARY not in text
    assert "batchkit.toml:" in text


def test_the_input_of_a_schedule_is_not_printed() -> None:
    """
    It may hold variables of the run.
    """
    text = json.dumps({"environment": [{"Name": "A", "Value": CANARY}]})
    where = {"target": "arn:aws:states:us-east-1:1:stateMachine:x", "role": "arn:aws:iam::1:role/r"}
    given: dict[str, Any] = {"name": "s", "group": "g", "expression": "rate(1 day)", **where}
    schedule = Schedule(**given, input=text)
    assert schedule.input == text
    assert CANARY not in repr(schedule) + str(schedule) + "".join(map(repr, schedule.create()))
    assert CANARY not in raised(
        lambda: Schedule(**given, input=cast(Any, {"A": CANARY})), BatchkitError
    )
