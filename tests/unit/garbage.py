"""
Garbage for everything that is public: what to call, with what, and what may come of it.

The list of what is called is `batchkit.__all__`; signatures and annotations say which values are
wrong for sure.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import math
import tempfile
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import boto3
from full_specs import full_specs
from hypothesis import strategies as st

import batchkit
from batchkit import Bucket, JobDefinition, JobQueue, Mapped, Run, Stack, StackSpec, StateMachine
from batchkit._blueprint.blueprint import resources
from batchkit._engine.aws import Aws
from batchkit._engine.plan import Plan
from batchkit._model.checks import Checked
from batchkit._runs.backends import SubmittedJobs
from batchkit.clock import Clock
from batchkit.compute.choices import COMPUTES
from batchkit.ensure import Options
from batchkit.networks.choices import NETWORKS
from batchkit.resources.environment_base import EnvironmentBase

ROLE = "arn:aws:iam::123456789012:role/r"
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**30, 1.5, math.nan, math.inf, 1 + 0j, Decimal("sNaN")),
    *(Fraction(1, 3), "", " ", "x", "films", "a\x00b", "\ud800", "\x1b[31m", b"x", bytearray(b"x")),
    *([], (), {}, set(), [None], [[]], {1: 2}, {"a": 1}, {"": ""}, {None: None}, {(1,): "x"}),
    *(object(), object, int, len, print, lambda: 1, range(3), Ellipsis, NotImplemented, math),
    *(Path("/nowhere"), datetime(2030, 1, 1), ValueError("x"), memoryview(b"x"), slice(1)),
    *(batchkit.Fargate(), batchkit.Nat(), StackSpec(name="films", image="a:b"), Fraction),
]
VALUES = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.tuples(inner),
        max_leaves=5,
    ),
)


class Called(BaseException):
    """
    Somebody wants to call AWS.
    """


class Session(boto3.Session):
    """
    A session that must not be used.
    """

    def client(self, *_: Any, **__: Any) -> Any:
        raise Called


SESSION = Session("x", "x", region_name="us-east-1")


def fits(value: Any, hint: Any) -> bool:
    """
    Whether *value* may be meant by the annotation *hint*; what isn't understood fits.
    """
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is type:
        return isinstance(value, type) and fits_class(value, inner[0])
    if origin is tuple and inner[-1] is Ellipsis or origin in SEQUENCES:
        return is_sequence(value) and all(fits(one, inner[0]) for one in value)
    if origin is collections.abc.Mapping:
        return isinstance(value, Mapping) and all(
            fits(name, inner[0]) and fits(one, inner[1]) for name, one in value.items()
        )
    if origin is collections.abc.Callable:
        return callable(value)
    return fits_plain(value, hint)


SEQUENCES = (collections.abc.Sequence, list)


def is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


def fits_class(value: type, base: Any) -> bool:
    return isinstance(base, type) and issubclass(value, base)


def fits_plain(value: Any, hint: Any) -> bool:
    if hint in (None, type(None)):
        return value is None
    if hint in (int, bool):
        return type(value) is hint
    if hint is float:
        return type(value) in (int, float)
    if hint is collections.abc.Iterable or typing.get_origin(hint) is collections.abc.Iterable:
        return isinstance(value, collections.abc.Iterable)
    if isinstance(hint, typing.TypeVar):
        return hint.__bound__ is None or fits(value, hint.__bound__)
    if hint is Clock:
        return callable(getattr(value, "monotonic", None))
    return not isinstance(hint, type) or isinstance(value, hint)


@attrs.frozen
class Target:
    """
    Something public: its *name*, how it is called, and the arguments that are right.
    """

    name: str
    call: Callable[..., Any]
    right: dict[str, Any]
    hints: dict[str, Any]

    def __str__(self) -> str:
        return self.name


SPEC = StackSpec(name="films", image="a:b")


def _actual(resource_type: type[Any], **given: Any) -> Any:
    arn = f"arn:aws:x:us-east-1:123456789012:{resource_type.__name__}/films"
    return resource_type(name="films", owner="films", state="ACTIVE", **{**given, "arn": arn})


def instances() -> dict[type, Any]:
    """
    A value of each public class that has methods with arguments.
    """
    aws = Aws(SESSION)
    queue = _actual(JobQueue, compute_environments=("arn:aws:x:::y",))
    definition = _actual(JobDefinition, image="a:b", execution_role=ROLE)
    machine = _actual(StateMachine, definition={}, role=ROLE)
    bucket = Bucket(name="films-x", stack="films", owner="films")
    run = Run("x", aws, SubmittedJobs(aws, ["x"]))
    parts = (queue, definition, machine, bucket)
    return {
        Stack: Stack("films", parts, aws, Plan("films", ())),
        Run: run,
        Mapped: Mapped(run, (1, 2), aws),
        batchkit.ImageSource: batchkit.ImageSource("."),
    }


RIGHT: dict[str, Any] = {
    "session": SESSION,
    "resource": Bucket(name="some-bucket"),
    "spec": SPEC,
    "spec_or_name": SPEC,
    "name": "films",
    "queue": "arn:aws:batch:us-east-1:1:job-queue/q",
    "definition": "films",
    "timeout": 600,
    "items": [1, 2],
    "actions": "s3:GetObject",
    "bucket": "some-bucket",
    "table": "films",
    "key": "some-key",
    "arn": "01234567-0123-0123-0123-0123456789ab",
    "resource_type": JobQueue,
    "platform": "linux/amd64",
}


VALUES_BY_TYPE: dict[type, Any] = {
    StackSpec: SPEC,
    **{one: one() for one in (*COMPUTES.values(), *NETWORKS.values())},
    batchkit.ImageSource: batchkit.ImageSource("."),
    batchkit.Grant: batchkit.allow("s3:GetObject"),
    batchkit.Network: batchkit.Network(name="films"),
}


@functools.cache
def examples() -> dict[type, Any]:
    """
    A value of each class, the resources as a stack has them.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text("FROM alpine\n", encoding="utf-8")
        specs = full_specs(Path(folder))
        made = [one for spec in specs for one in resources(spec, "us-east-1")]
    found: dict[type, Any] = {**VALUES_BY_TYPE, **{type(one): one for one in made}}
    found[batchkit.ComputeEnvironment] = batchkit.ComputeEnvironment(name="films")
    found[EnvironmentBase] = found[batchkit.FargateEnvironment]
    return found


def targets() -> Iterator[Target]:
    """
    Every public function, class that users make values of, and method with arguments.
    """
    for name in vars(batchkit)["__all__"]:
        public = getattr(batchkit, name)
        if inspect.isfunction(public):
            yield target(name, public)
        elif inspect.isclass(public) and issubclass(public, Checked):
            yield made(name, public)
    for owner, instance in instances().items():
        for name, method in vars(owner).items():
            plain = method.__func__ if isinstance(method, classmethod) else method
            if not name.startswith("_") and inspect.isfunction(plain):
                bound = getattr(instance, name)
                if inspect.signature(bound).parameters:
                    yield target(f"{owner.__name__}.{name}", bound)


def target(name: str, function: Any) -> Target:
    """
    A function or a method with right values for what it demands.
    """
    plain = inspect.unwrap(getattr(function, "__func__", function))
    # Annotations that are imported for type checkers only.
    known = {
        "boto3": boto3,
        "Clock": Clock,
        "Listener": Callable[..., Any],
        **vars(batchkit.events),
    }
    known |= {"Unpack": typing.Any, "Options": Options, "Any": Any, "Console": object}
    hints: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            options = {key: one for key, one in vars(Options)["__annotations__"].items()}
            texts = {key: getattr(one, "__forward_arg__", one) for key, one in options.items()}
        else:
            texts = {parameter.name: parameter.annotation}
        for key, text in texts.items():
            hints[key] = eval(text, {**plain.__globals__, **known})
    right = {key: RIGHT[key] for key in hints if key in RIGHT}
    if name.startswith("ensure_") and name != "ensure_stack":
        subject = next(iter(hints))
        demanded = getattr(hints[subject], "__bound__", hints[subject])
        right[subject] = examples()[demanded]
    return Target(name, positional(function), right, hints)


def positional(function: Any) -> Callable[..., Any]:
    """
    *function*, whose parameters can all be given by name; what it yields is looked at.
    """
    only = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind is one.POSITIONAL_ONLY
    ]

    def call(**given: Any) -> Any:
        first = [given.pop(name) for name in only if name in given]
        outcome = function(*first, **given)
        if inspect.isgenerator(outcome):
            next(outcome, None)
        elif isinstance(outcome, AbstractContextManager):
            with outcome:
                pass
        return outcome

    return call


def made(name: str, checked: type[Any]) -> Target:
    """
    A class whose values users make; what a field takes is its own affair.
    """
    fields = [one for one in attrs.fields(checked) if "read_only" not in one.metadata]
    example = examples()[checked]
    right = {one.alias: getattr(example, one.name) for one in fields}
    return Target(name, checked, right, {one: object for one in right})
