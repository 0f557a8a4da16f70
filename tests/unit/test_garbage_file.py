"""
Garbage in a `batchkit.toml`: whatever a key holds, the error is about the file and names its line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from batchkit import ConfigError, ImageSource, StackSpec, Table, load_spec
from batchkit.cli.config import GRANTS

KEYS = [one.name for one in attrs.fields(StackSpec)]
INNER = ["kind", "name", "stack", "folder", "allow", "s3_read", "spot", "zones", "tags", "a.b"]
PLAIN = st.one_of(
    st.sampled_from(['""', '"x"', '"films"', '"fargate"', '"nat"', '"\\u0000"', '"."', '"arn:x"']),
    st.sampled_from(["true", "0", "1", "-1", "1.5", "nan", "inf", "1979-05-27", "07:32:00"]),
    st.text(max_size=8).map(json.dumps),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | st.dictionaries(st.sampled_from(INNER), inner, max_size=2).map(
        lambda entries: "{%s}" % ", ".join(f'"{key}" = {one}' for key, one in entries.items())
    ),
    max_leaves=4,
)


def load(folder: Path, text: str) -> StackSpec | None:
    """
    The spec that *text* is, or None if it is refused as a file.
    """
    file = folder / "batchkit.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        return load_spec(file)
    except ConfigError as error:
        assert "batchkit.toml" in str(error)
        return None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
def test_whatever_keys_hold_only_the_file_is_at_fault(tmp_path: Path, given: Any) -> None:
    """
    One or several of them; what isn't given is right.
    """
    keys = {"name": '"films"', "image": '"a:b"', **given}
    load(tmp_path, "".join(f"{key} = {value}\n" for key, value in keys.items()))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_a_text_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    """
    And a spec without a name is none.
    """
    assert load(tmp_path, text) is None


@pytest.mark.parametrize(
    "value", ["1", '"x"', "[]", "{}", "{folder = 1}", '{folder = "\\u0000"}', "[{}]", "{x = [1]}"]
)
@pytest.mark.parametrize(
    "key",
    [*KEYS, *(f"image.{one.name}" for one in attrs.fields(ImageSource))]
    + [f"table.{one.name}" for one in attrs.fields(Table)],
)
def test_each_key_takes_or_refuses_each_sort_of_value(tmp_path: Path, key: str, value: str) -> None:
    """
    Tables where a text belongs, and texts where a table belongs.
    """
    outer, _, _ = key.partition(".")
    right = {"name": '"films"', "image": '"a:b"'}
    lines = [f"{name} = {one}" for name, one in right.items() if name != outer]
    load(tmp_path, "\n".join([*lines, f"{key} = {value}", ""]))


@pytest.mark.parametrize(
    "value", ["1", "[]", "[1, 2, 3, 4]", '[["a"]]', "{}", "{a = 1}", '"\\u0000"']
)
@pytest.mark.parametrize("grant", list(GRANTS))
def test_the_arguments_of_a_grant_are_refused_by_line(
    tmp_path: Path, grant: str, value: str
) -> None:
    """
    Their number, their names and their types.
    """
    text = f'name = "films"\nimage = "a:b"\ngrants = [{{{grant} = {value}}}]\n'
    assert load(tmp_path, text) is None


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """
    A folder, and a name that no system has.
    """
    for path in (tmp_path, tmp_path / "none", "a\0b", "\ud800", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError):
            load_spec(path)
