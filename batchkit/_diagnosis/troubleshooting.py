"""
`docs/troubleshooting.md`, written from the table of rules.

`python -m batchkit._diagnosis.troubleshooting` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from batchkit._diagnosis import explain
from batchkit._diagnosis.finding import Rule
from batchkit._diagnosis.rules_ended import on_its_way

HEAD: Final = """\
# Troubleshooting

`run.explain()` says why a run is stuck or has failed.
`stack.diagnose()` says what keeps a stack's jobs from running.
`batchkit diagnose` shows both.
Below is everything that they check, in the order of a job's life.

This page is made from the rules themselves:
`python -m batchkit._diagnosis.troubleshooting > docs/troubleshooting.md`.
"""
_FALLBACK: Final = tuple(one for one in explain.FALLBACK if one is not on_its_way)
PARTS: Final[Sequence[tuple[str, Sequence[Rule]]]] = (
    ("The job waits", (*explain.WAITING, on_its_way)),
    ("The container doesn't start", explain.STARTING),
    ("The job has failed", (*explain.ENDED, *_FALLBACK)),
)


def page() -> str:
    """
    The page.
    """
    return "\n".join([HEAD, *(line for part in PARTS for line in _part(*part))])


def _part(title: str, rules: Sequence[Rule]) -> Iterator[str]:
    yield f"## {title}\n"
    for rule in rules:
        yield f"### {rule.name}\n"
        yield f"- **What you see:** {rule.sign}"
        yield f"- **Why:** {rule.cause}"
        yield f"- **What to do:** {rule.fix}\n"


if __name__ == "__main__":
    print(page(), end="")
