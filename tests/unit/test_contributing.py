"""
CONTRIBUTING.md: what it names is there, and the layers are those of the code.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from test_layers import LAYERS

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "docs/how-it-works.md", "docs/resource-types.md", "docs/decisions/*.md")
HOMES = ("", "batchkit", "batchkit/_engine", "job_image")
"""Where a path on these pages may begin."""


def pages() -> list[Path]:
    return [path for page in PAGES for path in sorted(ROOT.glob(page))]


def is_there(path: str) -> bool:
    """
    Whether there is a file or folder that *path*, which may be a pattern, names.
    """
    return any(any((ROOT / home).glob(path)) for home in HOMES)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_leads_to_something(page: Path) -> None:
    """
    A module or folder that has another name now is called by that.
    """
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`((?:[\w*-]+/)*[\w*-]+\.(?:pyi?|md|sh|cfg))`", text)
    folders = re.findall(r"`((?:[\w*-]+/)+)`", text)
    assert [path for path in (*files, *folders) if not is_there(path.rstrip("/"))] == []


def test_the_layers_are_those_of_the_code() -> None:
    """
    Each with the same parts, from the top down.
    """
    blocks = re.findall(r"```text\n(.*?)```", pages()[0].read_text(encoding="utf-8"), re.DOTALL)
    layers = [[line.split() for line in block.strip().split("\n")] for block in blocks]
    assert [line.split() for line in LAYERS.split("\n")] in layers
