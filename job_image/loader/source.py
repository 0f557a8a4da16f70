"""
An object in S3 as a file: read in ranges, resumed where a body drops, never held as a whole.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import urllib3

from .aws import TRANSIENT
from .bucket import TAIL, S3Object, SourceBucket
from .faults import Fault

# S3 may cut off a body that is read slowly, as while the table throttles: none is longer.
RANGE = 8 * 1024**2


class S3File(io.RawIOBase):
    """
    An object as a seekable file; a dropped body goes on where it stopped.
    """

    def __init__(self, bucket: SourceBucket, found: S3Object) -> None:
        super().__init__()
        self._bucket = bucket
        self._found = found
        self._body: urllib3.BaseHTTPResponse | None = None
        self._body_end = 0
        self._tail: bytes | None = None
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = (0, self.position, self._found.size)[whence] + offset
        if position < 0:
            raise OSError(f"there is nothing before the first byte ({position})")
        if position != self.position:
            self._drop()
        self.position = position
        return position

    def head(self, size: int) -> bytes:
        """
        The first *size* bytes, wherever the file stands.
        """
        size = min(size, self._found.size)
        if self._found.size <= TAIL:
            return self._read_tail(0)[:size]
        return self._retried(lambda: self._whole(0, size))

    def read(self, size: int | None = -1) -> bytes:
        """
        *size* bytes, fewer only at the end of the object.
        """
        left = self._found.size - self.position
        wanted = max(0, left if size is None or size < 0 else min(size, left))
        pieces = []
        while wanted:
            piece = self._piece(wanted)
            wanted -= len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size: int = -1) -> bytes:
        """
        As `read`: one call is one call to the network or none.
        """
        return self.read(TAIL if size < 0 else size)

    def close(self) -> None:
        """
        The connection is given up.
        """
        self._drop()
        super().close()

    def _piece(self, wanted: int) -> bytes:
        """
        Some bytes from the current position on, at least one.
        """
        tail_at = max(0, self._found.size - TAIL)
        if self._body is None and self.position >= tail_at:
            piece = self._read_tail(tail_at)[self.position - tail_at :][:wanted]
        else:
            piece = self._retried(lambda: self._stream(wanted))
        self.position += len(piece)
        return piece

    def _read_tail(self, tail_at: int) -> bytes:
        """
        The object's end, where a zip has its directory: read once, then kept.
        """
        if self._tail is None:
            self._tail = self._retried(lambda: self._whole(tail_at, self._found.size))
        return self._tail

    def _retried(self, read: Callable[[], bytes]) -> bytes:
        attempt = 1
        while True:
            try:
                return read()
            except (*TRANSIENT, Fault) as error:
                self._drop()
                self._bucket.wait_after(attempt, error)
                attempt += 1

    def _whole(self, start: int, end: int) -> bytes:
        if start == end:
            return b""  # S3 has no word for an empty range
        with self._bucket.open(self._found, start, end) as body:
            data = body.read(end - start)
        if len(data) < end - start:
            raise urllib3.exceptions.IncompleteRead(len(data), end - start - len(data))
        return data

    def _stream(self, wanted: int) -> bytes:
        if self._body is None:
            self._body_end = min(self.position + RANGE, self._found.size)
            self._body = self._bucket.open(self._found, self.position, self._body_end)
        piece = self._body.read(min(wanted, self._body_end - self.position))
        if not piece:
            raise urllib3.exceptions.ProtocolError("the body ended too early")
        if self.position + len(piece) == self._body_end:
            self._body.release_conn()
            self._body = None
        return piece

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
