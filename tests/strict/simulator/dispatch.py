"""
How a call gets its answer: by faults, by rules, by what lies underneath, and by rules again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from .api_call import ApiCall, refused_by
from .paging import cut, next_page, pagination, whole
from .refusal import Refusal
from .rules import Handler, handlers_after, handlers_before


def reach(call: ApiCall, faults: Callable[[ApiCall], None]) -> None:
    """
    Have *call* answered; *faults* may fail it before anything takes effect.
    """
    account = call.account
    account.tick()
    faults(call)
    pages = pagination(call)
    if pages is None or not next_page(call, pages):
        _run(call, handlers_before(call.service, call.operation), until_answered=True)
        if call.answer is None:
            call.answer = _backend(call, pages)
        _run(call, handlers_after(call.service, call.operation), until_answered=False)
    if pages is not None:
        cut(call, pages)


def _run(call: ApiCall, handlers: Iterable[tuple[int, Handler]], until_answered: bool) -> None:
    for number, handler in handlers:
        if not call.account.on(number):
            continue
        try:
            if handler(call):
                call.account.hits[number] += 1
        except Refusal:
            call.account.hits[number] += 1
            raise
        if until_answered and call.answer is not None:
            return


def _backend(call: ApiCall, pages: dict[str, Any] | None) -> dict[str, Any]:
    if pages is None:
        return call.ask(call.params)
    try:
        return whole(call, pages)
    except ClientError as error:
        raise refused_by(call.service, error) from error
