"""
What DynamoDB refuses of an item.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class Invalid(Exception):
    """
    DynamoDB's ValidationException.
    """


def check_item(item: dict[str, Any], indexed: dict[str, str]) -> None:
    """
    Refuses what DynamoDB refuses of an item, apart from its key.
    """
    size = 0
    for name, value in item.items():
        ((kind, text),) = value.items()
        # The type of an index's key is part of the table: an item without it is in no index.
        if indexed.get(name, kind) != kind:
            raise Invalid(f"Type mismatch for Index Key {name}")
        if not name:
            raise Invalid("Empty attribute name")
        size += len(name.encode()) + len(text.encode())
        if kind == "N":
            number = Decimal(text)
            digits = number.normalize().as_tuple().digits
            if len(digits) > 38 or (number and not -130 <= number.adjusted() <= 125):
                raise Invalid("Attempting to store more than 38 significant digits")
    if size > 400 * 1024:
        raise Invalid("Item size has exceeded the maximum allowed size")
