"""
Limits of AWS that a value itself can break: they are told before the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchkit import (
    Nat,
    Network,
    Role,
    Schedule,
    SecurityGroup,
    SpecError,
    StackSpec,
    StateMachine,
    Vpc,
    s3_read,
)

ROLE = "arn:aws:iam::1:role/r"
GRANTS: list[Any] = [s3_read("some-bucket", f"key{number}") for number in range(400)]
LONG = "arn:aws:secretsmanager:us-east-1:123456789012:secret:{:0100d}-AbCdEf"
MACHINE = "arn:aws:states:us-east-1:1:stateMachine:x"


def spec(**given: Any) -> StackSpec:
    return StackSpec(**{"name": "films", "image": "alpine:3", **given})


def schedule(text: str) -> Schedule:
    where: dict[str, Any] = {
        "group": "g",
        "expression": "rate(1 day)",
        "target": MACHINE,
        "role": ROLE,
    }
    return Schedule(name="films", input=text, **where)


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("name", lambda: SecurityGroup(name="sg-x", vpc="vpc-12345678")),
    ("name", lambda: SecurityGroup(name="SG-x", vpc="vpc-12345678")),
    ("name", lambda: Network(name="sg-x")),
    ("name", lambda: spec(name="default", schedule="rate(1 day)")),
    ("grants", lambda: spec(grants=GRANTS)),
    ("grants", lambda: Role(name="r", service="ecs-tasks.amazonaws.com", grants=GRANTS)),
    ("secrets", lambda: spec(secrets={f"A{n}": LONG.format(n) for n in range(80)})),
    (
        "execution_grants",
        lambda: spec(
            secrets={f"A{n}": LONG.format(n) for n in range(30)},
            execution_grants=GRANTS[:45],
        ),
    ),
    ("definition", lambda: StateMachine(name="x", definition={"C": "x" * 2**20}, role=ROLE)),
    ("definition", lambda: StateMachine(name="x", definition={"C": {1, 2}}, role=ROLE)),
    ("input", lambda: schedule("x" * (2**18 + 1))),
    ("cidr", lambda: Nat(cidr="127.0.0.0/16")),
    ("cidr", lambda: Nat(cidr="224.0.0.0/16")),
    ("cidr", lambda: Nat(cidr="169.254.0.0/16")),
    ("cidr", lambda: Nat(cidr="0.0.0.0/16")),
    ("cidr", lambda: Vpc(name="x", cidr="10.0.0.0/255.255.0.0")),
    ("egress", lambda: SecurityGroup(name="x", vpc="vpc-12345678", egress=["10.0.0.0/255.0.0.0"])),
    ("environment", lambda: spec(environment={"A": "x" * 24_000})),
    ("environment", lambda: spec(environment={f"A{n}": "x" for n in range(2000)})),
]


@pytest.mark.parametrize(("field", "make"), REFUSED)
def test_what_breaks_a_limit_is_refused(field: str, make: Callable[[], object]) -> None:
    """
    By the field that breaks it.
    """
    with pytest.raises(SpecError) as caught:
        make()
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize(
    "make",
    [
        lambda: spec(name="default"),
        lambda: spec(secrets={f"A{n}": LONG.format(n) for n in range(30)}),
        lambda: schedule("x" * 2**18),
        lambda: SecurityGroup(name="x", vpc="vpc-12345678", egress=["0.0.0.0/0"]),
        lambda: Nat(cidr="100.64.0.0/16"),
        lambda: spec(environment={"A": "x" * 22_000}),
    ],
)
def test_what_keeps_a_limit_is_taken(make: Callable[[], object]) -> None:
    """
    Up to it, and what only looks like it.
    """
    assert make()
