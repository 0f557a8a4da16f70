"""
Texts that may hold anything, as a terminal can show them.
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


def printable_lines(text: str) -> str:
    """
    *text*, with each of its lines made printable.
    """
    return "\n".join(map(printable, text.split("\n")))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
