"""
The build context: the files of a folder that are sent to Docker, their hash and their tar.

The hash names the image, so it is the same for the same files on every machine: it covers the
sorted paths with their content, link targets and modes, and nothing else. The tar contains
exactly the same, so one hash is one image.

A file may change between the first hash (does the image exist?) and the tar (no: build it).
Therefore the tar is hashed while it is written, and the image is tagged with that hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attrs import field, frozen

from batchkit._docker.dockerignore import Hits, Ignore, read_ignore
from batchkit.errors import ContextError

LIMIT = 1 << 30
CHUNK = 1 << 20
APART = ".batchkit.Dockerfile"  # the Dockerfile's name in the tar if it is not in the context
MTIME = 315_619_200  # 1980: zip files, and so wheels built in the image, have no earlier dates


@frozen(kw_only=True)
class Entry:
    """
    One path of a context, without anything that differs from machine to machine.
    """

    path: str
    type: bytes = tarfile.REGTYPE
    size: int = 0
    mode: int = 0o644
    target: str = ""
    data: bytes | None = field(default=None, repr=False)

    def header(self) -> bytes:
        """
        The tar header: owned by root, with a constant date, and the mode that the path has.
        """
        info = tarfile.TarInfo(self.path)
        info.type, info.linkname = self.type, self.target
        info.size, info.mtime = self.size, MTIME
        info.mode = self.mode
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")

    def line(self, content: str) -> bytes:
        """
        This entry's part of the context's hash; *content* is the hash of its content.
        """
        fields = (self.type.decode(), f"{self.mode:o}", self.path, self.target, content, "")
        return "\0".join(fields).encode("utf-8", "surrogateescape")


@frozen(kw_only=True)
class Packed:
    """
    A tar of a context, and the hash of what it contains.
    """

    file: IO[bytes] = field(repr=False)
    dockerfile: str
    digest: str

    def tag(
        self,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
        platform: str = "linux/amd64",
    ) -> str:
        """
        The tag of an image that is built from this tar with these options.
        """
        args = sorted((build_args or {}).items())
        options = json.dumps([self.digest, self.dockerfile, args, target, platform])
        return f"ctx-{hashlib.sha256(options.encode()).hexdigest()[:40]}"


@frozen(kw_only=True)
class Context:
    """
    The files of a folder that are sent to Docker; *dockerfile* is the path of one of them.
    """

    folder: Path
    dockerfile: str
    entries: tuple[Entry, ...] = field(repr=False)
    skipped: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """
        The total size of the files in bytes.
        """
        return sum(entry.size for entry in self.entries)

    def tag(
        self,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
        platform: str = "linux/amd64",
    ) -> str:
        """
        The tag of the image of this context: the same for the same files on every machine.
        """
        with open(os.devnull, "wb") as nowhere:
            return self._packed(nowhere).tag(build_args, target, platform)

    @contextmanager
    def packed(self) -> Iterator[Packed]:
        """
        The context as a tar in a temporary file that is open until the block ends.
        """
        with tempfile.TemporaryFile() as file:
            packed = self._packed(file)
            file.seek(0)
            yield packed

    def _packed(self, file: IO[bytes]) -> Packed:
        whole = hashlib.sha256(b"batchkit context 2\0")
        for block in self._blocks(whole):
            try:
                file.write(block)
            except OSError as error:
                msg = f"The build context can't be written to {tempfile.gettempdir()}: {error}"
                raise ContextError(msg) from error
        return Packed(file=file, dockerfile=self.dockerfile, digest=whole.hexdigest())

    def _blocks(self, whole: Any) -> Iterator[bytes]:
        """
        The tar, block by block. *whole* is updated with each entry.
        """
        for entry in self.entries:
            yield entry.header()
            content = hashlib.sha256()
            for chunk in self._chunks(entry):
                content.update(chunk)
                yield chunk
            yield bytes(-entry.size % tarfile.BLOCKSIZE)
            whole.update(entry.line(content.hexdigest()))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _chunks(self, entry: Entry) -> Iterator[bytes]:
        """
        The content of *entry*. Raises ContextError if the file is shorter than its header says.
        """
        if entry.data is not None or entry.type != tarfile.REGTYPE:
            yield entry.data or b""
            return
        left = entry.size
        with _reading(entry.path), open(self.folder / entry.path, "rb", buffering=0) as file:
            while left and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk
        if left:
            msg = f"{entry.path} became shorter while it was read. Run it again when nobody writes."
            raise ContextError(msg)


def read_context(
    folder: str | Path, dockerfile: str | Path = "Dockerfile", *, limit: int | None = LIMIT
) -> Context:
    """
    The build context in *folder*. Its files are listed now and read later.

    Args:
        dockerfile: Relative to *folder*. As with Docker, it may be outside the folder or ignored.
        limit: The largest total size of the files in bytes; None for no limit.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        msg = f"The build context {root} {what}. Name the folder that holds the Dockerfile."
        raise ContextError(msg)
    recipe = _dockerfile(root, dockerfile)
    skipped: list[str] = []
    found = list(_walk(root, "", (), read_ignore(root, recipe), skipped))
    name, entries = _with_dockerfile(root, recipe, found)
    entries.sort(key=lambda entry: os.fsencode(entry.path))
    skipped.sort()
    context = Context(folder=root, dockerfile=name, entries=tuple(entries), skipped=tuple(skipped))
    if limit is not None and context.size > limit:
        raise ContextError(_too_large(context, limit))
    return context


def _dockerfile(root: Path, dockerfile: str | Path) -> Path:
    path = (root / Path(dockerfile).expanduser()).resolve()
    if path.is_file():
        return path
    near = sorted(p.name for p in root.iterdir() if "dockerfile" in p.name.lower())
    hint = f"The folder has {', '.join(near)}: name" if near else "Write one, or name"
    msg = f"There is no Dockerfile at {path}. {hint} it with dockerfile=."
    raise ContextError(msg)


def _walk(root: Path, at: str, above: Hits, ignore: Ignore, skipped: list[str]) -> Iterator[Entry]:
    """
    The entries below the folder *at*. An ignored folder is an entry if something in it is kept.
    """
    with _reading(at or str(root)), os.scandir(root / at) as listing:
        items = list(listing)
    for item in items:
        path = f"{at}/{item.name}" if at else item.name
        hits = ignore.hits(path, above)
        out = ignore.leaves_out(hits)
        if item.is_dir(follow_symlinks=False):
            if out and not ignore.may_keep_below(path):
                continue
            below = list(_walk(root, path, hits, ignore, skipped))
            if below or not out:
                yield from _entry(item, path, skipped)
            yield from below
        elif not out:
            yield from _entry(item, path, skipped)


def _entry(item: os.DirEntry[str], path: str, skipped: list[str]) -> Iterator[Entry]:
    """
    The entry of a folder, file or link. Sockets, pipes and devices are skipped: no image has them.
    """
    with _reading(path):
        status = item.stat(follow_symlinks=False)
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(item.path).replace(os.sep, "/")
            yield Entry(path=path, type=tarfile.SYMTYPE, target=target, mode=0o777)
        elif stat.S_ISREG(status.st_mode):
            yield Entry(path=path, size=status.st_size, mode=mode)
        elif stat.S_ISDIR(status.st_mode):
            yield Entry(path=path, type=tarfile.DIRTYPE, mode=mode)
        else:
            skipped.append(path)


def _with_dockerfile(root: Path, recipe: Path, found: list[Entry]) -> tuple[str, list[Entry]]:
    """
    The Dockerfile's path in the tar, and the entries with it.

    A Dockerfile that is not in the context is added to the tar, with a .dockerignore that removes
    both before the first COPY. Docker's own client does the same.
    """
    name = recipe.relative_to(root).as_posix() if recipe.is_relative_to(root) else ""
    if any(entry.path == name for entry in found):
        return name, found
    with _reading(str(recipe)):
        data = recipe.read_bytes()
    rules = f"{APART}\n".encode()
    if any(entry.path == ".dockerignore" for entry in found):
        with _reading(".dockerignore"):
            rules = (root / ".dockerignore").read_bytes() + b"\n" + rules
    else:
        rules += b".dockerignore\n"
    kept = [entry for entry in found if entry.path not in (APART, ".dockerignore")]
    made = {APART: data, ".dockerignore": rules}
    return APART, kept + [Entry(path=p, size=len(d), data=d) for p, d in made.items()]


def _too_large(context: Context, limit: int) -> str:
    largest = sorted(context.entries, key=lambda entry: -entry.size)[:5]
    return "\n".join(
        [
            f"The build context {context.folder} has {_human(context.size)}, more than the limit "
            f"of {_human(limit)}. List what the image does not need in a .dockerignore, "
            "or raise the limit. The largest files:",
            *(f"  {_human(entry.size):>10}  {entry.path}" for entry in largest if entry.size),
        ]
    )


def _human(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """
    An OSError in the block becomes a ContextError that names *what*.
    """
    try:
        yield
    except OSError as error:
        msg = f"{what} can't be read: {error.strerror or error}. Make it readable, or ignore it."
        raise ContextError(msg) from error
