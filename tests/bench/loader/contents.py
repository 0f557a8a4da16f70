"""
Fills an emulator, or counts what the loader left in it: fill ENDPOINT FILE, count ENDPOINT.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import boto3


def fill(endpoint: str, file: str) -> None:
    """
    There is a bucket with *file* and an empty table.
    """
    session = boto3.Session("a", "b", region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket="bucket")
    s3.upload_file(file, "bucket", "movies.zip")
    session.client("dynamodb", endpoint_url=endpoint).create_table(
        TableName="movies",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def count(endpoint: str) -> None:
    """
    The number of items is on standard output.
    """
    client = boto3.client(
        "dynamodb",
        "us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    pages = client.get_paginator("scan").paginate(TableName="movies", Select="COUNT")
    print(sum(page["Count"] for page in pages))


COMMANDS: dict[str, Callable[..., None]] = {"fill": fill, "count": count}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
