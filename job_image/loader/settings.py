"""
What the environment says: every variable is checked, and all faults are told together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .environment import Environment

NUMBER_COLUMNS = "vote_average,vote_count,popularity"
# More bad rows than good ones are no dirty file, but one that is read the wrong way.
MAX_SKIPPED = "50%"
GIB = 1024**3


@dataclass(frozen=True)
class Settings:
    """
    The job's settings, valid as a whole.
    """

    bucket: str
    file_path: str
    table_name: str
    region: str
    key_column: str | None = None
    number_columns: frozenset[str] = frozenset(NUMBER_COLUMNS.split(","))
    member: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    comment: str | None = None
    null: frozenset[str] = frozenset()
    spaces: str = "auto"
    skip_lines: int = 0
    header: tuple[str, ...] | None = None
    skip_rows: int = 0
    max_skipped: tuple[float, bool] = (50.0, True)
    bad_rows: str = "skip"
    split: str = "auto"
    connections: int = 16
    wcu_budget: float | None = None
    max_ratio: int = 300
    max_bytes: int = 100 * GIB
    give_up_seconds: float = 300.0
    log_seconds: float = 5.0
    checkpoint: tuple[str, str] | None = None
    checkpoint_seconds: float = 30.0
    index: int = 0
    size: int = 1


def read_settings(environ: Mapping[str, str]) -> Settings:
    """
    The settings in *environ*; raises one `BadInput` that names every fault.
    """
    env = Environment(environ)
    settings = Settings(
        bucket=env.required("BUCKET", r"[A-Za-z0-9][A-Za-z0-9._:/-]{1,254}"),
        file_path=env.required("FILE_PATH", r"[^\ud800-\udfff]{1,1024}"),
        # DynamoDB takes the ARN of a table as its name, as it must be for one of another account.
        table_name=env.required("TABLE_NAME", r"[A-Za-z0-9_.:/-]{3,1024}"),
        region=env.region(),
        **_format(env),
        **_limits(env),
        **_share(env),
    )
    env.check_endpoints()
    env.check_apart("DELIMITER", "QUOTE")
    env.check_apart("DELIMITER", "ESCAPE")
    env.raise_faults()
    return settings


def _format(env: Environment) -> dict[str, Any]:
    """
    How the file is written, and what its columns are.
    """
    quote, escape = env.character("QUOTE", none=True), env.character("ESCAPE")
    return dict(
        key_column=env.text("KEY_COLUMN"),
        number_columns=env.names("NUMBER_COLUMNS", NUMBER_COLUMNS),
        member=env.text("MEMBER"),
        encoding=env.encoding("ENCODING"),
        delimiter=env.character("DELIMITER"),
        quote=quote,
        # A quote that a second one escapes is CSV's own way.
        escape=None if escape == ('"' if quote is None else quote) else escape,
        comment=env.text("COMMENT"),
        null=env.markers("NULL"),
        spaces=env.choice("SPACES", ("auto", "strip", "keep")),
        skip_lines=int(env.number("SKIP_LINES", 0, 0, 1_000_000)),
        header=env.header("HEADER"),
        skip_rows=int(env.number("SKIP_ROWS", 0, 0, 1_000_000)),
    )


def _limits(env: Environment) -> dict[str, Any]:
    """
    What the job may take, and when it ends or tells.
    """
    return dict(
        bad_rows=env.choice("BAD_ROWS", ("skip", "fail")),
        max_skipped=env.share("MAX_SKIPPED", MAX_SKIPPED),
        connections=int(env.number("CONNECTIONS", 16, 1, 64)),
        max_ratio=int(env.number("MAX_RATIO", 300, 1, 1_000_000)),
        max_bytes=int(env.number("MAX_BYTES", 100 * GIB, 1, 2**60)),
        give_up_seconds=env.number("GIVE_UP_SECONDS", 300, 1, 86_400),
        log_seconds=env.number("LOG_SECONDS", 5, 0.1, 3600),
        checkpoint=env.s3_url("CHECKPOINT"),
        checkpoint_seconds=env.number("CHECKPOINT_SECONDS", 30, 0.1, 3600),
    )


def _share(env: Environment) -> dict[str, Any]:
    """
    This worker's part of the work and of the budget.
    """
    index, size = env.array()
    budget = env.number("WCU_BUDGET", 0, 0, 10_000_000)
    return dict(
        split=env.choice("SPLIT", ("auto", "rows", "objects")),
        wcu_budget=budget / size if budget else None,
        index=index,
        size=size,
    )
