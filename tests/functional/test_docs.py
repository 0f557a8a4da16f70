"""
The documentation: what is written from the code is up to date, and all of it can be built.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def docs(request: pytest.FixtureRequest) -> Path:
    """
    The folder of the documentation.
    """
    return request.config.rootpath / "docs"


def test_the_page_of_resources_is_up_to_date(docs: Path) -> None:
    """
    `python docs/resources.py > docs/resources.md` writes it.
    """
    page = (docs / "resources.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(docs / "resources.py"))["page"]()


def test_the_pages_can_be_built(docs: Path, tmp_path: Path) -> None:
    """
    Sphinx finds nothing to warn of: no link leads nowhere, and every name can be imported.
    """
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / "trees")]
    command = [sys.executable, "-m", "sphinx", *options, str(docs), str(tmp_path / "html")]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert "ensure_stack" in (tmp_path / "html" / "api.html").read_text(encoding="utf-8")


def test_every_public_function_and_class_is_described(docs: Path) -> None:
    """
    The page of names has all that can be imported but errors and resource types, which have
    their own.
    """
    import batchkit

    others = ("errors.md", "resources.md")
    written = "".join((docs / page).read_text(encoding="utf-8") for page in others)
    api = (docs / "api.md").read_text(encoding="utf-8")
    missing = [
        name
        for name in vars(batchkit)["__all__"]
        if name != "__version__"
        and f"batchkit.{name}\n" not in api
        and f"`{name}`" not in written
        and f"## {name}\n" not in written
    ]
    assert missing == []
