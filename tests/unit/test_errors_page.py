"""
The page about errors lists what the code raises.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from batchkit import errors

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")


def raised() -> set[str]:
    """
    The names of all classes of errors.
    """
    classes = inspect.getmembers(errors, inspect.isclass)
    return {name for name, kind in classes if issubclass(kind, errors.BatchkitError)}


def test_the_page_lists_every_error() -> None:
    """
    docs/errors.md has a row for each error, and none for what isn't one.
    """
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == raised()


def test_the_tree_at_the_top_shows_every_error() -> None:
    """
    The tree that errors.py begins with names each error.
    """
    assert raised() <= set(re.findall(r"\w+", errors.__doc__ or ""))
