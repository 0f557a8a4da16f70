"""
The problems for which Step Functions refuses a definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

_TERMINAL = ("Succeed", "Fail")


class DefinitionProblem(NamedTuple):
    """
    One problem: AWS's code, a message, and where it is.
    """

    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location or '/'}"


def definition_problems(definition: str) -> list[DefinitionProblem]:
    """
    The problems in the *definition*'s structure; none if AWS accepts it.
    """
    try:
        machine = json.loads(definition)
    except ValueError as error:
        return [DefinitionProblem("INVALID_JSON_DESCRIPTION", str(error), "")]
    if not isinstance(machine, dict):
        return [
            DefinitionProblem("INVALID_JSON_DESCRIPTION", "the definition is not an object", "")
        ]
    return list(_machine(machine, ""))


def _machine(machine: dict[str, Any], at: str) -> Iterator[DefinitionProblem]:
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield DefinitionProblem("SCHEMA_VALIDATION_FAILED", "The field 'States' is missing", at)
        return
    start = machine.get("StartAt")
    if start is None:
        yield DefinitionProblem("SCHEMA_VALIDATION_FAILED", "The field 'StartAt' is missing", at)
    elif start not in states:
        yield _no_target("StartAt", start, at)
    for name, state in states.items():
        yield from _state(state, states, f"{at}/States/{name}")


def _state(state: dict[str, Any], states: dict[str, Any], at: str) -> Iterator[DefinitionProblem]:
    state_type = state.get("Type")
    if state_type is None:
        yield DefinitionProblem("SCHEMA_VALIDATION_FAILED", "The field 'Type' is missing", at)
    for field, target in _targets(state):
        if target not in states:
            yield _no_target(field, target, at)
    ends = state_type in (*_TERMINAL, "Choice") or state.get("End") is True
    if not ends and "Next" not in state:
        yield DefinitionProblem("SCHEMA_VALIDATION_FAILED", "Neither 'Next' nor 'End' is there", at)
    for inner, where in _inner(state):
        yield from _machine(inner, f"{at}/{where}")


def _targets(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for group in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(group, ())):
            yield f"{group}[{index}]/Next", rule.get("Next")


def _inner(state: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for index, branch in enumerate(state.get("Branches", ())):
        yield branch, f"Branches[{index}]"
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield state[field], field


def _no_target(field: str, target: str, at: str) -> DefinitionProblem:
    return DefinitionProblem("MISSING_TRANSITION_TARGET", f"{field} names no state: {target!r}", at)
