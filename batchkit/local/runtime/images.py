"""
Fake images: folders that are used as images where no Docker daemon builds them.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from batchkit._docker.dockerignore import Hits, Ignore, read_ignore
from batchkit.local.runtime.dockerfile import Recipe, read_recipe


@dataclass(frozen=True)
class Reference:
    """
    The parts of an image's name.
    """

    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """
        *text* is ``repository:tag``, ``repository@sha256:…`` or a bare repository.
        """
        name, _, digest = text.partition("@")
        path, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        return cls(path + slash + last, tag or ("" if digest else "latest"), digest)

    @property
    def path(self) -> str:
        """
        The repository's name in its registry.
        """
        host, slash, rest = self.repository.partition("/")
        return rest if slash and ("." in host or ":" in host) else self.repository


@dataclass(frozen=True)
class FakeImage:
    """
    A fake image: a folder with a Dockerfile that runs as if it had been built.
    """

    reference: Reference
    folder: Path
    recipe: Recipe
    ignore: Ignore

    @property
    def name(self) -> str:
        """
        ``repository:tag``.
        """
        return f"{self.reference.repository}:{self.reference.tag}"

    @property
    def manifest(self) -> str:
        """
        A manifest that depends only on the repository and the tag.
        """
        config = sha256(f"config {self.reference.path}:{self.reference.tag}".encode()).hexdigest()
        media_type = "application/vnd.docker.distribution.manifest.v2+json"
        return (
            f'{{"schemaVersion": 2, "mediaType": "{media_type}", "config": {{"mediaType": '
            '"application/vnd.docker.container.image.v1+json", "size": 1024, '
            f'"digest": "sha256:{config}"}}, "layers": []}}'
        )

    @property
    def digest(self) -> str:
        """
        The manifest's digest.
        """
        return f"sha256:{sha256(self.manifest.encode()).hexdigest()}"

    def unpack(self, root: Path) -> Path:
        """
        *root* has the files that the Dockerfile copies. Returns its WORKDIR under *root*.
        """
        for sources, target, into_folder in self.recipe.copies:
            for source in sources:
                for found in self._matching(source):
                    self._copy(found, inside(root, target), into_folder)
        workdir = inside(root, self.recipe.workdir)
        workdir.mkdir(parents=True, exist_ok=True)
        return workdir

    def _matching(self, source: str) -> list[Path]:
        pattern = source.strip("/") or "."
        return [self.folder] if pattern == "." else sorted(self.folder.glob(pattern))

    def _copy(self, source: Path, target: Path, into_folder: bool) -> None:
        if not source.is_dir():
            target = target / source.name if into_folder or target.is_dir() else target
            self._copy_one(source, target)
            return
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.rglob("*")):
            self._copy_one(path, target / path.relative_to(source))

    def _copy_one(self, path: Path, target: Path) -> None:
        """
        The file or folder *path* is at *target*, unless .dockerignore leaves it out.
        """
        if self._left_out(path):
            return
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)

    def _left_out(self, path: Path) -> bool:
        """
        Whether .dockerignore leaves *path* out of the build context.
        """
        hits: Hits = ()
        relative = path.relative_to(self.folder)
        for part in (*reversed(relative.parents), relative):
            if part.parts:
                hits = self.ignore.hits(part.as_posix(), hits)
        return self.ignore.leaves_out(hits)


def inside(root: Path, path: PurePosixPath | str) -> Path:
    """
    The container's absolute *path* as a path under *root*.
    """
    return root.joinpath(*PurePosixPath(path).relative_to("/").parts)


class FakeImages:
    """
    The fake images by their names.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Reference, FakeImage] = {}

    def add(self, uri: str, folder: Path) -> FakeImage:
        """
        *folder* is the fake image of *uri*, under its tag and under its digest.
        """
        reference = Reference.parse(uri)
        ignore = read_ignore(folder, folder / "Dockerfile")
        image = FakeImage(reference, folder.resolve(), read_recipe(folder), ignore)
        by_digest = Reference(reference.repository, digest=image.digest)
        with self._lock:
            self._known[reference] = self._known[by_digest] = image
        return image

    def get(self, uri: str) -> FakeImage | None:
        """
        The image that *uri* names by tag or by digest.
        """
        reference = Reference.parse(uri)
        if reference.digest:
            reference = Reference(reference.repository, digest=reference.digest)
        with self._lock:
            return self._known.get(reference)
