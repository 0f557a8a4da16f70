"""
What a row becomes. To load something else, copy this folder and change `shape`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple
from zlib import crc32

from faults import BadInput
from settings import Settings
from tojson import to_json

Item = dict[str, dict[str, Any]]  # an item as DynamoDB's API has it: {"title": {"S": "Heat"}}

# DynamoDB's limit for an item, the names of its attributes included.
ITEM_LIMIT = 400 * 1024
_is_plain = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch
_ANY_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def shape(item: Item) -> Item | None:
    """
    The item that is stored for a row, here just as the columns gave it; None leaves the row out.

    *item* holds one attribute a column: `{"S": text}`, or `{"N": number}` for a number column.
    The table's key must stay in it. Rows of one key must keep one key, or "the last row wins"
    no longer holds between the workers of an array job.
    """
    return item


class KeyAttribute(NamedTuple):
    """
    One attribute of the table's primary key.
    """

    name: str
    kind: str
    limit: int


class Made(NamedTuple):
    """
    A row ready to be written.
    """

    key: Hashable
    body: bytes


def number_text(cell: str) -> str | None:
    """
    *cell* as DynamoDB takes a number, exact to the last digit, or None if it can't be one.
    """
    if len(cell) <= 38 and _is_plain(cell):
        return cell
    cell = cell.strip()
    if len(cell) > 1000 or not _ANY_NUMBER.fullmatch(cell):
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


def item_size(item: Item) -> int:
    """
    The bytes that DynamoDB counts for *item*: names and values in UTF-8, two digits a byte.
    """
    size = 0
    for name, value in item.items():
        ((kind, text),) = value.items()
        length = len(text.encode() if isinstance(text, str) else to_json(text))
        size += len(name.encode()) + (length // 2 + 2 if kind == "N" else length)
    return size


class Rows:
    """
    Turns the rows under one header into items of one table.
    """

    def __init__(
        self, header: Sequence[str], keys: Sequence[KeyAttribute], settings: Settings, where: str
    ) -> None:
        self._where = where
        self._keys = tuple(keys)
        self._key_index = self._find_key(header, settings.key_column)
        self.names = self._attributes(header)
        self._kinds = self._find_kinds(header, settings.number_columns)
        self._numbers = [
            name
            for name, kind in zip(self.names, self._kinds)
            if kind == "N" and name not in {key.name for key in keys}
        ]
        self.kept_as_text = 0

    def make(self, cells: list[str]) -> Made | str:
        """
        The row of *cells* ready to be written, or the reason why it is skipped.
        """
        if len(cells) != len(self.names):
            return "too few cells" if len(cells) < len(self.names) else "too many cells"
        item: Item | None = {
            name: {kind: cell} for name, kind, cell in zip(self.names, self._kinds, cells) if cell
        }
        assert item is not None
        self._check_numbers(item)
        item = shape(item)
        if item is None:
            return "left out by shape()"
        key = key_of(item, self._keys)
        if key is None:
            return self._bad_key(item)
        body = to_json({"PutRequest": {"Item": item}})
        # The JSON form is never shorter than what DynamoDB counts: few rows need the exact size.
        if len(body) > ITEM_LIMIT and item_size(item) > ITEM_LIMIT:
            return "item over 400 KB"
        return Made(key, body)

    def worker(self, cells: list[str], workers: int) -> int:
        """
        Which of *workers* writes this row: all rows of one key have the same.
        """
        cell = cells[self._key_index] if self._key_index < len(cells) else ""
        if self._keys[0].kind == "N":
            cell = number_text(cell) or cell
            cell = _canonical(cell) if _ANY_NUMBER.fullmatch(cell) else cell
        return crc32(cell.encode("utf-8", "surrogatepass")) % workers

    def _find_key(self, header: Sequence[str], given: str | None) -> int:
        """
        The column that holds the partition key.
        """
        if given is not None:
            if given not in header:
                raise BadInput(
                    f"{self._where}: there is no column {given!r} (KEY_COLUMN), "
                    f"only {_listed(header)}"
                )
            return header.index(given)
        leading = [""] if header[0] == "" else []
        names = [self._keys[0].name, *leading, "id", ""]
        for name in names:
            if name in header:
                return header.index(name)
        called = " or ".join(repr(name) for name in dict.fromkeys(names) if name)
        raise BadInput(
            f"{self._where}: no column is unnamed or called {called}, "
            f"only {_listed(header)}; say which is the key with KEY_COLUMN"
        )

    def _attributes(self, header: Sequence[str]) -> list[str]:
        """
        The attribute that each column becomes; a name that can't be one is `column_N`.
        """
        named = [name for name in header if name]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise BadInput(f"{self._where}: the header names {_listed(twice)} more than once")
        key = self._keys[0].name
        names = [
            name if name and name != key else f"column_{at}" for at, name in enumerate(header, 1)
        ]
        names[self._key_index] = key
        for sort_key in self._keys[1:]:
            if sort_key.name not in names:
                raise BadInput(
                    f"{self._where}: the table's sort key {sort_key.name!r} is not "
                    f"a column, only {_listed(header)} are"
                )
        if len(set(names)) != len(names):
            raise BadInput(f"{self._where}: an unnamed column clashes with one named column_N")
        return names

    def _find_kinds(self, header: Sequence[str], numbers: frozenset[str]) -> list[str]:
        """
        The type that each column is sent as: keys as the table says.
        """
        keys = {key.name: key.kind for key in self._keys}
        return [
            keys.get(name, "N" if column in numbers else "S")
            for name, column in zip(self.names, header)
        ]

    def _check_numbers(self, item: Item) -> None:
        """
        What isn't a number stays in the item as text, and is counted.
        """
        for name in self._numbers:
            if name in item:
                cell = item[name]["N"]
                if len(cell) > 38 or not _is_plain(cell):
                    item[name] = self._odd_number(cell)

    def _odd_number(self, cell: str) -> dict[str, str]:
        """
        The value of a cell that isn't simply digits.
        """
        text = number_text(cell)
        if text is not None:
            return {"N": text}
        self.kept_as_text += 1
        return {"S": cell}

    def _bad_key(self, item: Item) -> str:
        """
        Why the key of *item* can't be stored.
        """
        for key in self._keys:
            text = item.get(key.name, {}).get(key.kind, "")
            if not text:
                return "empty key"
            if key.kind == "S" and len(text.encode()) > key.limit:
                return f"key over {key.limit} bytes"
        return "key is not a number"


def key_of(item: Item, keys: Sequence[KeyAttribute]) -> Hashable | None:
    """
    What tells *item* from other items of the table, or None if its key can't be stored.
    """
    if len(keys) == 1:
        return _key_part(item, keys[0])
    parts = tuple(_key_part(item, key) for key in keys)
    return None if None in parts else parts


def _key_part(item: Item, key: KeyAttribute) -> str | None:
    """
    The value of *key* in one spelling, or None if DynamoDB would refuse it.
    """
    value = item.get(key.name)
    text = value.get(key.kind) if value else None
    if not text:
        return None
    if key.kind == "S":
        return text if len(text) * 4 <= key.limit or len(text.encode()) <= key.limit else None
    number = number_text(text)
    if number is None or value is None:
        return None
    value["N"] = number
    return _canonical(number)


def _canonical(number: str) -> str:
    """
    The one spelling of a number: 1, 1.0 and 1E0 are the same key.
    """
    try:
        return _within_limits(number) or number
    except DecimalException:
        return number


def _listed(names: Sequence[str]) -> str:
    """
    A few of *names*, quoted.
    """
    shown = ", ".join(repr(name) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
