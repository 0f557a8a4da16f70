"""
A loader on pydynox, a DynamoDB client in Rust: batches of 25 from four threads.
"""

import csv
import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import BoundedSemaphore

import boto3
from pydynox import DynamoDBClient

bucket, key, name = (os.environ[one] for one in ("BUCKET", "FILE_PATH", "TABLE_NAME"))
client = DynamoDBClient(
    region=os.environ["AWS_REGION"],
    access_key="a",
    secret_key="b",
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
)
body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
room = BoundedSemaphore(32)
failed: list[Exception] = []


def write(items: list[dict[str, str]]) -> None:
    try:
        client.sync_batch_write(name, put_items=items)
    except Exception as error:  # told below: the threads must go on
        failed.append(error)
    finally:
        room.release()


archive = zipfile.ZipFile(io.BytesIO(body))
films = csv.reader(io.TextIOWrapper(archive.open("movies.csv"), "utf-8", newline=""))
header = [one or "id" for one in next(films)]
with ThreadPoolExecutor(4) as threads:
    while batch := [
        {one: cell for one, cell in zip(header, film) if cell} for film in islice(films, 25)
    ]:
        room.acquire()
        threads.submit(write, batch)
if failed:
    raise SystemExit(f"{len(failed)} batches failed: {failed[0]}")
