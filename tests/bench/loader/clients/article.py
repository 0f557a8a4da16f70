"""
The loader as the article has it: the whole file in memory, boto3's table resource, one connection.
"""

import csv
import io
import os
import zipfile

import boto3

bucket, key, name = (os.environ[one] for one in ("BUCKET", "FILE_PATH", "TABLE_NAME"))
body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
with zipfile.ZipFile(io.BytesIO(body)) as archive:
    files = {one: archive.read(one) for one in archive.namelist()}
text = next(iter(files.values())).decode("utf-8")
films = list(csv.DictReader(io.StringIO(text)))
with boto3.resource("dynamodb").Table(name).batch_writer() as batch:
    for film in films:
        batch.put_item(Item={"id": film[""], **{one: film[one] for one in film if one}})
print(len(films), "films")
