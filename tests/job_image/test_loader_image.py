"""
The loader on moto with real data, in the way a user's machine and the image run it.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from loader_lab import JOB_IMAGE, end_child, start_child
from moto.server import ThreadedMotoServer

MOVIES = Path(__file__).parents[2] / "job_image" / "sample" / "movies.zip"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """
    The address of a moto server with the table and the file.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def environ_of(endpoint: str) -> dict[str, str]:
    """
    The job's environment.
    """
    return {
        "BUCKET": "films",
        "FILE_PATH": "in/movies.zip",
        "TABLE_NAME": "movies",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }


def items_of(table: Any) -> dict[str, dict[str, str]]:
    """
    What *table* holds, as text.
    """
    pages = [table.scan()]
    while "LastEvaluatedKey" in pages[-1]:
        pages.append(table.scan(ExclusiveStartKey=pages[-1]["LastEvaluatedKey"]))
    return {
        item["id"]: {name: str(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    }


def films() -> dict[str, dict[str, str]]:
    """
    What it should hold.
    """
    text = zipfile.ZipFile(MOVIES).read("movies.csv").decode("utf-8-sig")
    return {
        row[""]: {name or "id": cell for name, cell in row.items() if cell}
        for row in csv.DictReader(io.StringIO(text, newline=""))
    }


def test_the_films_are_in_the_table(endpoint: str) -> None:
    """
    Every film of the file is an item: all its cells, numbers as numbers, nothing else.
    """
    session = boto3.Session("a", "b", region_name="eu-west-1")
    s3 = session.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket="films", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.upload_file(str(MOVIES), "films", "in/movies.zip")
    table = session.resource("dynamodb", endpoint_url=endpoint).create_table(
        TableName="movies",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    ran = end_child(start_child(environ_of(endpoint)))
    assert (ran.code, ran.err) == (0, "")
    held, wanted = items_of(table), films()
    numbers = {"vote_average", "vote_count", "popularity"}
    assert held.keys() == wanted.keys()
    for key, item in wanted.items():
        assert held[key].keys() == item.keys()
        assert all(held[key][name] == cell for name, cell in item.items() if name not in numbers)
        assert all(float(held[key][name]) == float(item[name]) for name in numbers & item.keys())
    assert ran.summary["written"] == ran.summary["rows"] == len(wanted) == 3201


def test_what_is_missing_on_moto_is_named(endpoint: str) -> None:
    """
    A table, an object or a bucket that isn't there is bad input.
    """
    for name, value in [("TABLE_NAME", "none"), ("FILE_PATH", "none.zip"), ("BUCKET", "nowhere")]:
        ran = end_child(start_child({**environ_of(endpoint), name: value}))
        assert (ran.code, value in ran.err, len(ran.err.splitlines())) == (2, True, 1)


def test_the_image_holds_all_that_the_loader_imports() -> None:
    """
    The requirements are pinned, and the Dockerfile copies every module.
    """
    pins = (JOB_IMAGE / "requirements.txt").read_text().split("\n")
    named = [line for line in pins if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line) for line in named)
    assert {"botocore", "urllib3", "orjson"} <= {line.partition("==")[0] for line in named}
    docker = (JOB_IMAGE / "Dockerfile").read_text()
    assert (
        "COPY main.py ./\nCOPY loader/*.py loader/\n" in docker
        and "USER 10001" in docker
        and "PYTHONUNBUFFERED=1" in docker
    )
    assert {path.parent.name for path in JOB_IMAGE.rglob("*.py")} == {"job_image", "loader"}
    assert [path.name for path in JOB_IMAGE.glob("*.py")] == ["main.py"]
