"""
What the sections on Batch share: names, states, and the service's wrapping of its messages.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from ._rules import Refused
from ._world import Call, Thing, World

NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
BUSY = ("CREATING", "UPDATING", "DELETING")


def refuse(message: str, status: int = 400) -> NoReturn:
    """
    Refuse in the form that Batch wraps every message in.
    """
    wrapped = f"Error executing request, Exception : {message}, RequestId: {uuid.uuid4()}"
    raise Refused("ClientException", wrapped, status, {"message": wrapped})


def short(name_or_arn: str) -> str:
    """
    The name of a compute environment or queue, of which Batch takes the ARN as well.
    """
    return name_or_arn.rpartition("/")[2]


def check_name(name: str, message: str) -> None:
    """
    Refuse a name that Batch does not take.
    """
    if not NAME.fullmatch(name):
        refuse(message)


def held(world: World, kind: str, name_or_arn: str, read: Callable[[str], Any]) -> Thing | None:
    """
    The overlay's resource; one that was there before is taken into the overlay as settled.
    """
    name = short(name_or_arn)
    found = world.find(kind, name)
    if found is None:
        shown = read(name)
        if shown is None:
            return None
        found = world.add(kind, name, shown=shown, backed=True)
        found.born = float("-inf")
    return found


def as_found(backend: dict[str, Any]) -> dict[str, Any]:
    """
    What the backend says of a resource, with the state it leaves out.
    """
    return {"state": "ENABLED", **backend}


def status(thing: Thing) -> str:
    """
    The status that is shown.
    """
    return str(thing["shown"]["status"])


def settle(thing: Thing, state: str, reason: str) -> None:
    """
    Show another status.
    """
    thing["shown"].update(status=state, statusReason=reason)


def check_settled(thing: Thing, verb: str) -> None:
    """
    Refuse what is asked of a resource that is being created, updated or deleted.
    """
    if status(thing) in BUSY:
        refuse(f"Cannot {verb}, resource is being modified")


def shown(world: World, thing: Thing, arn: str) -> dict[str, Any]:
    """
    What describe shows of a resource, tags included.
    """
    answer: dict[str, Any] = copy.deepcopy(thing["shown"])
    if thing["backed"]:
        tags = world.raw("batch").list_tags_for_resource(resourceArn=arn)["tags"]
        answer["tags"] = dict(tags)
    return answer


def maybe_missing(call: Call, answer: dict[str, Any]) -> None:
    """
    Deleting what is not there: AWS is not known to refuse it, nor to let it pass.
    """
    if call.world.rng.random() < 0.5:
        refuse(call.world.loose(f"{next(iter(call.params.values()))} does not exist"))
    call.answer = answer
