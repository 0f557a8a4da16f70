"""
Whatever AWS may answer in pages comes in pages of two.
"""

from __future__ import annotations

import uuid
from typing import Any

from .api_call import ApiCall
from .rules import declare

PAGE = 2

declare((4, "D", "lists come in pages of two; what ignores the token misses resources"))


def pagination(call: ApiCall) -> dict[str, Any] | None:
    """
    How *call* is paged, or None where it has no pages (or rule 4 is off).
    """
    name = call.method
    if not call.account.on(4) or not call.raw.can_paginate(name):
        return None
    if call.service == "ec2" and "MaxResults" not in call.params:
        return None
    model = call.raw.get_paginator(name)._pagination_cfg
    keys = _listed(model["result_key"]) + _listed(model["output_token"])
    return model if all(key.isidentifier() for key in keys) else None


def next_page(call: ApiCall, model: dict[str, Any]) -> bool:
    """
    Answer *call* from a list that was begun before; False if it has no token.
    """
    token = call.params.get(_listed(model["input_token"])[0])
    if token not in call.account.pages:
        return False
    call.answer = dict(call.account.pages[token])
    return True


def whole(call: ApiCall, model: dict[str, Any]) -> dict[str, Any]:
    """
    All of the list that *call* asks for.
    """
    ignored = {model.get("limit_key"), *_listed(model["input_token"])}
    params = {key: value for key, value in call.params.items() if key not in ignored}
    pages = call.raw.get_paginator(call.method).paginate(**params)
    full: dict[str, Any] = pages.build_full_result()
    for key in _listed(model["result_key"]):
        full.setdefault(key, [])
    if "EncodingType" in params:
        full["EncodingType"] = params["EncodingType"]
    return full


def cut(call: ApiCall, model: dict[str, Any]) -> None:
    """
    Cut the answer after two items, and keep the rest for the next call.
    """
    for key in _listed(model["output_token"]):
        call.answer.pop(key, None)
    keys, room = _listed(model["result_key"]), PAGE
    rest = dict(call.answer)
    for key in keys:
        items = call.answer.get(key) or []
        call.answer[key], rest[key] = items[:room], items[room:]
        room -= len(call.answer[key])
    more = any(rest[key] for key in keys)
    if "more_results" in model:
        call.answer[model["more_results"]] = more
    if more:
        token = uuid.uuid4().hex
        call.account.pages[token] = rest
        call.answer.update(dict.fromkeys(_listed(model["output_token"]), token))
        call.account.hit(4)


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
