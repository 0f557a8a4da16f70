"""
An error as AWS's answer to a call.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """
    AWS's answer to a call is an error.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra or {}
