"""
What a row becomes: an item with the types that the table asks for, or a reason to skip it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from .faults import BadInput
from .numeric import canonical, is_number, is_plain, number_text
from .settings import Settings
from .tojson import to_json

Item = dict[str, dict[str, Any]]  # an item as DynamoDB's API has it: {"title": {"S": "Heat"}}
Shape = Callable[[Item], Item | None]

# DynamoDB's limit for an item, the names of its attributes included.
ITEM_LIMIT = 400 * 1024
LEFT_OUT = "left out by shape()"
BLANK = ""  # a row without a single cell that isn't empty is none


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
        self,
        header: Sequence[str],
        keys: Sequence[KeyAttribute],
        settings: Settings,
        where: str,
        shape: Shape,
        indexed: Mapping[str, str] | None = None,
    ) -> None:
        self._shape = shape
        self._where = where
        self._keys = tuple(keys)
        self._key_index = self._find_key(header, settings.key_column)
        self.names = self._attributes(header)
        self._least = max((at for at, name in enumerate(header, 1) if name), default=1)
        self._typed = self._find_typed(indexed or {})
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
            # A delimiter at the end of each row makes one cell more, and it is empty.
            if any(cells[len(self.names) :]) or len(cells) < self._least:
                return self._wrong_width(cells)
        item: Item | None = {
            name: {kind: cell} for name, kind, cell in zip(self.names, self._kinds, cells) if cell
        }
        assert item is not None
        self._check_numbers(item)
        item = self._shape(item)
        if item is None:
            return LEFT_OUT
        key = key_of(item, self._keys)
        if key is None:
            return self._bad_key(item) if any(cells) else BLANK
        for name, kind in self._typed:
            if name in item and kind not in item[name]:
                return _wrong_type(name, kind)
        body = to_json({"PutRequest": {"Item": item}})
        # The JSON form is never shorter than what DynamoDB counts: few rows need the exact size.
        if len(body) > ITEM_LIMIT and item_size(item) > ITEM_LIMIT:
            return "item over 400 KB"
        return Made(key, body)

    def _wrong_width(self, cells: list[str]) -> str:
        """
        Why a row of so many cells is skipped.
        """
        if not any(cells):
            return BLANK
        return "too few cells" if len(cells) < len(self.names) else "too many cells"

    def worker(self, cells: list[str], workers: int) -> int:
        """
        Which of *workers* writes this row: all rows of one key have the same.
        """
        cell = cells[self._key_index] if self._key_index < len(cells) else ""
        if self._keys[0].kind == "N":
            cell = number_text(cell) or cell
            cell = canonical(cell) if is_number(cell) else cell
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
            f"only {_listed(header)}; say which is the key with KEY_COLUMN, "
            "or where the header is with SKIP_LINES, COMMENT or HEADER"
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
        keys = {**dict(self._typed), **{key.name: key.kind for key in self._keys}}
        return [
            keys.get(name, "N" if column in numbers else "S")
            for name, column in zip(self.names, header)
        ]

    def _find_typed(self, indexed: Mapping[str, str]) -> list[tuple[str, str]]:
        """
        The keys of secondary indexes that are columns, with their types.
        """
        keys = {key.name for key in self._keys}
        typed = [(name, kind) for name, kind in indexed.items() if name not in keys]
        for name, kind in typed:
            if kind == "B" and name in self.names:
                raise BadInput(
                    f"{self._where}: {name!r} is the key of an index, and binary, "
                    "which no CSV cell is"
                )
        return typed

    def _check_numbers(self, item: Item) -> None:
        """
        What isn't a number stays in the item as text, and is counted.
        """
        for name in self._numbers:
            if name in item:
                cell = item[name]["N"]
                if len(cell) > 38 or not is_plain(cell):
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


def _wrong_type(name: str, kind: str) -> str:
    """
    Why DynamoDB would refuse an item that has another type in the key of an index.
    """
    return f"{name}, key of an index, is not a {'number' if kind == 'N' else 'string'}"


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
    return canonical(number)


def _listed(names: Sequence[str]) -> str:
    """
    A few of *names*, quoted.
    """
    shown = ", ".join(repr(name) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
