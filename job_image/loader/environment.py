"""
Variables read and checked one by one; what is wrong with them is told together.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping

from .faults import BadInput

# What these decode need not be text that can be sent, or isn't meant to be a file.
_NO_FILES = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}


class Environment:
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

    def check_apart(self, name: str, other: str) -> None:
        """
        The two variables are not the same character.
        """
        value = self.text(name)
        if value is not None and value == self.text(other):
            self._faults.append(f"{name} and {other} are both {value!r}")

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

    def character(self, name: str, none: bool = False) -> str | None:
        """
        One character, where `tab` and `\\t` stand for a tab; empty for `none`, if that may be.
        """
        value = self.text(name)
        if none and value == "none":
            return ""
        value = "\t" if value in ("tab", "\\t") else value
        if value is not None and (len(value) != 1 or value in "\r\n"):
            more = ", tab or none" if none else ", or tab"
            self._faults.append(f"{name} is {value!r}: it takes one character{more}")
        return value

    def markers(self, name: str) -> frozenset[str]:
        """
        Texts parted by commas, each as it stands.
        """
        return frozenset(filter(None, (self.text(name) or "").split(",")))

    def header(self, name: str) -> tuple[str, ...] | None:
        """
        The names of columns, parted by commas; no names at all for `none`.
        """
        value = self.text(name)
        if value is None or value == "none":
            return None if value is None else ()
        return tuple(column.strip() for column in next(csv.reader([value])))

    def share(self, name: str, default: str) -> tuple[float, bool]:
        """
        A number of rows, or of per cent; whether it is per cent.
        """
        value = self.text(name) or default
        match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(%?)", value)
        number = float(match[1]) if match else -1.0
        per_cent = bool(match and match[2])
        if not 0 <= number <= (100 if per_cent else 1e15) or not per_cent and number % 1:
            self._faults.append(
                f"{name} is {value!r}: it takes a number of rows, or per cent as 5%"
            )
        return number, per_cent

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
