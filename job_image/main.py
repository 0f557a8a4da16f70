"""
Loads CSV files from S3 into a DynamoDB table: `shape` is what to change, loader/ does the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from loader.job import RealClock, run
from loader.rows import Item
from loader.writer import LoaderClock


def shape(row: Item) -> Item | None:
    """
    The item that is stored for *row*, here just as the columns gave it; None leaves the row out.

    *row* holds one attribute a column: `{"title": {"S": "Heat"}, "vote_count": {"N": "7022"}}`,
    numbers for NUMBER_COLUMNS, and nothing for an empty cell. The table's key must stay in it.
    Rows of one key must keep one key, or "the last row wins" no longer holds between the workers of
    an array job.

        row["source"] = {"S": "movies.zip"}
        row.pop("overview", None)
    """
    return row


def main(environ: Mapping[str, str] = os.environ, clock: LoaderClock = RealClock()) -> int:
    """
    Runs the job and returns its exit code.
    """
    return run(shape, environ, clock)


if __name__ == "__main__":
    sys.exit(main())
