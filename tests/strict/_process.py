"""
One caller of the simulated account: a session, its own crash, and its calls on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import botocore.session
from botocore.exceptions import ClientError

from . import _paging
from ._hooks import attach
from ._rules import Refused, handlers_after, handlers_before
from ._world import Call, refused_by

if TYPE_CHECKING:
    from ._engine import StrictAws

READS = ("Describe", "Get", "List", "Head", "Check", "BatchGet", "BatchCheck", "Validate", "Query")
SAME_INSTANT = 200


class Crash(BaseException):
    """
    The end of a simulated process, in the middle of a call.
    """


class Record(NamedTuple):
    """
    One call as it was made: when, what, and how it was answered.

    `error` is the code that the caller saw, "" for none; `effect` is whether AWS did it.
    """

    time: float
    process: int
    service: str
    operation: str
    params: dict[str, Any]
    error: str
    effect: bool

    @property
    def mutates(self) -> bool:
        """
        Whether the operation is one that changes something.
        """
        return not self.operation.startswith(READS)


class Process:
    """
    A caller with a session of its own; what it holds in memory ends with its crash.
    """

    def __init__(self, aws: StrictAws, number: int) -> None:
        self._aws = aws
        self._left: int | None = None
        self.number = number
        self.crashed = False
        self.session = _session(aws.world.base)
        attach(self.session, self._answer, aws.clock.sleep)

    def crash_after(self, mutations: int) -> None:
        """
        Have the process die as the *mutations*-th change from now took effect, unseen.
        """
        self._left = mutations

    def is_denied(self, action: str) -> bool:
        """
        Whether the permission for *action* was taken away.
        """
        return self._aws.faults.denies(action)

    @property
    def calls(self) -> list[Record]:
        """
        The calls that this process made.
        """
        return [call for call in self._aws.calls if call.process == self.number]

    def _answer(self, model: Any, params: dict[str, Any]) -> dict[str, Any]:
        aws = self._aws
        with aws.clock.call():
            aws.gate.enter(self)
            with aws.world.lock:
                if self.crashed:
                    raise Crash("this process has crashed")
                return self._recorded(Call(aws.world, self, model, params))

    def _recorded(self, call: Call) -> dict[str, Any]:
        error: BaseException | None = None
        effect = False
        try:
            _reach(call, self._aws.faults.before)
            effect = True
            self._aws.faults.after(call)
        except BaseException as raised:  # noqa: B036 - it is raised again below
            error = raised
        self._record(call, error, effect)
        if error is not None:
            raise error
        answer: dict[str, Any] = call.answer
        return answer

    def _record(self, call: Call, error: BaseException | None, effect: bool) -> None:
        code = error.code if isinstance(error, Refused) else type(error).__name__
        record = Record(
            self._aws.clock.monotonic(),
            self.number,
            call.service,
            call.operation,
            call.asked,
            code if error else "",
            effect,
        )
        self._aws.calls.append(record)
        self._aws.watch_for_spin(record)
        if record.mutates and effect:
            self._maybe_crash(record)

    def _maybe_crash(self, record: Record) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            self.crashed = True
            msg = f"crashed after {record.service}:{record.operation}"
            raise Crash(msg)


def _session(base: boto3.Session) -> boto3.Session:
    """
    A session like *base*, with hooks of its own, that shares its loaded service models.
    """
    credentials = base.get_credentials()
    if credentials is None:
        msg = "the session underneath has no credentials"
        raise ValueError(msg)
    keys = credentials.get_frozen_credentials()
    inner = botocore.session.Session()
    inner.register_component("data_loader", base._session.get_component("data_loader"))
    return boto3.Session(
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        region_name=base.region_name,
        botocore_session=inner,
    )


def _reach(call: Call, faults: Callable[[Call], None]) -> None:
    world = call.world
    world.tick()
    faults(call)
    pages = _paging.pagination(call)
    if pages is None or not _paging.next_page(call, pages):
        _run(call, handlers_before(call.service, call.operation), until_answered=True)
        if call.answer is None:
            call.answer = _backend(call, pages)
        _run(call, handlers_after(call.service, call.operation), until_answered=False)
    if pages is not None:
        _paging.cut(call, pages)


def _run(call: Call, handlers: Any, until_answered: bool) -> None:
    for number, handler in handlers:
        if not call.world.on(number):
            continue
        try:
            if handler(call):
                call.world.hits[number] += 1
        except Refused:
            call.world.hits[number] += 1
            raise
        if until_answered and call.answer is not None:
            return


def _backend(call: Call, pages: dict[str, Any] | None) -> dict[str, Any]:
    if pages is None:
        return call.ask(call.params)
    try:
        return _paging.whole(call, pages)
    except ClientError as error:
        raise refused_by(call.service, error) from error
