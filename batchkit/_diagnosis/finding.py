"""
Findings: what was checked, what is wrong with it in one sentence, and how to repair it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attrs import field, frozen

from batchkit._model.display import Displayed
from batchkit._printable import printable

if TYPE_CHECKING:
    from batchkit._diagnosis.facts import JobFacts

    Check = Callable[[JobFacts, "Rule"], "Findings"]


class Severity(str, enum.Enum):
    """
    How bad it is: a job can't run or has failed, a job may fail, or merely worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def __str__(self) -> str:
        return self.value


@frozen
class Finding:
    """
    Something that keeps a job from running, or made it fail.

    Args:
        severity: How bad it is.
        subject: What was checked.
        message: What is wrong with it, in one sentence.
        fix: The call or the change of the spec that repairs it.
        rule: The name of the rule that found it; the docs have a section of that name.
    """

    severity: Severity
    subject: str
    message: str
    fix: str
    rule: str

    def __str__(self) -> str:
        said = f"{self.severity}: {self.subject}: {self.message}"
        return f"{printable(said)}\n  fix: {printable(self.fix)}"


class Diagnosis(Displayed, list[Finding]):
    """
    Findings, the worst first; empty if all is well.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "nothing is wrong"

    @property
    def errors(self) -> list[Finding]:
        """
        The findings that keep a job from running, or made it fail.
        """
        return [finding for finding in self if finding.severity is Severity.ERROR]


Findings = Iterator[Finding]


@frozen
class Rule:
    """
    One thing that can be wrong.

    Args:
        name: Its short name, the heading of its section in the docs.
        sign: What a user sees.
        cause: Why that is so.
        fix: What repairs it.
        check: Yields the findings that follow from the facts.
    """

    name: str
    sign: str
    cause: str
    fix: str
    check: Check = field(repr=False)

    def found(
        self, subject: object, message: str, fix: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        """
        A finding of this rule.
        """
        return Finding(severity, str(subject), message, fix or self.fix, self.name)


def rule(sign: str, cause: str, fix: str) -> Callable[[Check], Rule]:
    """
    Makes a `Rule` of a function; its name is the function's, with dashes.
    """

    def make(check: Check) -> Rule:
        name = check.__name__.replace("_", "-")
        return Rule(name, sign, cause, fix, check)

    return make
