"""
The parts of the loader on their own: settings, rows and numbers, rate, signatures, counting.
"""

from __future__ import annotations

import decimal
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aws import Service, endpoint_url, find_credentials, s3_path
from botocore.credentials import Credentials, RefreshableCredentials
from conftest import JOB_IMAGE, Ran
from counts import Distinct
from fake_aws import FakeAws
from faults import BadInput, Refused
from hypothesis import given
from hypothesis import strategies as st
from rate import Rate, back_off
from rows import KeyAttribute, Rows, item_size, number_text
from settings import Settings, read_settings
from tojson import plain_json, to_json

Run = Callable[..., Ran]
REQUIRED = {"BUCKET": "data", "FILE_PATH": "m.csv", "TABLE_NAME": "movies", "AWS_REGION": "x"}


def test_all_missing_settings_are_named_together(run: Run, aws: FakeAws) -> None:
    """
    One line, exit code 2, and a summary all the same.
    """
    ran = run(BUCKET="", FILE_PATH="", TABLE_NAME="")
    assert ran.code == 2
    assert ran.err == ("error: settings: BUCKET is not set; FILE_PATH is not set; "
                       "TABLE_NAME is not set\n")
    assert (ran.summary["rows"], ran.summary["written"]) == (0, 0)


WRONG = {
    "CONNECTIONS": "many", "WCU_BUDGET": "-1", "MAX_RATIO": "0", "MAX_BYTES": "x",
    "GIVE_UP_SECONDS": "nan", "LOG_SECONDS": "0", "DELIMITER": ";;", "QUOTE": "ab",
    "ENCODING": "klingon", "BAD_ROWS": "maybe", "SPLIT": "half", "CHECKPOINT": "bucket/key",
    "CHECKPOINT_SECONDS": "soon", "AWS_BATCH_JOB_ARRAY_INDEX": "4", "TABLE_NAME": "a b",
    "BUCKET": "-", "AWS_ENDPOINT_URL_S3": "localhost:9000",
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
    source = (JOB_IMAGE / "settings.py").read_text()
    told = (JOB_IMAGE / "README.md").read_text()
    names = {part.split('"')[0] for part in source.split('("')[1:]} | set(WRONG)
    assert all(f"`{name}`" in told for name in names if name.isupper() and "_" in name)


NUMBERS = {
    "7": "7", "7.0": "7.0", "-0.5": "-0.5", "0": "0", " 8.3 ": "8.3", "+4": "4", "007": "7",
    ".5": "0.5", "5.": "5", "1e3": "1E+3", "1E-130": "1E-130", "9.9e125": "9.9E+125",
    "0.00": "0.00", "0e999": "0", "1" * 38: "1" * 38, "1" + "0" * 60: "1E+60",
    "1.50000000000000000000000000000000000000000000": "1.5",
    "1" * 39: None, "1e126": None, "1e-131": None, "nan": None, "inf": None, "": None, "N/A": None,
    "1,5": None, "0x10": None, "١": None, "1_000": None, "--1": None, "1e99999": None,
}


@pytest.mark.parametrize("cell", NUMBERS)
def test_numbers(cell: str) -> None:
    """
    A cell is a number that DynamoDB takes, in a spelling that it takes, or None.
    """
    assert number_text(cell) == NUMBERS[cell]


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_stay_exact(number: Decimal) -> None:
    """
    What is taken as a number is that number, to the last digit; what isn't has a reason.
    """
    text = number_text(str(number))
    with decimal.localcontext(decimal.Context(prec=2000, Emax=99999, Emin=-99999)):
        digits = number.normalize().as_tuple().digits
        if text is None:
            assert len(digits) > 38 or not -130 <= number.adjusted() <= 125
        else:
            assert Decimal(text) == number


def test_what_is_no_number_stays_as_text(aws: FakeAws, run: Run) -> None:
    """
    Nothing is lost and nothing fails: the cell is a string, and counted.
    """
    aws.put("m.csv", b"id,vote_average,vote_count\n1,8.3,N/A\n2,,12\n")
    ran = run(FILE_PATH="m.csv")
    assert aws.items[("1",)] == {"id": {"S": "1"}, "vote_average": {"N": "8.3"},
                                 "vote_count": {"S": "N/A"}}
    assert aws.items[("2",)] == {"id": {"S": "2"}, "vote_count": {"N": "12"}}
    assert ran.summary["kept_as_text"] == 1


def test_the_key_is_what_the_table_says(aws: FakeAws, run: Run) -> None:
    """
    Name and type come from the table; 1 and 1.0 are one key of type N.
    """
    aws.keys = [("number", "HASH", "N")]
    aws.put("m.csv", b",title\n1,Heat\n1.0,Alien\nx,Bad\n")
    ran = run(FILE_PATH="m.csv")
    assert list(aws.items.values()) == [{"number": {"N": "1.0"}, "title": {"S": "Alien"}}]
    assert ran.summary["skipped_by_reason"] == {"duplicate key": 1, "key is not a number": 1}


def test_an_unnamed_last_column_is_no_key(aws: FakeAws, run: Run) -> None:
    """
    It comes from a comma at the end of each line, so `id` goes before it.
    """
    aws.keys = [("pk", "HASH", "S")]
    aws.put("m.csv", b"id,title,\n1,Heat,\n")
    run(FILE_PATH="m.csv")
    assert aws.plain_items() == {"1": {"pk": "1", "title": "Heat"}}


def test_a_sort_key_comes_from_its_column(aws: FakeAws, run: Run) -> None:
    """
    Rows are told apart by both; without the column nothing is written.
    """
    aws.keys = [("id", "HASH", "S"), ("year", "RANGE", "N")]
    aws.put("m.csv", b"id,year,title\n1,1995,Heat\n1,1996,Heat 2\n1,1995,Again\n1,,None\n")
    ran = run(FILE_PATH="m.csv", AWS_BATCH_JOB_ARRAY_INDEX="0", AWS_BATCH_JOB_ARRAY_SIZE="1")
    assert {key: item["title"]["S"] for key, item in aws.items.items()} == {
        ("1", "1995"): "Again", ("1", "1996"): "Heat 2"}
    assert ran.summary["skipped_by_reason"] == {"duplicate key": 1, "empty key": 1}
    aws.put("m.csv", b"id,title\n1,Heat\n")
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "sort key 'year' is not a column" in ran.err) == (2, True)


def test_a_binary_key_is_bad_input(aws: FakeAws, run: Run) -> None:
    """
    The message names the attribute.
    """
    aws.keys = [("hash", "HASH", "B")]
    ran = run(FILE_PATH="m.csv")
    assert (ran.code, "the key 'hash' is binary" in ran.err) == (2, True)


def test_orjson_is_not_needed(run: Run, aws: FakeAws) -> None:
    """
    Both ways to JSON give the same bytes for any item.
    """
    value = {"PutRequest": {"Item": {"título": {"S": '"\\\n\x01\0é東🎬'}, "n": {"N": "1.0"}}}}
    assert plain_json(value) == to_json(value) or b"\\u0000" in to_json(value)
    import json
    assert json.loads(plain_json(value)) == json.loads(to_json(value)) == value


def test_an_items_size_is_counted_as_dynamodb_does() -> None:
    """
    Names and strings by their UTF-8 bytes, numbers by half their digits.
    """
    assert item_size({"id": {"S": "é"}, "n": {"N": "1234"}}) == 2 + 2 + 1 + 4


def test_a_row_made_to_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `shape` is the one place to change what a row becomes.
    """
    import rows
    monkeypatch.setattr(rows, "shape", lambda item: None if item["n"]["S"] == "x" else item)
    made = Rows(["id", "n"], [KeyAttribute("id", "S", 2048)], Settings("b", "f", "t", "r"), "here")
    assert made.make(["1", "x"]) == "left out by shape()"
    assert not isinstance(made.make(["1", "y"]), str)


class Now:
    """
    A clock that is set by hand.
    """

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_the_rate_settles_just_below_what_the_table_takes() -> None:
    """
    Against a table of 500 units a second with a burst of 2000, few requests are refused.
    """
    now = Now()
    rate = Rate(None, now)
    bucket, refilled, taken, refused = 2000.0, now(), 0, 0
    while now() < 200:
        now.seconds += max(0.0005, rate.reserve(25))
        bucket = min(2000.0, bucket + (now() - refilled) * 500)
        refilled = now()
        throttled = bucket < 25
        bucket -= 0 if throttled else 25
        taken += 0 if throttled else 25
        refused += throttled
        rate.report(*((0, 25) if throttled else (25, 0)))
    assert taken > 0.85 * (2000 + 100 * 500)
    assert refused < 0.1 * taken / 25


def test_a_budget_is_never_passed() -> None:
    """
    With 100 units a second, 1000 units take ten seconds.
    """
    now = Now()
    rate = Rate(100, now)
    for _ in range(40):
        now.seconds += rate.reserve(25)
        rate.report(25, 0)
    assert now() - 100 >= 9.7


def test_a_rate_without_throttling_has_no_limit() -> None:
    """
    Nobody waits for a table that takes everything.
    """
    rate = Rate(None, Now())
    assert [rate.reserve(10_000) for _ in range(5)] == [0] * 5


def test_back_off_has_full_jitter() -> None:
    """
    Any time from none to a bound that doubles, up to ten seconds.
    """
    for attempt in range(1, 60):
        waits = [back_off(attempt) for _ in range(50)]
        bound = min(10, 0.05 * 2**attempt)
        assert 0 <= min(waits) and max(waits) <= bound and max(waits) > bound / 3


@given(st.lists(st.integers(-2**63, 2**63 - 1) | st.integers(-3, 3), max_size=60),
       st.integers(1, 9))
def test_distinct_counts_exactly(hashes: list[int], hold: int) -> None:
    """
    However often it spills to its file, the count is that of a set.
    """
    from array import array
    distinct = Distinct(hold)
    for at in range(0, len(hashes), 4):
        distinct.add(array("q", hashes[at:at + 4]))
    assert distinct.count() == len(set(hashes))
    distinct.close()


class Expiring:
    """
    A source of credentials that are always about to expire.
    """

    def __init__(self) -> None:
        self.fetched = 0

    def fetch(self) -> dict[str, Any]:
        """
        The next credentials.
        """
        self.fetched += 1
        return {"access_key": f"key{self.fetched}", "secret_key": "s", "token": "t",
                "expiry_time": "2020-01-01T00:00:00Z" if self.fetched == 1
                else "2999-01-01T00:00:00Z"}


def test_credentials_are_renewed_between_requests() -> None:
    """
    Each signature is made with credentials that are valid at that moment.
    """
    source = Expiring()
    credentials = RefreshableCredentials.create_from_metadata(
        source.fetch(), source.fetch, "test")
    service = Service("dynamodb", "us-east-1", credentials, {})
    assert service.signer().credentials.access_key == "key2"


def test_without_credentials_the_job_is_refused(monkeypatch: pytest.MonkeyPatch,
                                                tmp_path: Path) -> None:
    """
    The message says what a job needs.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Refused, match="job role"):
        find_credentials()


def test_a_service_of_its_own_endpoint_goes_before_the_common_one() -> None:
    """
    AWS_ENDPOINT_URL_S3 is for S3 alone.
    """
    environ = {"AWS_ENDPOINT_URL": "http://all/", "AWS_ENDPOINT_URL_S3": "http://s3"}
    assert endpoint_url("s3", environ) == "http://s3"
    assert endpoint_url("dynamodb", environ) == "http://all"
    assert endpoint_url("s3", {}) is None


@pytest.mark.parametrize(("region", "bucket", "wanted"), [
    ("eu-west-1", "data", "https://data.s3.eu-west-1.amazonaws.com/a%20b/%C3%A9"),
    ("cn-north-1", "data", "https://data.s3.cn-north-1.amazonaws.com.cn/a%20b/%C3%A9"),
    ("eu-west-1", "my.data", "https://s3.eu-west-1.amazonaws.com/my.data/a%20b/%C3%A9"),
])
def test_addresses_on_aws(region: str, bucket: str, wanted: str) -> None:
    """
    A bucket is part of the host name, unless it has dots.
    """
    service = Service("s3", region, Credentials("a", "b"), {})
    host, path = s3_path(service, bucket, "a b/é")
    assert service.pool(host)[0] + path == wanted
    service.close()


def test_the_ca_bundle_is_the_one_that_is_named() -> None:
    """
    AWS_CA_BUNDLE goes before botocore's own.
    """
    service = Service("s3", "x", Credentials("a", "b"), {"AWS_CA_BUNDLE": "/ca.pem"})
    assert service.ca_bundle() == "/ca.pem"
    assert Path(Service("s3", "x", None, {}).ca_bundle()).exists()


def test_python_is_one_that_the_loader_runs_on() -> None:
    """
    The oldest is the SDK's oldest.
    """
    assert sys.version_info >= (3, 10)
