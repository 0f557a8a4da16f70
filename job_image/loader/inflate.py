"""
What a stream of bytes is by its first ones: compressed in a way that is read, or what no CSV is.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from typing import Protocol

from .faults import BadInput

_PIECE = 64 * 1024
_MEMORY = 128 * 1024**2  # what xz's highest level asks for, and somewhat more
_FOREIGN = (
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed by Snappy"),
    (b"\x1f\x9d", "compressed by compress (.Z)"),
    (b"LZIP", "compressed by lzip"),
    (b"\x89LZO", "compressed by lzop"),
    (b"\x5d\x00\x00", "compressed by LZMA"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ\x00", "compressed by xz"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"PAR1", "a Parquet file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
    (b"%PDF-", "a PDF file"),
)
# The ends of bzip2's marks, for a stream that has blocks and one that has none.
_BZIP2 = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_TEXTS = (
    ('{"', "JSON"),
    ("[{", "JSON"),
    ("<?xml", "XML"),
    ("<!doctype", "HTML"),
    ("<html", "HTML"),
)


class Inner(Protocol):
    """
    What gives inflated bytes.
    """

    def read1(self, size: int, /) -> bytes: ...


class Inflated:
    """
    A stream of bzip2 or xz, a limited piece at a time, however far it inflates.
    """

    def __init__(self, inner: Inner, kind: bytes) -> None:
        self._inner = inner
        self._kind = kind
        self._engine = self._fresh()
        self._waiting = b""

    def read1(self, size: int, /) -> bytes:
        """
        Up to *size* inflated bytes; none at the end.
        """
        while True:
            if self._engine.eof and not self._next():
                return b""
            if self._engine.needs_input and not self._waiting:
                self._waiting = self._inner.read1(_PIECE)
                if not self._waiting:
                    raise EOFError("the compressed data ends too early")
            data, self._waiting = self._waiting, b""
            piece = self._engine.decompress(data, size)
            if piece:
                return piece

    def _fresh(self) -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        if self._kind == b"BZh":
            return bz2.BZ2Decompressor()
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)

    def _next(self) -> bool:
        """
        Whether another stream follows the one that has ended, as parallel compressors write them.
        """
        rest = self._engine.unused_data.lstrip(b"\0") or self._inner.read1(_PIECE).lstrip(b"\0")
        if rest:
            self._engine, self._waiting = self._fresh(), rest
        return bool(rest)


def inflated(start: bytes, name: str, file: Inner) -> Inner | None:
    """
    What inflates *file* that begins with *start* and is called *name*; None if nothing need.
    """
    if start[:2] == b"\x1f\x8b" or name.endswith(".gz"):
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[call-overload, no-any-return]
    if start[:3] == b"BZh" and start[4:10] in _BZIP2:
        return Inflated(file, b"BZh")
    if start[:6] == b"\xfd7zXZ\x00":
        return Inflated(file, b"xz")
    return None


def refuse_foreign(head: bytes, name: str) -> None:
    """
    *head*, the first bytes of a file, may be text; raises what the file is instead.
    """
    binary = bool(re.search(rb"[\x00-\x08\x0e-\x1f\x80-\xff]", head[:512]))
    what = next((what for start, what in _FOREIGN if binary and head.startswith(start)), None)
    if what is None and _is_tar(head):
        what = "a tar archive"
    if what is None:
        text = head[:200].decode("utf-8-sig", "replace").lstrip().lower()
        what = next((what for start, what in _TEXTS if text.startswith(start)), None)
    if what is not None:
        raise BadInput(f"{name}: is {what}, which isn't read: make it CSV, as it is or as .gz")


def _is_tar(head: bytes) -> bool:
    """
    Whether a tar's first header is there: its checksum is right.
    """
    block = head[:512]
    if len(block) < 512:
        return False
    told = block[148:156].strip(b" \0")
    octal = bool(told) and not told.strip(b"01234567")
    return octal and int(told, 8) == sum(block[:148]) + 8 * 32 + sum(block[156:])
