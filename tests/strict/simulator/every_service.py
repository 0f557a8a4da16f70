"""
What holds for every service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .api_call import ApiCall
from .permissions import denied, roles_passed
from .rules import before, declare

declare(
    (1, "D", "a string that breaks the API model's pattern or length is refused"),
    (2, "D", "more than 50 tags, too long ones, and keys that begin with aws: are refused"),
    (9, "D", "a client token used again with other parameters is refused, else answers the same"),
    (10, "D", "an ARN of another partition than the region's is refused"),
    (100, "M", "passing a role younger than a few seconds is denied once"),
)

INVALID = {
    "ec2": "InvalidParameterValue",
    "iam": "ValidationError",
    "batch": "ClientException",
    "ecr": "InvalidParameterException",
    "logs": "InvalidParameterException",
}
FREE = ("definition", "PolicyDocument", "AssumeRolePolicyDocument", "lifecyclePolicyText")
TOKENS = {
    ("ec2", "CreateNatGateway"): "ClientToken",
    ("ec2", "CreateRouteTable"): "ClientToken",
    ("scheduler", "CreateSchedule"): "ClientToken",
    ("scheduler", "CreateScheduleGroup"): "ClientToken",
}


def strings(value: Any) -> Iterator[str]:
    """
    Every string inside *value*.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from strings(part)


@before(1, "*:*")
def _model_is_kept(call: ApiCall) -> None:
    shape = call.model.input_shape
    if call.service in {"s3", "sts", "dynamodb"} or shape is None:
        return
    for name, text, about in _members(shape, call.params, ""):
        if name in FREE:
            continue
        if _too_long(text, about) or not _matches(text, about):
            code = INVALID.get(call.service, "ValidationException")
            call.refuse_loosely(code, f"{name}: {text[:40]}")


def _too_long(text: str, about: dict[str, Any]) -> bool:
    return len(text) > int(about.get("max", len(text)))


def _matches(text: str, about: dict[str, Any]) -> bool:
    pattern = about.get("pattern")
    if not pattern:
        return True
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def _members(shape: Any, value: Any, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if shape.type_name == "string" and isinstance(value, str):
        yield name, value, shape.metadata
    elif shape.type_name == "structure" and isinstance(value, dict):
        for key, part in value.items():
            if key in shape.members:
                yield from _members(shape.members[key], part, key)
    elif shape.type_name == "list" and isinstance(value, (list, tuple)):
        for part in value:
            yield from _members(shape.member, part, name)
    elif shape.type_name == "map" and isinstance(value, dict):
        for part in value.values():
            yield from _members(shape.value, part, name)


def tags_of(params: dict[str, Any]) -> dict[str, str]:
    """
    The tags that a call gives, whatever their shape.
    """
    found = params.get("Tags") or params.get("tags") or []
    for specification in params.get("TagSpecifications") or []:
        found = [*found, *specification.get("Tags", [])]
    if isinstance(found, dict):
        return dict(found)
    return {
        tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in found
    }


@before(2, "*:*")
def _tags_are_allowed(call: ApiCall) -> None:
    if call.service == "resourcegroupstaggingapi":
        return
    tags = tags_of(call.params)
    wrong = [
        key
        for key, value in tags.items()
        if key.lower().startswith("aws:") or len(key) > 128 or len(str(value)) > 256
    ]
    if wrong or len(tags) > 50:
        code = INVALID.get(call.service, "ValidationException")
        call.refuse_loosely(code, f"tags {wrong or len(tags)}")


@before(9, *(f"{service}:{operation}" for service, operation in TOKENS))
def _token_is_kept(call: ApiCall) -> bool:
    name = TOKENS[call.service, call.operation]
    token = call.params.get(name)
    wanted = {key: value for key, value in call.params.items() if key != name}
    held = call.account.find(f"token {call.operation}", token)
    if held is None:
        return False
    if held["params"] != wanted:
        if call.service == "ec2":
            call.refuse("IdempotentParameterMismatch", "The client token was used before.")
        return False
    call.answer = held["answer"]
    return True


def keep_token(call: ApiCall) -> None:
    """
    Remember the answer to a create that carried a client token.
    """
    name = TOKENS.get((call.service, call.operation), "")
    token = call.params.get(name)
    if token:
        wanted = {key: value for key, value in call.params.items() if key != name}
        call.account.add(f"token {call.operation}", token, params=wanted, answer=call.answer)


@before(10, "*:*")
def _partition_is_right(call: ApiCall) -> None:
    for text in strings(call.params):
        for partition in re.findall(r"\barn:(aws[a-z-]*):", text):
            if partition != call.account.partition:
                code = INVALID.get(call.service, "ValidationException")
                if call.service == "iam" and text.lstrip().startswith("{"):
                    code = "MalformedPolicyDocument"
                call.refuse_loosely(code, f"partition {partition}")


@before(100, "batch:*", "stepfunctions:*", "scheduler:*")
def _fresh_role_is_not_passed(call: ApiCall) -> None:
    for arn in roles_passed(call):
        name = arn.rpartition("/")[2]
        account = call.account
        young = account.younger("role", name, "pass_role")
        first = young and account.once("pass", name, call.operation)
        if first and account.rng.random() < 0.7:
            raise denied(call, "iam:PassRole", arn)
