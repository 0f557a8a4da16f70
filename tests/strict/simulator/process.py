"""
One caller of the simulated account: a session, its own crash, and its calls on their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.model import OperationModel

from .access.restriction import Restriction
from .account import Account
from .api_call import ApiCall
from .dispatch import reach
from .faults import FaultInjector
from .hooks import attach
from .interleaving import Interleaver
from .recording import CallLog, Record
from .refusal import Refusal


class Crash(BaseException):
    """
    The end of a simulated process, in the middle of a call.
    """


class Process:
    """
    A caller with a session of its own; what it holds in memory ends with its crash.
    """

    def __init__(
        self,
        account: Account,
        faults: FaultInjector,
        interleaver: Interleaver,
        log: CallLog,
        number: int,
    ) -> None:
        self._account = account
        self._faults = faults
        self._interleaver = interleaver
        self._log = log
        self._left: int | None = None
        self.number = number
        self.crashed = False
        self.restriction: Restriction | None = None
        self.session = _session(account.base)
        attach(self.session, self._answer, account.clock.sleep)

    def crash_after(self, mutations: int) -> None:
        """
        Have the process die as the *mutations*-th change from now took effect, unseen.
        """
        self._left = mutations

    def is_denied(self, action: str) -> bool:
        """
        Whether the permission for *action* was taken away.
        """
        return self._faults.denies(action)

    def restrict(self, *documents: Mapping[str, Any]) -> Restriction:
        """
        Have the process be allowed what policy *documents* allow, and nothing else.
        """
        self.restriction = Restriction(documents)
        return self.restriction

    @property
    def calls(self) -> list[Record]:
        """
        The calls that this process made.
        """
        return [call for call in self._log.calls if call.process == self.number]

    def _answer(self, model: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
        with self._account.clock.call():
            self._interleaver.enter(self.number)
            with self._account.lock:
                if self.crashed:
                    raise Crash("this process has crashed")
                return self._recorded(ApiCall(self._account, self, model, params))

    def _recorded(self, call: ApiCall) -> dict[str, Any]:
        error: BaseException | None = None
        effect = False
        try:
            if self.restriction is not None:
                self.restriction.check(call)
                call.answer = self.restriction.answer(call)
            if call.answer is None:
                reach(call, self._faults.before)
            effect = True
            self._faults.after(call)
        except BaseException as raised:  # noqa: B036 - it is raised again below
            error = raised
        self._record(call, error, effect)
        if error is not None:
            raise error
        answer: dict[str, Any] = call.answer
        return answer

    def _record(self, call: ApiCall, error: BaseException | None, effect: bool) -> None:
        code = error.code if isinstance(error, Refusal) else type(error).__name__
        record = Record(
            self._account.clock.monotonic(),
            self.number,
            call.service,
            call.operation,
            call.asked,
            code if error else "",
            effect,
        )
        self._log.add(record)
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
