"""
The loader's settings: what they take, and what a wrong one is told.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_state import FakeAws
from loader.faults import BadInput
from loader.settings import read_settings
from loader_lab import JOB_IMAGE, Ran

Run = Callable[..., Ran]
REQUIRED = {"BUCKET": "data", "FILE_PATH": "m.csv", "TABLE_NAME": "movies", "AWS_REGION": "x"}


def test_all_missing_settings_are_named_together(run: Run, aws: FakeAws) -> None:
    """
    One line, exit code 2, and a summary all the same.
    """
    ran = run(BUCKET="", FILE_PATH="", TABLE_NAME="")
    assert ran.code == 2
    assert ran.err == (
        "error: settings: BUCKET is not set; FILE_PATH is not set; TABLE_NAME is not set\n"
    )
    assert (ran.summary["rows"], ran.summary["written"]) == (0, 0)


WRONG = {
    "CONNECTIONS": "many",
    "WCU_BUDGET": "-1",
    "MAX_RATIO": "0",
    "MAX_BYTES": "x",
    "GIVE_UP_SECONDS": "nan",
    "LOG_SECONDS": "0",
    "DELIMITER": ";;",
    "QUOTE": "ab",
    "ENCODING": "klingon",
    "BAD_ROWS": "maybe",
    "SPLIT": "half",
    "CHECKPOINT": "bucket/key",
    "CHECKPOINT_SECONDS": "soon",
    "AWS_BATCH_JOB_ARRAY_INDEX": "4",
    "TABLE_NAME": "a b",
    "BUCKET": "-",
    "AWS_ENDPOINT_URL_S3": "localhost:9000",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named(name: str) -> None:
    """
    The message has the variable and the value.
    """
    with pytest.raises(BadInput) as caught:
        read_settings({**REQUIRED, name: WRONG[name]})
    assert name in str(caught.value) and repr(WRONG[name]) in str(caught.value)


def test_wrong_settings_are_named_together() -> None:
    """
    No fault hides another.
    """
    with pytest.raises(BadInput) as caught:
        read_settings({**REQUIRED, **WRONG})
    assert all(name in str(caught.value) for name in WRONG)


def test_the_region_is_needed_only_without_an_endpoint() -> None:
    """
    Beside an emulator any region will do; on AWS there must be one.
    """
    without = {name: REQUIRED[name] for name in ("BUCKET", "FILE_PATH", "TABLE_NAME")}
    assert read_settings({**without, "AWS_ENDPOINT_URL": "http://x"}).region == "us-east-1"
    assert read_settings({**without, "AWS_DEFAULT_REGION": "eu-west-1"}).region == "eu-west-1"
    with pytest.raises(BadInput, match="AWS_REGION"):
        read_settings(without)


def test_a_budget_is_shared_by_an_array() -> None:
    """
    Ten workers with 500 units have 50 each.
    """
    array = {"AWS_BATCH_JOB_ARRAY_INDEX": "9", "AWS_BATCH_JOB_ARRAY_SIZE": "10"}
    assert read_settings({**REQUIRED, **array, "WCU_BUDGET": "500"}).wcu_budget == 50


def test_the_readme_lists_every_setting() -> None:
    """
    What settings.py reads is in the README's table.
    """
    source = (JOB_IMAGE / "loader" / "settings.py").read_text()
    told = (JOB_IMAGE / "README.md").read_text()
    names = {part.split('"')[0] for part in source.split('("')[1:]} | set(WRONG)
    assert all(f"`{name}`" in told for name in names if name.isupper() and "_" in name)


@pytest.mark.parametrize("name", ["hex", "rot13", "utf-7", "unicode_escape", "idna", "undefined"])
def test_an_encoding_is_one_that_files_have(name: str) -> None:
    """
    Python calls other things encodings too; what they decode can't be sent, or they fail late.
    """
    with pytest.raises(BadInput, match="ENCODING"):
        read_settings({**REQUIRED, "ENCODING": name})


def test_a_key_in_s3_is_text() -> None:
    """
    Bytes that aren't UTF-8 come as surrogates out of the environment, and can't be asked for.
    """
    with pytest.raises(BadInput, match="FILE_PATH"):
        read_settings({**REQUIRED, "FILE_PATH": "a\udc80.csv"})
