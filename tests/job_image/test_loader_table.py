"""
What DynamoDB's answers mean for a batch.
"""

from __future__ import annotations

import json

import pytest
from loader.faults import BadInput, Refused
from loader.table import Batch, TargetTable
from scripted import KEYED, unprocessed

OUTCOMES = [
    *[
        (400, code, "throttled")
        for code in (
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "Throttling",
            "TooManyRequestsException",
        )
    ],
    *[
        (400, code, "again")
        for code in (
            "ExpiredTokenException",
            "InternalServerError",
            "RequestTimeout",
            "LimitExceededException",
            "ResourceInUseException",
        )
    ],
    *[(status, "", "again") for status in (408, 429, 500, 502, 503, 504)],
    (400, "ValidationException", "invalid"),
    (413, "", "invalid"),
    (400, "AccessDeniedException", "Refused"),
    (403, "", "Refused"),
    (400, "", "Refused"),
    (400, "ResourceNotFoundException", "BadInput"),
]


@pytest.mark.parametrize(("status", "code", "wanted"), OUTCOMES)
def test_what_an_error_means(status: int, code: str, wanted: str) -> None:
    """
    Try again slower, try again, look at each item, or give up.
    """
    answer = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
    batch: Batch = {"a": b"1", "b": b"2"}
    try:
        outcome = TargetTable.outcome(KEYED, batch, status, answer)
    except (Refused, BadInput) as fault:
        assert type(fault).__name__ == wanted
    else:
        got = "throttled" if outcome.throttled else "invalid" if outcome.invalid else "again"
        assert (got, outcome.left) == (wanted, batch)


@pytest.mark.parametrize(
    ("answer", "left", "throttled"),
    [
        (b"{}", [], False),
        (b'{"UnprocessedItems": {}}', [], False),
        (b'{"UnprocessedItems": null}', [], False),
        (unprocessed(1)[1], ["1"], True),
        (unprocessed(2, 1, 1)[1], ["1", "2"], True),
        (unprocessed(1, 9)[1], ["1", "2", "3"], True),
        (b"<html>", ["1", "2", "3"], False),
        (b'{"UnprocessedItems": {"t": [{"DeleteRequest": 1}]}}', ["1", "2", "3"], False),
        (b"[]", ["1", "2", "3"], False),
        (b"", ["1", "2", "3"], False),
    ],
)
def test_what_an_answer_leaves(answer: bytes, left: list[str], throttled: bool) -> None:
    """
    What can't be told from the others is written again, with all of them.
    """
    outcome = TargetTable.outcome(KEYED, {key: b"x" for key in "123"}, 200, answer)
    assert (sorted(map(str, outcome.left)), outcome.throttled) == (left, throttled)
