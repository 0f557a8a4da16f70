"""
Reads from AWS for a diagnosis, which goes on where the caller may not look.
"""

from __future__ import annotations

import threading
from typing import Any

from batchkit._engine.aws import Aws
from batchkit._model.calls import Call, Operation
from batchkit.errors import AwsError


class FactsReader:
    """
    Answers of AWS, and the errors of the calls that were refused.
    """

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.refused: list[AwsError] = []
        self._lock = threading.Lock()

    def read(self, call: Call) -> Any:
        """
        The answer; None if there is nothing, or the caller may not read it.
        """
        try:
            return self.aws.call(call)
        except AwsError as error:
            self.note(error)
            return None

    def note(self, error: AwsError) -> None:
        """
        Remembers that a call was refused.
        """
        with self._lock:
            self.refused.append(error)

    def readable(self, operation: Operation) -> bool:
        """
        Whether no call of *operation* was refused: only then is what it doesn't list not there.
        """
        return all(error.operation != str(operation) for error in self.refused)
