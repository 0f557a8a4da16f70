"""
The options of public functions: what each takes, stated once for all that have it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from batchkit._model.checks import Constraint, a_bool, optional, passes, problem, whole
from batchkit.errors import SpecError


def _has(*methods: str, expects: str) -> Constraint:
    """
    What has these *methods*, and isn't itself a class.
    """
    return Constraint(
        expects,
        lambda value: not isinstance(value, type)
        and all(callable(getattr(value, name, None)) for name in methods),
    )


_SECONDS: Final = Constraint(
    "a number of seconds",
    lambda value: type(value) in (int, float) and not math.isnan(value) and value >= 0,
)
OPTIONS: Final[Mapping[str, Constraint]] = {
    "adopt": a_bool(),
    "check": a_bool(),
    "clock": optional(_has("monotonic", "sleep", expects="a clock with monotonic and sleep")),
    "delete_data": a_bool(),
    "docker": optional(a_bool()),
    "follow": a_bool(),
    "lines": whole(1, 10_000, "lines"),
    "on_event": optional(Constraint("a function of an Event", callable)),
    "session": optional(_has("client", expects="a boto3.Session")),
    "timeout": optional(_SECONDS),
    "verbose": a_bool(),
    "wait": a_bool(),
    "workers": whole(1, 1000, "threads"),
}


def check_options(subject: str, **given: Any) -> None:
    """
    Raises a `SpecError` of *subject* about each of the options that isn't what it takes.
    """
    wrong = [
        problem(name, value, OPTIONS[name])
        for name, value in given.items()
        if not passes(OPTIONS[name], value)
    ]
    if wrong:
        raise SpecError(subject, wrong)
