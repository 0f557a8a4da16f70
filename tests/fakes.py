"""
A clock that only tests move, a record of calls, and answers without AWS.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from attrs import field, frozen

from batchkit._model.calls import Call, Step
from batchkit._model.reader import is_there
from batchkit._model.values import Arn, Here, Scope

HERE = Scope("aws", "us-east-1", "123456789012")


class FakeClock:
    """
    Time that passes only when something waits, or by *step* with each look at it.
    """

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self._step = step
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            self.now += self._step
            return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.sleeps.append(seconds)


@frozen
class Seen:
    """
    A call that a session has made.
    """

    service: str
    name: str
    params: Mapping[str, Any] = field(factory=dict)

    @property
    def reads(self) -> bool:
        return self.name.startswith(("Describe", "Get", "List", "Head"))


@contextmanager
def recording(session: boto3.Session) -> Iterator[list[Seen]]:
    """
    The calls of all clients that *session* makes inside.
    """
    seen: list[Seen] = []

    def record(params: Mapping[str, Any], model: Any, **_: object) -> None:
        seen.append(Seen(model.service_model.service_name, model.name, dict(params)))

    session.events.register_last("provide-client-params.*.*", record)
    try:
        yield seen
    finally:
        session.events.unregister("provide-client-params.*.*", record)


def mutating(seen: list[Seen]) -> list[str]:
    """
    The names of the calls that change something.
    """
    return [call.name for call in seen if not call.reads]


class FakeAsk:
    """
    Answers calls from a table by the operation's name: a value, or a function of the parameters.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.scope = HERE

    def __call__(self, call: Call) -> Any:
        self.asked.append(call.operation.name)
        answer = self.answers[call.operation.name]
        return answer(call.params) if callable(answer) else answer

    def all(self, *calls: Call, exists: Callable[[Any], Any] = is_there) -> list[Any]:
        return [self(call) for call in calls]


def params(step: Step) -> Any:
    """
    The parameters of *step*, which is an API call.
    """
    assert isinstance(step, Call)
    return step.params


def client(session: boto3.Session, service: str) -> Any:
    """
    A client of *service*, any text; boto3's stubs allow only the names that they know.
    """
    make: Any = session.client
    return make(service)


def here(placeholder: Any) -> Any:
    """
    What a placeholder stands for in `HERE`; a `Ref` stays.
    """
    if isinstance(placeholder, Arn):
        return HERE.arn(placeholder)
    return getattr(HERE, placeholder.fact) if isinstance(placeholder, Here) else placeholder
