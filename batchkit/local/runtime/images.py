"""
Fake images: folders that are used as images where no Docker daemon builds them.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

import attrs

from batchkit._docker.dockerignore import Hits, Ignore, read_ignore
from batchkit._model.image_uri import ImageUri
from batchkit.local.runtime.dockerfile import Recipe, read_recipe


@dataclass(frozen=True)
class FakeImage:
    """
    A fake image: a folder with a Dockerfile that runs as if it had been built.
    """

    uri: ImageUri
    folder: Path
    recipe: Recipe
    ignore: Ignore

    @property
    def name(self) -> str:
        """
        ``repository:tag``.
        """
        return f"{self.uri.name}:{self.uri.tag}"

    @property
    def manifest(self) -> str:
        """
        A manifest that depends only on the repository and the tag.
        """
        config = sha256(f"config {self.uri.repository}:{self.uri.tag}".encode()).hexdigest()
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
        for path, text in self.recipe.written:
            file = inside(root, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
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
        self._known: dict[ImageUri, FakeImage] = {}

    def add(self, uri: str, folder: Path) -> FakeImage:
        """
        *folder* is the fake image of *uri*, under its tag and under its digest.
        """
        tagged = ImageUri.parse(uri).explicit
        ignore = read_ignore(folder, folder / "Dockerfile")
        image = FakeImage(tagged, folder.resolve(), read_recipe(folder), ignore)
        by_digest = attrs.evolve(tagged, tag="", digest=image.digest)
        with self._lock:
            self._known[tagged] = self._known[by_digest] = image
        return image

    def get(self, uri: str) -> FakeImage | None:
        """
        The image that *uri* names by tag or by digest.
        """
        asked = ImageUri.parse(uri).explicit
        if asked.digest:
            asked = attrs.evolve(asked, tag="")
        with self._lock:
            return self._known.get(asked)
