"""
Errors inside an answer that is a success: what a call for several things didn't do.

S3 lists them in `Errors`, EC2 in `Unsuccessful`, EventBridge in `FailedEntries`, ECR in `failures`
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).  Which member of an answer
it is, botocore's description of the operation says: a list or map that is called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape

_FAILURES: Final = re.compile(r"error|fail|unsuccess|unprocess|reject", re.IGNORECASE)
_COUNT: Final = re.compile(r"failed\w*count", re.IGNORECASE)
_CODE: Final = re.compile(r"(\w+|)code", re.IGNORECASE)
_MESSAGE: Final = re.compile(r"(\w+|)(message|reason|cause)", re.IGNORECASE)


def refuse_partial_success(parsed: Mapping[str, Any], model: OperationModel, **_: object) -> None:
    """
    Raises the first error that the answer *parsed* has inside, as if the whole call had failed.
    """
    if model.output_shape is None or "Error" in parsed:
        return
    failures = [*failures_in(model.output_shape, parsed)]
    if not failures:
        return
    code, message = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    answer: Any = {
        "Error": {"Code": code, "Message": message + more},
        "ResponseMetadata": parsed.get("ResponseMetadata", {}),
    }
    raise ClientError(answer, model.name)


def failures_in(output: Shape, answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The code and the message of each failure that *answer*, whose shape is *output*, tells of.
    """
    shapes: Mapping[str, Shape] = getattr(output, "members", {})
    some_failed = any(_COUNT.fullmatch(name) and answer.get(name) for name in shapes)
    for name, shape in shapes.items():
        found = answer.get(name)
        if not found or shape.type_name not in ("list", "map"):
            continue
        items = [{"": key, **_as_dict(one)} for key, one in _pairs(found)]
        if _FAILURES.search(name):
            yield from (_told(name, item) for item in items)
        elif some_failed:  # beside those that were done, in the order of the request
            yield from (_told(name, item) for item in items if _first(_CODE, item))


def _pairs(found: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Mapping):
        yield from found.items()
    else:
        yield from (("", one) for one in found)


def _as_dict(item: Any) -> dict[str, Any]:
    """
    The members of *item*, those of a structure inside beside the others.
    """
    if not isinstance(item, Mapping):
        return {"item": item}
    inner = [one for one in item.values() if isinstance(one, Mapping)]
    return {key: value for one in (item, *inner) for key, value in one.items()}


def _told(name: str, item: Mapping[str, Any]) -> tuple[str, str]:
    code, message = _first(_CODE, item), _first(_MESSAGE, item)
    subject = [
        value
        for value in item.values()
        if isinstance(value, str) and value not in ("", code, message)
    ]
    told = ": ".join(filter(None, (", ".join(subject), message)))
    return code or name, told or f"listed in {name}"


def _first(pattern: re.Pattern[str], item: Mapping[str, Any]) -> str:
    found = (item[key] for key in item if pattern.fullmatch(key))
    return next((one for one in found if one and isinstance(one, str)), "")
