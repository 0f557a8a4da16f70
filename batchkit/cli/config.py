"""
`batchkit.toml`: a stack's spec as a file, field by field, with errors that give the line.
"""

from __future__ import annotations

import difflib
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from batchkit import grants
from batchkit._model.checks import instance, passes, require
from batchkit.compute.choices import COMPUTES
from batchkit.errors import BatchkitError, ConfigError, Problem, SpecError
from batchkit.networks.choices import NETWORKS
from batchkit.resources.dynamodb import Table
from batchkit.resources.image import ImageSource
from batchkit.resources.s3 import Bucket
from batchkit.spec import StackSpec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE: Final = "batchkit.toml"
CHOICES: Final[Mapping[str, Mapping[str, type[Any]]]] = {"compute": COMPUTES, "network": NETWORKS}
"""The fields of a spec that are tables with a kind, and the values that they stand for."""
GRANTS: Final[Mapping[str, Callable[..., Any]]] = {
    "allow": grants.allow,
    "dynamodb_read": grants.dynamodb_read,
    "dynamodb_write": grants.dynamodb_write,
    "kms_decrypt": grants.kms_decrypt,
    "s3_read": grants.s3_read,
    "s3_write": grants.s3_write,
    "secret_read": grants.secret_read,
}


@frozen
class ConfigProblem:
    """
    A fault of the key at *path*.
    """

    path: tuple[str, ...]
    got: object
    expects: str

    def __str__(self) -> str:
        got = "" if self.got is None else f"got {self.got!r}, expects "
        return f"{'.'.join(self.path)}: {got}{self.expects}"


def load_spec(path: str | Path = FILE) -> StackSpec:
    """
    The spec that a `batchkit.toml` holds; paths in it are relative to its folder.

    Raises:
        ConfigError: It is missing, not TOML, or not a valid spec; says the lines.
    """
    require("load_spec", "path", path, instance(str, Path, expects="the path of a file"))
    path = Path(path)
    source = _read(path)
    try:
        given = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, str(error))) from error
    problems = list(_unknown(given))
    fields = {name: value for name, value in given.items() if name in _fields()}
    try:
        spec = _spec(fields, path.parent, problems)
    except SpecError as error:
        problems += [found for problem in error.problems for found in _narrow(problem)]
    if problems:
        raise ConfigError(_told(path, problems, Lines(source)))
    return spec


def _syntax(path: Path, message: str) -> str:
    where = re.search(r" \(at line (\d+), column (\d+)\)", message)
    line = f":{where[1]}:{where[2]}" if where else ""
    return f"{path}{line}: {message.replace(where[0], '') if where else message}"


def _narrow(problem: Problem) -> Iterator[ConfigProblem]:
    """
    The entries of a mapping that are at fault, or all of it if only they together are.
    """
    path = tuple(problem.field.split("."))
    entries = problem.got if isinstance(problem.got, dict) else {}
    constraints = getattr(attrs.fields(StackSpec), path[0]).metadata.get("constraints", ())
    wrong = [
        (name, value)
        for name, value in entries.items()
        if not all(passes(constraint, {name: value}) for constraint in constraints)
    ]
    for name, value in wrong:
        yield ConfigProblem((*path, name), value, problem.expects)
    if not wrong:
        yield ConfigProblem(path, problem.got, problem.expects)


def _told(path: Path, problems: Sequence[ConfigProblem], lines: Lines) -> str:
    placed = sorted((lines.of(problem.path), str(problem)) for problem in problems)
    return "\n".join(f"{path}{f':{line}' if line else ''}: {text}" for line, text in placed)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = f"there is no {path}; `batchkit init` writes one, --config names another"
        raise ConfigError(msg) from error
    except (OSError, ValueError) as error:  # ValueError: a path that no system has, a wrong code
        raise ConfigError(f"{path} can't be read: {error}") from error


def _fields() -> list[str]:
    return [attribute.name for attribute in attrs.fields(StackSpec)]


def _unknown(given: Mapping[str, Any]) -> Iterator[ConfigProblem]:
    known = _fields()
    for name in given:
        if name not in known:
            yield ConfigProblem((name,), None, _no_such_field(name, known))
    for name in _required():
        if name not in given:
            yield ConfigProblem((name,), None, "is required")


def _no_such_field(name: str, known: Sequence[str], inside: str = "") -> str:
    """
    That a key means nothing, and which was meant most likely.
    """
    nested = {field: f"{part}.{field}" for part, field in _nested_fields()} if not inside else {}
    close = difflib.get_close_matches(name, [*known, *nested], 1)
    meant = nested.get(close[0], close[0]) if close and close[0] not in known else "".join(close)
    return "there is no such field" + (f"; did you mean {inside}{meant}?" if meant else "")


def _nested_fields() -> Iterator[tuple[str, str]]:
    """
    The fields of the values that a spec is made of, with the part of the spec.
    """
    for part, choices in CHOICES.items():
        for choice in choices.values():
            for attribute in attrs.fields(choice):
                yield part, attribute.name


def _choice(part: str, given: Any, problems: list[ConfigProblem]) -> Any:
    """
    The value of a table such as `compute = {kind = "fargate", spot = true}`; a text is left as it
    is.  Adds to *problems* the keys that mean nothing, and what the value refuses.
    """
    if not isinstance(given, dict):
        return given
    choices = CHOICES[part]
    choice = choices.get(given.get("kind", ""))
    if choice is None:
        got, expects = given.get("kind"), "one of " + ", ".join(map(repr, choices))
        problems.append(ConfigProblem((part, "kind"), got, expects if got else f"is {expects}"))
        return None
    known = [attribute.name for attribute in attrs.fields(choice)]
    fields = {name: value for name, value in given.items() if name in known}
    for name in given.keys() - fields.keys() - {"kind"}:
        text = _no_such_field(name, known, f"{part}.")
        problems.append(ConfigProblem((part, name), None, text))
    return choice(**fields)


def _required() -> list[str]:
    return [a.name for a in attrs.fields(StackSpec) if a.default is attrs.NOTHING]


def _spec(given: dict[str, Any], folder: Path, problems: list[ConfigProblem]) -> StackSpec:
    """
    The spec of *given*; adds to *problems* what a converter refuses.
    """
    convert: dict[str, Callable[[Any], Any]] = {
        "image": lambda value: _image(value, folder),
        "grants": lambda value: [_grant(one) for one in value],
        "execution_grants": lambda value: [_grant(one) for one in value],
        "table": lambda value: Table(**value) if isinstance(value, dict) else value,
        "bucket": lambda value: Bucket(**value) if isinstance(value, dict) else value,
        **{part: functools.partial(_choice, part, problems=problems) for part in CHOICES},
    }
    converted = {}
    for name, value in given.items():
        try:
            converted[name] = convert[name](value) if name in convert else value
        except (BatchkitError, TypeError, ValueError) as error:
            problems += _refusals(name, error)
    usable = {name: value for name, value in converted.items() if value is not None}
    placeholders = {"name": "placeholder", "image": "place/holder"}
    missing = {name: placeholders[name] for name in _required() if name not in usable}
    return StackSpec(**{**missing, **usable})


def _refusals(name: str, error: Exception) -> list[ConfigProblem]:
    """
    What a converter has against the key *name*.
    """
    if isinstance(error, SpecError):
        found = error.problems
        return [ConfigProblem((name, one.field), one.got, one.expects) for one in found]
    return [ConfigProblem((name,), None, _plain(error))]


def _plain(error: Exception) -> str:
    """
    A `TypeError` of Python in the words of the file.
    """
    text = re.sub(r"^[\w.]*\(\) ", "", str(error))
    return text.replace("keyword argument", "key").replace("argument", "key")


def _image(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return ImageSource(**{**value, "folder": folder / value.get("folder", ".")})
    if isinstance(value, str) and (folder / value).is_dir():
        return folder / value
    return value


def _grant(given: Any) -> Any:
    """
    A grant from a table with one key: `{s3_read = ["bucket", "key"]}`.
    """
    if not isinstance(given, dict) or len(given) != 1 or not given.keys() <= GRANTS.keys():
        msg = 'expects tables such as {s3_read = ["bucket", "key"]}, with one of ' + ", ".join(
            GRANTS
        )
        raise ValueError(msg)
    ((name, value),) = given.items()
    if isinstance(value, dict):
        return GRANTS[name](**value)
    return GRANTS[name](*(value if isinstance(value, list) else [value]))


class Lines:
    """
    Where each key of a TOML document stands.

    A prefix of the document that is TOML by itself ends with a whole statement, so the first prefix
    that has a key ends with its statement, which begins behind the prefix before.
    """

    def __init__(self, source: str) -> None:
        self._prefixes: list[tuple[int, dict[str, Any]]] = []
        lines = source.split("\n")
        before = 0
        for number in range(1, len(lines) + 1):
            try:
                actual = tomllib.loads("\n".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue
            self._prefixes.append((before + 1, actual))
            before = number

    def of(self, path: Sequence[str]) -> int:
        """
        The line on which the key at *path* begins, or that of its table; 0 if it isn't there.
        """
        for depth in range(len(path), 0, -1):
            for line, actual in self._prefixes:
                if _has(actual, path[:depth]):
                    return line
        return 0


def _has(actual: Any, path: Sequence[str]) -> bool:
    for name in path:
        if not isinstance(actual, dict) or name not in actual:
            return False
        actual = actual[name]
    return True
