"""
Numbers as DynamoDB takes them, exact to the last digit.
"""

from __future__ import annotations

import re
from decimal import Decimal, DecimalException

is_plain = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
is_number = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch


def number_text(cell: str) -> str | None:
    """
    *cell* as DynamoDB takes a number, exact to the last digit, or None if it can't be one.
    """
    if len(cell) <= 38 and is_plain(cell):
        return cell
    cell = cell.strip()
    if len(cell) > 1000 or not is_number(cell):
        return None
    return _within_limits(cell)


def _within_limits(cell: str) -> str | None:
    """
    *cell* without needless zeros, if 38 digits and DynamoDB's range hold it.
    """
    sign, digits, exponent = Decimal(cell).as_tuple()
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    power = int(exponent) + len(text) - len(kept)
    if not kept:
        return "0"
    # DynamoDB keeps 38 digits, of numbers from 1E-130 to below 1E+126.
    if len(kept) > 38 or not -130 <= power + len(kept) - 1 <= 125:
        return None
    return str(Decimal((sign, tuple(map(int, kept)), power)))


def canonical(number: str) -> str:
    """
    The one spelling of a number: 1, 1.0 and 1E0 are the same key.
    """
    try:
        return _within_limits(number) or number
    except DecimalException:
        return number
