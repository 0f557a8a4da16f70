"""
The notebooks of the docs run from the first cell to the last, on an embedded AWS.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
MISSING = [name for name in ("nbclient", "nbformat", "ipykernel") if find_spec(name) is None]

pytestmark = [
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get("CI"), reason=f"{MISSING} are not installed"
    ),
    # The kernel's libraries, not batchkit, are told of here.
    pytest.mark.filterwarnings("ignore"),
]


def run(name: str) -> Any:
    """
    The notebook after all its cells have run.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def pages(notebook: Any) -> list[str]:
    """
    What the cells show as HTML.
    """
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    return [one["data"]["text/html"] for one in outputs if "text/html" in one.get("data", {})]


def printed(notebook: Any) -> str:
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    return "".join(one["text"] for one in outputs if one["output_type"] == "stream")


def test_the_first_stack() -> None:
    """
    A plan, the progress, the picture, two runs, what was found; and nothing on standard error.
    """
    notebook = run("first_stack.ipynb")
    shown = pages(notebook)
    told = ["Plan for first", "NatGateway", "<svg", "SUCCEEDED", "FAILED", "Fix:", "leads nowhere"]
    assert [one for one in told if not any(one in page for page in shown)] == []
    assert "3: hello you" in printed(notebook) and "exit code 1" in printed(notebook)
    assert not any(re.search("<script|<img", page) for page in shown)
    assert "nothing is wrong" in shown[-1]


def test_an_array_over_many_files() -> None:
    """
    One of eight has failed, is found, and succeeds once it is mended.
    """
    notebook = run("array_job.ipynb")
    said = printed(notebook)
    assert said.count("SUCCEEDED 0") == 7 and "numbers-5.txt FAILED 1" in said
    assert "numbers-5.txt: 3 numbers, sum 6" in said
    assert any("8</td>" in page or "7</td>" in page for page in pages(notebook))


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    """
    Nobody's account or machine is in them.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
