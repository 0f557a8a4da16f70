"""
The CSV files in an object: itself, unzipped, or each of a zip's members; with limits against bombs.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import cast

from .bucket import S3Object
from .faults import BadInput
from .inflate import Inner, inflated, refuse_foreign
from .settings import Settings
from .source import S3File

HEAD = 64 * 1024
SUFFIXES = (".csv", ".tsv", ".tab", ".psv")  # of files that hold nothing but a table
MAX_ROW_BYTES = 8 * 1024**2
_HARMLESS = 16 * 1024**2  # below this size no ratio is suspicious
# What zipfile and gzip raise for damage of all kinds. S3's faults are none of these.
_CORRUPT = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)
# Python inflates these without a limit on what one piece becomes: a bomb would fill the memory.
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 99: "AES"}


class Budget:
    """
    The inflated bytes that one job may still read.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def spend(self, count: int, name: str) -> None:
        """
        *count* more were read.
        """
        self.used += count
        if self.used > self.limit:
            raise BadInput(f"{name}: more than {self.limit} bytes once inflated (MAX_BYTES)")


class Member(io.BufferedIOBase):
    """
    One CSV file as a stream of bytes, which stops with a clear fault where it is corrupt.
    """

    def __init__(
        self, name: str, inner: Inner, consumed: Callable[[], int], budget: Budget, max_ratio: int
    ) -> None:
        super().__init__()
        self.name = name
        self._inner = inner
        self._consumed = consumed
        self._budget = budget
        self._max_ratio = max_ratio
        self._ahead = b""
        self.count = 0
        self.row_bytes = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int = HEAD) -> bytes:
        """
        The first *size* bytes, which stay to be read.
        """
        while len(self._ahead) < size:
            more = self._inflate(size)
            if not more:
                break
            self._ahead += more
        return self._ahead[:size]

    def read1(self, size: int = -1) -> bytes:
        """
        The next bytes; none at the end.
        """
        data = self._ahead or self._inflate(HEAD if size < 0 else size)
        self._ahead = data[size:] if 0 <= size < len(data) else b""
        data = data[:size] if self._ahead else data
        self.count += len(data)
        self.row_bytes += len(data)
        if self.row_bytes > MAX_ROW_BYTES:
            raise BadInput(
                f"{self.name}: a row of more than {MAX_ROW_BYTES} bytes ends nowhere "
                f"before byte {self.count}: is a quote left open?"
            )
        return data

    def read(self, size: int | None = -1) -> bytes:
        """
        As `read1`: fewer bytes than asked for don't mean the end.
        """
        return self.read1(-1 if size is None else size)

    def _inflate(self, size: int) -> bytes:
        try:
            data = self._inner.read1(size)
        except _CORRUPT as error:
            at = self.count + len(self._ahead)
            raise BadInput(
                f"{self.name}: corrupt or cut short at byte {at} of the inflated data: {error}"
            ) from error
        self._budget.spend(len(data), self.name)
        self._check_ratio(self.count + len(self._ahead) + len(data))
        return data

    def _check_ratio(self, inflated: int) -> None:
        if inflated > _HARMLESS and inflated > self._max_ratio * max(1, self._consumed()):
            raise BadInput(
                f"{self.name}: inflates to more than {self._max_ratio} times its size "
                "(MAX_RATIO): a zip bomb?"
            )


def members(
    found: S3Object,
    file: S3File,
    settings: Settings,
    budget: Budget,
    say: Callable[[str], None],
) -> Iterator[Member]:
    """
    Every CSV file in *found*, opened when its turn comes, in the order of their names.
    """
    start = file.head(10)
    name = found.key.lower()
    if name.endswith(".zip") or start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        opened = _zipped(found, file, settings, budget, say)
    else:
        inner = inflated(start, name, file) or file
        opened = iter([Member(str(found), inner, file.tell, budget, settings.max_ratio)])
    for member in opened:
        refuse_foreign(member.peek(), member.name)
        yield member


def _zipped(
    found: S3Object,
    file: S3File,
    settings: Settings,
    budget: Budget,
    say: Callable[[str], None],
) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(file)
    except _CORRUPT as error:
        raise BadInput(f"{found}: {_broken(file, found.size)}: {error}") from error
    chosen = _chosen(archive.infolist(), settings.member, str(found))
    if settings.member is None:
        _tell_others(archive.infolist(), str(found), say)
    _refuse_unreadable(chosen, str(found))
    _refuse_declared_bombs(chosen, settings, str(found))
    for info in chosen:
        name = f"{found}, member {info.filename!r}"
        try:
            opened = cast(zipfile.ZipExtFile, archive.open(info))
        except _CORRUPT as error:
            raise BadInput(f"{name}: can't be opened: {error}") from error
        start = file.tell()
        yield Member(name, opened, _since(file, start), budget, settings.max_ratio)


def _since(file: S3File, start: int) -> Callable[[], int]:
    return lambda: file.tell() - start


def _chosen(infos: list[zipfile.ZipInfo], wanted: str | None, where: str) -> list[zipfile.ZipInfo]:
    """
    The members to load: those that MEMBER names, else every CSV file that no Mac has added.
    """
    files = [info for info in infos if info.filename and not info.is_dir()]
    if wanted is None:
        chosen = [info for info in files if _is_csv(info.filename)]
    else:
        chosen = [info for info in files if info.filename == wanted] or [
            info for info in files if fnmatchcase(info.filename, wanted)
        ]
    if not chosen:
        if any(info.filename.startswith("xl/") for info in infos):
            raise BadInput(f"{where}: is an Excel workbook, which isn't read: save it as CSV")
        held = ", ".join(repr(info.filename) for info in infos[:8]) or "nothing"
        raise BadInput(
            f"{where}: no member is {wanted or 'a .csv file'}; it holds {held}"
            + ("" if wanted else "; say which with MEMBER")
        )
    # An empty member among others is what a writer leaves that had no rows for its part.
    chosen = [info for info in chosen if info.file_size] or chosen[:1]
    return sorted(chosen, key=lambda info: info.filename)


def _is_csv(name: str) -> bool:
    parts = name.split("/")
    return (
        "__MACOSX" not in parts
        and not parts[-1].startswith("._")
        and parts[-1].lower().endswith(SUFFIXES)
    )


def _tell_others(infos: list[zipfile.ZipInfo], where: str, say: Callable[[str], None]) -> None:
    """
    What isn't loaded has been named, but for what a Mac has added.
    """
    others = [
        info.filename
        for info in infos
        if not info.is_dir() and not _is_csv(info.filename) and "._" not in info.filename
    ]
    if others:
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        say(f"left out of {where}: {', '.join(map(repr, others[:8]))}{more}; see MEMBER")


def _refuse_unreadable(infos: list[zipfile.ZipInfo], where: str) -> None:
    """
    Members can be stored or deflated, as nearly all are.
    """
    for info in infos:
        method = info.compress_type
        if info.flag_bits & 1:
            raise BadInput(f"{where}, member {info.filename!r}: is encrypted")
        if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(
                f"{where}, member {info.filename!r}: is compressed by "
                f"{_METHODS.get(method, f'method {method}')}; only deflate is read"
            )


def _refuse_declared_bombs(infos: list[zipfile.ZipInfo], settings: Settings, where: str) -> None:
    """
    Nothing is written from an archive that itself says it is too big.
    """
    if sum(info.file_size for info in infos) > settings.max_bytes:
        raise BadInput(f"{where}: more than {settings.max_bytes} bytes once inflated (MAX_BYTES)")
    for info in infos:
        allowed = settings.max_ratio * max(1, info.compress_size)
        if info.file_size > _HARMLESS and info.file_size > allowed:
            raise BadInput(
                f"{where}, member {info.filename!r}: inflates to more than "
                f"{settings.max_ratio} times its size (MAX_RATIO): a zip bomb?"
            )


def _broken(file: S3File, size: int) -> str:
    """
    What can be said of an archive without a directory.
    """
    head = file.head(30 + 200)
    if head[:4] != b"PK\x03\x04":
        return "is no zip archive"
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length].decode("utf-8", "replace")
    return f"cut short at byte {size}: the directory after member {first!r} is missing"
