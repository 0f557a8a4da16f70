"""
Texts of others, made fit to be shown: log lines, names and tags may hold anything.
"""

from __future__ import annotations

import re
from typing import Final

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_UNSAFE: Final = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """
    *text* on one line, without colours; what could steer a terminal or turn the text around is
    written as an escape.
    """
    return _UNSAFE.sub(_escaped, _COLOUR.sub("", text))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def seconds(number: float) -> str:
    """
    A span of time, in few words.
    """
    if number < 10:
        return f"{number:.1f} s"
    if number < 90:
        return f"{number:.0f} s"
    minutes, rest = divmod(round(number), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
