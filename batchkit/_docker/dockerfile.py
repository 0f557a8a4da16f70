"""
What a Dockerfile says that only BuildKit understands.

Docker's API builds with the classic builder, which refuses such an instruction in words that
don't say why, or takes it for something else
(https://docs.docker.com/build/buildkit/#overview).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator

from attrs import frozen

_CLASSIC = {"FROM": {"platform"}, "COPY": {"from", "chown"}, "ADD": {"chown"}, "RUN": set[str]()}
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)")
_HEREDOC = re.compile(r"\d*<<(-?)([\"']?)([^<\"'\s]+)\2")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?")
_AUTOMATIC = r"(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)"
_USED = re.compile(rf"\$\{{?({_AUTOMATIC})\b")
_DECLARED = re.compile(rf"({_AUTOMATIC})(=)?")
_EDITED = re.compile(r"\$\{\w+(?:#|%|/)")
_GIT = re.compile(r"git@|git://|ssh://|https?://\S+\.git(?:#\S*)?$")
_SHELL = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "SHELL")


@frozen
class Feature:
    """
    Something for BuildKit: its *word*, on *line*. If it isn't *needed*, other builders ignore it.
    """

    word: str
    line: int
    needed: bool = True

    def __str__(self) -> str:
        return f"{self.word} in line {self.line}"


@frozen
class Instruction:
    """
    An instruction with what follows it, and its heredocs' names.
    """

    word: str
    rest: str
    line: int
    heredocs: tuple[str, ...] = ()


def features(text: str, given: Collection[str] = ()) -> list[Feature]:
    """
    What in the Dockerfile *text* is for BuildKit, in its order; *given* are build arguments.
    """
    found = [Feature("# syntax=", 1, not _ordinary(one)) for one in _directive(text, "syntax")]
    known = set(given)
    for one in instructions(text):
        found += [Feature(word, one.line) for word in _words(one, known)]
        if one.word not in _SHELL and _EDITED.search(one.rest):
            # Newer daemons know it too, and others say so.
            found.append(Feature(f"{one.word} with ${{name#pattern}}", one.line, needed=False))
        if one.word == "ARG":
            known |= {name for name, default in _DECLARED.findall(one.rest) if default}
    return found


def instructions(text: str) -> Iterator[Instruction]:
    """
    The instructions of the Dockerfile *text*, without comments and the bodies of heredocs.
    """
    escape = next(iter(_directive(text, "escape")), "\\")
    lines = iter(enumerate(text.removeprefix("\ufeff").splitlines(), 1))
    for number, line in lines:
        whole = _whole(line, lines, escape)
        word, _, rest = whole.strip().partition(" ")
        if word.upper() == "ONBUILD":
            word, _, rest = rest.strip().partition(" ")
        if word and not word.startswith("#"):
            ends = _heredocs(word.upper(), rest)
            yield Instruction(word.upper(), rest.strip(), number, tuple(name for _, name in ends))
            for dashed, name in ends:
                _pass(lines, dashed, name)


def _directive(text: str, name: str) -> list[str]:
    """
    The value of the parser directive *name*, which stands before all else.
    """
    for line in text.removeprefix("\ufeff").splitlines():
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None:
            return []
        if found[1].lower() == name:
            return [found[2]]
    return []


def _ordinary(frontend: str) -> bool:
    return frontend.partition(":")[0] in ("docker/dockerfile", "docker.io/docker/dockerfile")


def _whole(line: str, lines: Iterator[tuple[int, str]], escape: str) -> str:
    """
    *line* with the lines that continue it; comments between them are left out.
    """
    if line.lstrip().startswith("#"):
        return ""
    while line.rstrip().endswith(escape):
        line = line.rstrip().removesuffix(escape)
        following = next((one for _, one in lines if not one.lstrip().startswith("#")), None)
        if following is None:
            break
        line = f"{line} {following}" if following.strip() else f"{line} {escape}"
    return line


def _heredocs(word: str, rest: str) -> list[tuple[bool, str]]:
    """
    The heredocs of an instruction: whether tabs before the end are allowed, and the end.
    """
    if word not in ("RUN", "COPY", "ADD") or rest.lstrip().startswith("["):
        return []
    lexer = shlex.shlex(rest, posix=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        parts = list(lexer)
    except ValueError:
        parts = rest.split()
    found = (_HEREDOC.fullmatch(part) for part in parts)
    return [(bool(one[1]), one[3]) for one in found if one]


def _pass(lines: Iterator[tuple[int, str]], dashed: bool, end: str) -> None:
    for _, line in lines:
        if (line.lstrip("\t") if dashed else line) == end:
            return


def _words(one: Instruction, known: Collection[str]) -> Iterator[str]:
    """
    What in *one* is for BuildKit.
    """
    if one.heredocs:
        yield f"{one.word} <<{one.heredocs[0]}"
    flags, rest = _flags(one)
    for flag in flags:
        if flag not in _CLASSIC.get(one.word, flags):
            yield f"{one.word} --{flag}"
    if one.word == "ADD" and any(_GIT.match(part) for part in rest.split()):
        yield "ADD of a Git repository"
    if one.word == "ARG":
        declared = _DECLARED.findall(rest)
        yield from (f"ARG {n}" for n, default in declared if not default and n not in known)
    if one.word == "FROM":
        named = [name for name in _USED.findall(one.rest) if name not in known]
        yield from (f"FROM with ${name}" for name in named)


def _flags(one: Instruction) -> tuple[list[str], str]:
    """
    The names of the flags right after the instruction, and what follows them.
    """
    flags, rest = [], one.rest
    while found := _FLAG.match(rest):
        flags.append(found[1])
        rest = rest[found.end() :].lstrip()
    return flags, rest
