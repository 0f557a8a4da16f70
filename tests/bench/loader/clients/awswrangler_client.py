"""
A loader on awswrangler (AWS SDK for pandas): a data frame, put at once.
"""

import io
import os

import awswrangler
import boto3
import pandas

bucket, key, name = (os.environ[one] for one in ("BUCKET", "FILE_PATH", "TABLE_NAME"))
body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
films = pandas.read_csv(io.BytesIO(body), compression="zip", dtype=str, keep_default_na=False)
films.columns = ["id", *films.columns[1:]]
awswrangler.dynamodb.put_df(films, name)
