"""
Names that are loaded when they are first used.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import batchkit

SOURCE = Path(batchkit.__file__)


def test_what_a_type_checker_reads_is_what_is_loaded() -> None:
    """
    Each name comes from the module that the imports for type checkers name, and all are public.
    """
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    read = {
        str(node.module).removeprefix("batchkit"): [alias.name for alias in node.names]
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert {home: names.split() for home, names in batchkit._HOMES.items()} == read
    names = [name for some in read.values() for name in some]
    assert sorted([*names, "__version__"]) == batchkit.__all__


def test_a_name_that_isnt_there_is_an_attribute_error() -> None:
    """
    As with any module; and the names are listed.
    """
    with pytest.raises(AttributeError, match="no attribute 'ensure_stak'"):
        getattr(batchkit, "ensure_stak")
    assert set(batchkit.__all__) <= set(dir(batchkit))


def test_importing_the_package_loads_none_of_it() -> None:
    """
    Not even boto3, until a name is used; then neither the terminal nor the notebook.
    """
    probe = (
        "import sys, batchkit; print('boto3' in sys.modules); batchkit.ensure_stack;"
        "print([name for name in ('rich', 'click', 'moto', 'docker') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        check=True,
        cwd=SOURCE.parents[1],
    )
    assert told.stdout.split("\n")[:2] == ["False", "[]"]
