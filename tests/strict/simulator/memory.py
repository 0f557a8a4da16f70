"""
What lies under the rules is asked for the same once: until something is changed there, it answers
as before. While a stack is waited for it is asked hundreds of times, and each takes milliseconds.
"""

from __future__ import annotations

import pickle
from typing import Any

import boto3

KEY = "strict-aws-memory-key"
READS = ("Describe", "Get", "List", "Head")


class Memory:
    """
    The answers that a session's clients got since a call that may have changed something.
    """

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, bytes]] = {}

    def attach(self, session: boto3.Session) -> None:
        """
        Have the clients that *session* makes from now on use it.
        """
        events: Any = session.events
        events.register_last("before-parameter-build.*.*", self._note)
        events.register_first("before-call.*.*", self._answer)
        events.register_first("after-call.*.*", self._learn)  # before its handlers change it

    def forget(self) -> None:
        """
        All is as new. What is learnt of a call that is under way is lost with the old.
        """
        self._known = {}

    def _note(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[KEY] = repr(params)

    def _answer(self, model: Any, params: Any, context: Any, **_: Any) -> tuple[Any, Any] | None:
        asked = context.pop(KEY)
        if not _reads(model):
            self.forget()
            return None
        known, key = self._known, (params["url"], model.name, asked)
        if key in known:
            response, parsed = known[key]
            return response, pickle.loads(parsed)
        context[KEY] = known, key
        return None

    def _learn(self, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        if not _reads(model):
            self.forget()
        elif KEY in context:
            known, key = context.pop(KEY)
            known[key] = http_response, pickle.dumps(parsed)


def _reads(model: Any) -> bool:
    """
    Whether a call changes nothing, and its answer may be kept.
    """
    return bool(model.name.startswith(READS) and not model.has_streaming_output)
