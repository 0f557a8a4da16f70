"""
Names: no two classes share one, and the words of the code are those of the field.
"""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("batchkit", "job_image", "tests")
WORDS = """
wish wishes twin twins astray unclaim mend mends MENDS held_tags SETTLE GONE HIDDEN RENAMES stand_in
""".split()
"""Private words that once stood for desired, duplicate, lock, patch and the like."""


def trees(folder: str) -> Iterator[tuple[str, ast.Module]]:
    """
    Each module below *folder*, by its path.
    """
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def identifiers(node: ast.AST) -> Iterator[str]:
    """
    The names that *node* itself gives or uses, private or not; the text of a constant is none.
    """
    for field, value in ast.iter_fields(node):
        if isinstance(value, str) and field in ("id", "attr", "arg", "name", "asname"):
            yield from (part.strip("_") for part in value.split("."))


@functools.cache
def places() -> dict[str, list[str]]:
    """
    Where in the package each identifier is.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees("batchkit"):
        for node in ast.walk(tree):
            for name in identifiers(node):
                found[name].append(f"{path}:{getattr(node, 'lineno', 0)}")
    return found


def test_no_two_classes_have_one_name() -> None:
    """
    Not even private ones, or those inside a function: a name tells which class is meant.
    """
    homes: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for path, tree in trees(folder):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    homes[node.name].append(f"{path}:{node.lineno}")
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


@pytest.mark.parametrize("word", WORDS)
def test_a_private_word_names_nothing(word: str) -> None:
    """
    AWS, CloudFormation and Terraform have a word for it, which readers know.
    """
    assert places().get(word, []) == []
