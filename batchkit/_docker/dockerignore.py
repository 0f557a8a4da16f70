"""
Which paths of a build context a .dockerignore leaves out.

The last line that matches a path or a folder above it decides. Docker documents this, and
BuildKit does it; the classic client (and docker-py with it) ignores `!**/name` below a folder
that is left out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from attrs import frozen

from batchkit.errors import ContextError

Hits = tuple[bool, ...]

_WILD = re.compile(r"[*?\[\\]")
_TOKEN = re.compile(
    r"(?P<any>\*\*/?)|(?P<part>\*)|(?P<one>\?)|\\(?P<plain>.)"
    r"|\[(?P<not>\^?)(?P<set>\]?(?:\\.|[^\]\\])+)\]|(?P<char>.)",
    re.DOTALL,
)


@frozen
class Pattern:
    """
    One line of a .dockerignore; *keeps* when it starts with an exclamation mark.
    """

    text: str
    regex: re.Pattern[str]
    keeps: bool

    def may_match_below(self, folder: str) -> bool:
        """
        Whether a path under *folder* may match; False only if none can.
        """
        literal = takewhile(lambda part: not _WILD.search(part), self.text.split("/"))
        return all(a == b for a, b in zip(literal, folder.split("/"), strict=False))


@frozen
class Ignore:
    """
    The patterns of a .dockerignore, in order.
    """

    patterns: tuple[Pattern, ...] = ()

    def hits(self, path: str, above: Hits) -> Hits:
        """
        For each pattern, whether it matches *path* or a folder above (whose hits are *above*).
        """
        if not above:
            return tuple(p.regex.fullmatch(path) is not None for p in self.patterns)
        return tuple(
            hit or p.regex.fullmatch(path) is not None
            for p, hit in zip(self.patterns, above, strict=True)
        )

    def leaves_out(self, hits: Hits) -> bool:
        """
        Whether the last pattern that matched is one that leaves out.
        """
        last = [p for p, hit in zip(self.patterns, hits, strict=True) if hit][-1:]
        return any(not p.keeps for p in last)

    def may_keep_below(self, folder: str) -> bool:
        """
        Whether something in *folder*, which is left out itself, may have to be kept.
        """
        return any(p.keeps and p.may_match_below(folder) for p in self.patterns)


def read_ignore(folder: Path, dockerfile: Path) -> Ignore:
    """
    The patterns of *dockerfile*'s own ignore file, or those of *folder*, or none.
    """
    for path in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), folder / ".dockerignore"):
        try:
            return parse(path.read_text("utf-8", "surrogateescape"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            msg = f"{path}: {error}. Correct or remove it."
            raise ContextError(msg) from error
    return Ignore()


def parse(text: str) -> Ignore:
    """
    The patterns of a .dockerignore. Raises ValueError for a line that is not a pattern.
    """
    lines = (_clean(line) for line in text.removeprefix("\ufeff").splitlines())
    return Ignore(tuple(_patterns(line for line in lines if line not in ("", ".", "!."))))


def _clean(line: str) -> str:
    """
    *line* as a path relative to the context; empty for a comment.
    """
    if line.startswith("#"):
        return ""
    line = line.strip()
    sign = "!" if line.startswith("!") else ""
    path = line.removeprefix(sign).strip()
    if sign and not path:
        msg = "the line '!' says nothing to keep"
        raise ValueError(msg)
    return sign + posixpath.normpath(path).lstrip("/") if path else ""


def _patterns(lines: Iterable[str]) -> Iterable[Pattern]:
    for line in lines:
        text = line.removeprefix("!")
        try:
            regex = re.compile("".join(_translated(text)), re.DOTALL)
        except re.error as error:
            msg = f"the line {line!r} is not a pattern ({error})"
            raise ValueError(msg) from None
        yield Pattern(text, regex, line.startswith("!"))


def _translated(text: str) -> Iterable[str]:
    """
    *text* piece by piece as a regular expression.
    """
    for token in _TOKEN.finditer(text):
        if token["any"]:
            yield ".*" if token.end() == len(text) else "(?:.*/)?"
        elif token["part"]:
            yield "[^/]*"
        elif token["one"]:
            yield "[^/]"
        elif token["set"]:
            yield f"[{token['not']}{_set(token['set'])}]"
        elif token["char"] == "[":
            msg = "a bracket is not closed"
            raise re.error(msg)
        else:
            yield re.escape(token["plain"] or token["char"])


def _set(text: str) -> str:
    # Python warns of `[`, `&&`, `||`, `~~` and `--` in a set, which mean nothing in Go
    return re.sub(r"([\[\]&|~])", r"\\\1", text)
