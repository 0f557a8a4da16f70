"""
The folders that stand for images where no Docker daemon builds them.
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
class LocalImage:
    """
    A folder with a Dockerfile, which runs as if it had been built.
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
        A manifest that is the same for the same repository and tag.
        """
        config = sha256(f"config {self.uri.repository}:{self.uri.tag}".encode()).hexdigest()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        return (
            f'{{"schemaVersion": 2, "mediaType": "{kind}", "config": {{"mediaType": '
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
        *root* holds what the Dockerfile copies, as in a new container; returns its WORKDIR.
        """
        for sources, target, into_folder in self.recipe.copies:
            for source in sources:
                for found in self._matching(source):
                    self._copy(found, inside(root, target), into_folder)
        workdir = inside(root, self.recipe.workdir)
        workdir.mkdir(parents=True, exist_ok=True)
        return workdir

    def _matching(self, source: str) -> list[Path]:
        wanted = source.strip("/") or "."
        return [self.folder] if wanted == "." else sorted(self.folder.glob(wanted))

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
        A file or empty folder as it would be in the image, unless the build context lacks it.
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
        Whether .dockerignore keeps *path* from Docker.
        """
        hits: Hits = ()
        relative = path.relative_to(self.folder)
        for part in (*reversed(relative.parents), relative):
            if part.parts:
                hits = self.ignore.hits(part.as_posix(), hits)
        return self.ignore.leaves_out(hits)


def inside(root: Path, path: PurePosixPath | str) -> Path:
    """
    Where the container's absolute *path* is under *root*.
    """
    return root.joinpath(*PurePosixPath(path).relative_to("/").parts)


class Images:
    """
    Which folder stands for which image.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[ImageUri, LocalImage] = {}

    def add(self, uri: str, folder: Path) -> LocalImage:
        """
        *folder* stands for *uri* from now on, under its tag and under its digest.
        """
        tagged = ImageUri.parse(uri).explicit
        ignore = read_ignore(folder, folder / "Dockerfile")
        image = LocalImage(tagged, folder.resolve(), read_recipe(folder), ignore)
        by_digest = attrs.evolve(tagged, tag="", digest=image.digest)
        with self._lock:
            self._known[tagged] = self._known[by_digest] = image
        return image

    def get(self, uri: str) -> LocalImage | None:
        """
        The image that *uri* names by tag or by digest.
        """
        asked = ImageUri.parse(uri).explicit
        if asked.digest:
            asked = attrs.evolve(asked, tag="")
        with self._lock:
            return self._known.get(asked)
