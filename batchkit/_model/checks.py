"""
Checks of specs: every problem of a value is found, and all are reported in one error.

A field states its constraints where it is declared; a class that is `Checked` tests all its fields
when it is made.  Placeholders are not tested: what they stand for comes from AWS.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, NoReturn

import attrs
from attrs import frozen

from batchkit._model.confidential import Variables
from batchkit._model.secret_arn import VALUE_FROM
from batchkit._model.values import Arn, Here, Ref, Zone, can_be_sent
from batchkit.errors import Problem, SpecError


@frozen
class Constraint:
    """
    What a field expects, in words and as a test.
    """

    expects: str
    test: Callable[[Any], bool]


def constraints(*stated: Constraint, to: str = "") -> dict[str, Any]:
    """
    The metadata of an attrs field whose value is tested against each of *stated*.
    """
    return {"constraints": stated, "to": to}


def checked(
    *stated: Constraint,
    to: str = "",
    metadata: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """
    An attrs field whose value is tested against each of *stated*.

    Args:
        to: The resource type that a `Ref` in it must lead to; several are separated by spaces.
    """
    return attrs.field(metadata={**(metadata or {}), **constraints(*stated, to=to)}, **kwargs)


FieldRule = Callable[[Any], Iterator[Problem]]


class WrongField(Exception):
    """
    A rule has asked for a field that is wrong by itself.
    """


@frozen
class SoundFields:
    """
    The fields of *value* that are right by themselves, for rules that lie between fields.
    """

    value: Any
    wrong: Collection[str]

    def __getattr__(self, name: str) -> Any:
        if name in self.wrong:
            raise WrongField(name)
        return getattr(self.value, name)


@frozen
class Checked:
    """
    A base for values that test all their fields when they are made.
    """

    RULES: ClassVar[tuple[FieldRule, ...]] = ()
    """What must hold between fields: each rule is given the value, and yields its problems."""

    def __attrs_post_init__(self) -> None:
        problems = list(self._field_problems())
        wrong = {problem.field for problem in problems}
        problems += [one for one in self._rule_problems(wrong) if one.field not in wrong]
        if problems:
            raise SpecError(type(self).__name__, problems)

    def _rule_problems(self, wrong: Collection[str]) -> Iterator[Problem]:
        """
        What the rules find; one that meets a field that is wrong by itself says nothing.
        """
        for rule in self.RULES:
            with suppress(WrongField):
                yield from rule(SoundFields(self, wrong))

    def _field_problems(self) -> Iterator[Problem]:
        for attribute in attrs.fields(type(self)):
            value = getattr(self, attribute.name)
            for constraint in attribute.metadata.get("constraints", ()):
                if not isinstance(value, (Ref, Arn, Here, Zone)) and not passes(constraint, value):
                    yield problem(attribute.name, value, constraint)
                    break


def passes(constraint: Constraint, value: Any) -> bool:
    """
    Whether *value* meets *constraint*, of whatever type it is.
    """
    try:
        return bool(constraint.test(value))
    except Exception:  # a value of any type may raise anything when it is compared
        return False


def problem(name: str, got: Any, constraint: Constraint) -> Problem:
    """
    The problem of a field that doesn't meet *constraint*; of variables only those that are wrong.
    """
    if isinstance(got, Variables):
        entries = {key: item for key, item in got.items() if not passes(constraint, {key: item})}
        got = Variables(entries or got)
    return Problem(name, got, constraint.expects)


def refuse(subject: str, name: str, got: object, expects: str) -> NoReturn:
    """
    Raises a `SpecError` about one field.
    """
    raise SpecError(subject, [Problem(name, got, expects)])


def require(subject: str, name: str, got: object, constraint: Constraint) -> None:
    """
    Raises a `SpecError` about one field, unless it meets *constraint*.
    """
    if not passes(constraint, got):
        raise SpecError(subject, [problem(name, got, constraint)])


def text(pattern: str, expects: str) -> Constraint:
    """
    A text that *pattern* matches as a whole.
    """
    compiled = re.compile(pattern)
    return Constraint(
        expects, lambda value: compiled.fullmatch(value) is not None and can_be_sent(value)
    )


def whole(low: int, high: int, unit: str = "") -> Constraint:
    """
    A whole number from *low* to *high*.
    """
    expects = f"a whole number from {low} to {high}{f' {unit}' if unit else ''}"
    return Constraint(expects, lambda value: type(value) is int and low <= value <= high)


def one_of(*options: object) -> Constraint:
    """
    One of *options*, of the same type.
    """
    expects = "one of " + ", ".join(map(repr, options))
    # With its type, as 1 == True in Python.
    typed = [(type(option), option) for option in options]
    return Constraint(expects, lambda value: (type(value), value) in typed)


def a_bool() -> Constraint:
    """
    True or False.
    """
    return Constraint("True or False", lambda value: type(value) is bool)


def optional(constraint: Constraint) -> Constraint:
    """
    None, or what meets *constraint*.
    """
    return Constraint(
        f"None, or {constraint.expects}", lambda value: value is None or constraint.test(value)
    )


def each(constraint: Constraint, *, least: int = 0, most: int = 10**9) -> Constraint:
    """
    A tuple in which each item is a placeholder or meets *constraint*.
    """
    count = "each "
    if most < 10**9:
        count = f"{least} to {most} of: "
    elif least:
        count = f"{least} or more of: "

    def test(value: Any) -> bool:
        if not isinstance(value, tuple) or not least <= len(value) <= most:
            return False
        return all(isinstance(item, (Ref, Arn)) or constraint.test(item) for item in value)

    return Constraint(count + constraint.expects, test)


def instance(*types: type, expects: str = "") -> Constraint:
    """
    An instance of one of *types*.
    """
    names = " or ".join(subject.__name__ for subject in types)
    return Constraint(expects or f"a {names}", lambda value: isinstance(value, types))


def network(longest: int, shortest: int) -> Constraint:
    """
    An IPv4 network in CIDR form, without host bits, as AWS writes it.
    """

    def test(value: str) -> bool:
        block = ipaddress.IPv4Network(value)
        # A VPC can't have the ranges that mean something else to every host; a rule may name all
        # (https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html).
        odd = block.is_loopback or block.is_link_local or block.is_multicast or value[:2] == "0."
        return str(block) == value and longest <= block.prefixlen <= shortest and not longest * odd

    return Constraint(
        f"an IPv4 network such as '10.1.0.0/16', from /{longest} to /{shortest}, without host bits",
        test,
    )


ENVIRONMENT = Constraint(
    "names (letters, digits and _, not starting with a digit or AWS_BATCH) with texts",
    lambda value: all(
        can_be_sent(item)
        and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        and not name.startswith("AWS_BATCH")
        for name, item in value.items()
    ),
)

SECRETS = Constraint(
    f"{ENVIRONMENT.expects}: the ARNs of secrets, with all of :key:stage:version or none behind "
    "the name, or of parameters",
    lambda value: ENVIRONMENT.test(value)
    and all(VALUE_FROM.fullmatch(arn) for arn in value.values()),
)


def _are_tags(value: Mapping[str, str]) -> bool:
    # IAM's tag keys are case-insensitive, and every spec has roles
    # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
    keys = {key.lower() for key in value}
    return len(value) <= 40 and all(
        [
            len(keys) == len(value),
            "name" not in keys,
            not any(key.startswith(("aws:", "batchkit:")) for key in keys),
            all(re.fullmatch(r"[\w .:/=+@-]{1,128}", key) for key in value),
            all(re.fullmatch(r"[\w .:/=+@-]{0,256}", item) for item in value.values()),
        ]
    )


TAGS = Constraint(
    "at most 40 tags; keys of 1-128 and values of 0-256 of AWS's tag characters; in any "
    "case no key that starts with aws: or batchkit: or is Name, and no two that are the same",
    _are_tags,
)


def as_tuple(value: Any) -> Any:
    """
    Converts lists and sets to tuples; another value is left to the field's check.
    """
    return tuple(value) if isinstance(value, (list, set, frozenset)) else value


def as_set(value: Any) -> Any:
    """
    Converts collections to tuples in one order, so that two with the same items are equal.
    """
    if not isinstance(value, (tuple, list, set, frozenset)):
        return value
    distinct = {repr(item): item for item in value}
    return tuple(distinct[text_of] for text_of in sorted(distinct))


def as_dict(value: Any) -> Any:
    """
    Converts mappings to dicts in the order of their keys; another value is left to the check.
    """
    if not isinstance(value, Mapping):
        return value
    return dict(sorted(value.items(), key=lambda item: str(item[0])))
