"""
How Batch refuses: one code for all, and a wrapping around each message.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NoReturn

from ..api_call import ApiCall
from ..refusal import Refusal

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")


def refuse(message: str, status: int = 400) -> NoReturn:
    """
    Refuse in the form that Batch wraps every message in.
    """
    wrapped = f"Error executing request, Exception : {message}, RequestId: {uuid.uuid4()}"
    raise Refusal("ClientException", wrapped, status, {"message": wrapped})


def check_name(name: str, message: str) -> None:
    """
    Refuse a name that Batch does not take.
    """
    if not NAME.fullmatch(name):
        refuse(message)


def maybe_missing(call: ApiCall, answer: dict[str, Any]) -> None:
    """
    Deleting what is not there: AWS is not known to refuse it, nor to let it pass.
    """
    if call.account.rng.random() < 0.5:
        refuse(call.account.loose(f"{next(iter(call.params.values()))} does not exist"))
    call.answer = answer
