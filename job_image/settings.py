"""
What the environment says: every variable is checked, and all faults are told together.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faults import BadInput

NUMBER_COLUMNS = "vote_average,vote_count,popularity"
GIB = 1024**3
# What these decode need not be text that can be sent, or isn't meant to be a file.
_NO_FILES = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}


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
    env = _Environment(environ)
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
    env.raise_faults()
    return settings


def _format(env: _Environment) -> dict[str, Any]:
    """
    How the file is written, and what its columns are.
    """
    return dict(
        key_column=env.text("KEY_COLUMN"),
        number_columns=env.names("NUMBER_COLUMNS", NUMBER_COLUMNS),
        member=env.text("MEMBER"),
        encoding=env.encoding("ENCODING"),
        delimiter=env.character("DELIMITER"),
        quote=env.character("QUOTE"),
    )


def _limits(env: _Environment) -> dict[str, Any]:
    """
    What the job may take, and when it ends or tells.
    """
    return dict(
        bad_rows=env.choice("BAD_ROWS", ("skip", "fail")),
        connections=int(env.number("CONNECTIONS", 16, 1, 64)),
        max_ratio=int(env.number("MAX_RATIO", 300, 1, 1_000_000)),
        max_bytes=int(env.number("MAX_BYTES", 100 * GIB, 1, 2**60)),
        give_up_seconds=env.number("GIVE_UP_SECONDS", 300, 1, 86_400),
        log_seconds=env.number("LOG_SECONDS", 5, 0.1, 3600),
        checkpoint=env.s3_url("CHECKPOINT"),
        checkpoint_seconds=env.number("CHECKPOINT_SECONDS", 30, 0.1, 3600),
    )


def _share(env: _Environment) -> dict[str, Any]:
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


class _Environment:
    """
    Reads variables and remembers what is wrong with them.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []

    def raise_faults(self) -> None:
        """
        Nothing is wrong, or `BadInput` is raised.
        """
        if self._faults:
            raise BadInput("settings: " + "; ".join(self._faults))

    def text(self, name: str) -> str | None:
        """
        The variable, or None where it is unset or empty.
        """
        return self._environ.get(name) or None

    def required(self, name: str, pattern: str) -> str:
        """
        The variable, which must be set and look like *pattern*.
        """
        value = self.text(name)
        if value is None:
            self._faults.append(f"{name} is not set")
        elif not re.fullmatch(pattern, value):
            self._faults.append(f"{name} is {value!r}, which can't be one")
        return value or ""

    def region(self) -> str:
        """
        The region; beside an emulator's endpoint any will do.
        """
        # Fargate sets AWS_REGION in every container.
        region = self.text("AWS_REGION") or self.text("AWS_DEFAULT_REGION")
        if region is None and self.text("AWS_ENDPOINT_URL") is None:
            self._faults.append("AWS_REGION (or AWS_DEFAULT_REGION) is not set")
        return region or "us-east-1"

    def check_endpoints(self) -> None:
        """
        Addresses must say how to reach them.
        """
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_DYNAMODB"):
            value = self.text(name)
            if value is not None and not re.match(r"https?://[^/]", value):
                self._faults.append(f"{name} is {value!r}: it takes http://host or https://host")

    def names(self, name: str, default: str) -> frozenset[str]:
        """
        A list parted by commas; set but empty means none.
        """
        given = self._environ.get(name, default)
        return frozenset(filter(None, (part.strip() for part in given.split(","))))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """
        A number from *low* to *high*.
        """
        value = self.text(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            self._faults.append(f"{name} is {value!r}: it takes a number from {low} to {high}")
            return default
        return number

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """
        One of *allowed*; the first is the default.
        """
        value = self.text(name) or allowed[0]
        if value not in allowed:
            self._faults.append(f"{name} is {value!r}: it takes {' or '.join(allowed)}")
        return value

    def character(self, name: str) -> str | None:
        """
        One character, where `tab` and `\\t` stand for a tab.
        """
        value = self.text(name)
        value = "\t" if value in ("tab", "\\t") else value
        if value is not None and (len(value) != 1 or value in "\r\n"):
            self._faults.append(f"{name} is {value!r}: it takes one character, or tab")
        return value

    def encoding(self, name: str) -> str | None:
        """
        An encoding that Python knows; a byte-order mark of UTF-8 is no part of the text.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            known = codecs.lookup(value).name
            io.TextIOWrapper(io.BytesIO(), known)
        except LookupError:
            known = "undefined"
        if known in _NO_FILES:
            self._faults.append(
                f"{name} is {value!r}, which Python does not know as an encoding of files"
            )
            return None
        return "utf-8-sig" if known == "utf-8" else known

    def s3_url(self, name: str) -> tuple[str, str] | None:
        """
        A bucket and a key from `s3://bucket/key`.
        """
        value = self.text(name)
        match = re.fullmatch(r"s3://([^/]+)/(.*[^/])", value or "")
        if value is not None and match is None:
            self._faults.append(f"{name} is {value!r}: it takes s3://bucket/key")
        return (match[1], match[2]) if match else None

    def array(self) -> tuple[int, int]:
        """
        Which worker of how many this is; (0, 1) outside array jobs.
        """
        # Batch sets both in the children of an array job, and only there.
        names = ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE")
        given = [self.text(name) for name in names]
        if given[0] is None:
            return 0, 1
        texts = [text or "" for text in given]
        if all(re.fullmatch("[0-9]{1,9}", text) for text in texts):
            index, size = map(int, texts)
            if index < size:
                return index, size
        self._faults.append(f"{names[0]} is {given[0]!r} where {names[1]} is {given[1]!r}")
        return 0, 1
