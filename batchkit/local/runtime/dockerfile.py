"""
What a Dockerfile says about running: its WORKDIR, ENV, COPY, ENTRYPOINT and CMD.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from batchkit._docker.dockerfile import instructions
from batchkit.errors import ContextError

Argv = tuple[str, ...]

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass
class Recipe:
    """
    The last stage of a Dockerfile: the instructions that matter without a daemon.
    """

    workdir: PurePosixPath = PurePosixPath("/")
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    copies: list[tuple[Argv, PurePosixPath, bool]] = field(default_factory=list)
    entrypoint: Argv = ()
    command: Argv = ()

    def argv(self, command: Argv) -> Argv:
        """
        The arguments that a container runs if it is given *command*.
        """
        return self.entrypoint + (command or self.command)


def read_recipe(folder: Path) -> Recipe:
    """
    The recipe in *folder*'s Dockerfile.
    """
    path = folder / "Dockerfile"
    if not path.is_file():
        msg = f"{folder} can't be a fake image: it has no Dockerfile"
        raise ContextError(msg)
    recipe = Recipe()
    for one in instructions(path.read_text(encoding="utf-8")):
        recipe = _apply(recipe, one.word, one.rest)
    return recipe


def _apply(recipe: Recipe, word: str, rest: str) -> Recipe:
    if word == "FROM":
        return Recipe(arguments=recipe.arguments)
    if word == "ARG":
        name, _, default = rest.partition("=")
        recipe.arguments.setdefault(name, default)
    elif word == "ENV":
        recipe.environment.update(_pairs(recipe, rest))
    elif word == "WORKDIR":
        recipe.workdir = recipe.workdir / _expand(recipe, rest)
    elif word in ("COPY", "ADD"):
        _copy(recipe, rest)
    elif word == "ENTRYPOINT":
        # It clears a CMD that comes from the base, not one of the same stage
        # (https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-interact).
        recipe.entrypoint = _argv(rest)
    elif word == "CMD":
        recipe.command = _argv(rest)
    return recipe


def _pairs(recipe: Recipe, rest: str) -> dict[str, str]:
    words = shlex.split(rest)
    if words and "=" not in words[0]:
        words = ["=".join(rest.split(maxsplit=1))]  # the old form: ENV NAME value
    pairs = [word.partition("=") for word in words]
    return {name: _expand(recipe, value) for name, _, value in pairs}


def _expand(recipe: Recipe, text: str) -> str:
    known = {**recipe.arguments, **recipe.environment}

    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[3]) or match[2] or ""

    return _VARIABLE.sub(value, text.strip("'\""))


def _copy(recipe: Recipe, rest: str) -> None:
    words = _exec_form(rest) or tuple(shlex.split(rest))
    if any(word.startswith("--from") for word in words):
        return
    words = tuple(_expand(recipe, word) for word in words if not word.startswith("--"))
    *sources, target = words
    into_folder = target.endswith(("/", ".")) or len(sources) > 1
    recipe.copies.append((tuple(sources), recipe.workdir / target, into_folder))


def _argv(rest: str) -> Argv:
    return _exec_form(rest) or ("/bin/sh", "-c", rest)


def _exec_form(rest: str) -> Argv:
    if not rest.startswith("["):
        return ()
    try:
        return tuple(str(word) for word in json.loads(rest))
    except ValueError:
        return ()
