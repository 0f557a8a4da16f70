"""
A film list of any length, the same for the same number of rows: about 270 bytes a row.
"""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

HEADER = [
    "",
    "title",
    "overview",
    "release_date",
    "vote_average",
    "vote_count",
    "original_language",
    "popularity",
]
_WORDS = (
    "the of and to a in his is her with he on for by an that their as from at who after when "
    "into life young world must find man new two they love family story years war father "
    "woman town friends first girl home city murder mother daughter school police secret "
    "wife death mysterious agent journey team killer past brother group night discovers "
    "save help soldier detective island ghost planet kingdom robot virus train winter "
    'lighthouse orphan smuggler astronaut café Zürich 東京 Амели élève São "never"'
).split()


def rows(count: int) -> Iterator[list[str]]:
    """
    *count* films.
    """
    chance = random.Random(1)
    pool = chance.choices(_WORDS, [1 / (at + 2) for at in range(len(_WORDS))], k=50_000)
    for number in range(count):
        start = int(chance.random() * 49_900)
        length = min(90, max(6, int(chance.lognormvariate(3.6, 0.45))))
        words = pool[start : start + length]
        words[length // 2] += ","
        yield [
            str(number),
            " ".join(words[:3]).title(),
            " ".join(words) + ".",
            f"{1930 + number % 94}-{1 + number % 12:02}-{1 + number % 28:02}",
            f"{5 + chance.random() * 4:.1f}",
            str(int(chance.lognormvariate(6.5, 1.1))),
            "en",
            f"{chance.lognormvariate(2.6, 0.8):.3f}",
        ]


def make_zip(count: int, path: Path) -> Path:
    """
    The file *path* holds *count* films as movies.csv in a zip archive; it is kept if it is there.
    """
    if not path.exists():
        partial = path.with_suffix(".part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("movies.csv", "w", force_zip64=True) as raw:
                with io.TextIOWrapper(io.BufferedWriter(raw, 1 << 20), "utf-8", newline="") as text:
                    csv.writer(text).writerows([HEADER])
                    csv.writer(text).writerows(rows(count))
        partial.rename(path)
    return path
