"""
The architecture: no import runs up, and none in a circle, typing and late imports included.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import batchkit

ROOT = Path(batchkit.__file__).parent
LAYERS = """
__init__ __main__
cli
demo
_display
stack
_preflight
_runs
_diagnosis
_jobs
_blueprint
spec
compute
networks
_parts
ensure
local
_engine resources
_docker
grants
_model
events errors clock _version
_printable
""".strip()
"""From the top down; those on one line know nothing of each other."""
FLOOR = {part: floor for floor, line in enumerate(LAYERS.split("\n")) for part in line.split()}
FILES = {
    ".".join(("batchkit", *path.relative_to(ROOT).with_suffix("").parts)): path
    for path in sorted(ROOT.rglob("*.py"))
}


def part(module: str) -> str:
    """
    The top-level part of the package that *module* belongs to.
    """
    return module.split(".")[1]


def imports(module: str) -> Iterator[str]:
    """
    The modules of the package that *module* imports, wherever in it the import stands.
    """
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "batchkit":
                yield module_of(name)


def module_of(name: str) -> str:
    """
    The module that the dotted *name* is, or is in.
    """
    while name not in FILES:
        if f"{name}.__init__" in FILES:
            return f"{name}.__init__"
        name = name.rpartition(".")[0]
    return name


GRAPH = {module: {*imports(module)} - {module} for module in FILES}


def test_every_part_has_its_floor() -> None:
    """
    A new module or package is put into the list above, and the list has no other.
    """
    assert {part(module) for module in FILES} == set(FLOOR)


def test_no_import_runs_up() -> None:
    """
    What stands below knows nothing of what stands above, or beside it.
    """
    wrong = [
        f"{module} imports {other}"
        for module, others in GRAPH.items()
        for other in others
        if part(module) != part(other) and FLOOR[part(other)] <= FLOOR[part(module)]
    ]
    assert wrong == []


def test_no_import_runs_in_a_circle() -> None:
    """
    The modules have an order in which each needs only those before it.
    """
    assert len([*TopologicalSorter(GRAPH).static_order()]) == len(FILES)


def test_no_session_is_asked_for_what_only_a_fake_has() -> None:
    """
    What differs by the type of a session is registered for that type.
    """
    asked = re.compile(r"\b(getattr|hasattr)\((\w+\.)*_?session\b")
    sources = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}
    assert [module for module, source in sources.items() if asked.search(source)] == []
