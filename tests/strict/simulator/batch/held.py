"""
The compute environments and job queues that the account holds, and the states they are in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..account import Account, OverlayEntry
from ..rules import declare
from .refusals import refuse

declare((135, "T", "for some seconds after a deletion Batch tells the record of before"))

FARGATE = ("FARGATE", "FARGATE_SPOT")
BUSY = ("CREATING", "UPDATING", "DELETING")


def short(name_or_arn: str) -> str:
    """
    The name of a compute environment or queue, of which Batch takes the ARN as well.
    """
    return name_or_arn.rpartition("/")[2]


def as_found(backend: dict[str, Any]) -> dict[str, Any]:
    """
    What the backend says of a resource, with the state it leaves out.
    """
    return {"state": "ENABLED", **backend}


def status(entry: OverlayEntry) -> str:
    """
    The status that is shown.
    """
    return str(entry["shown"]["status"])


def settle(entry: OverlayEntry, state: str, reason: str) -> None:
    """
    Show another status.
    """
    entry["shown"].update(status=state, statusReason=reason)


def begin_deletion(account: Account, entry: OverlayEntry) -> None:
    """
    Delete a resource, which describe doesn't show for some seconds.
    """
    entry["before"] = {key: entry["shown"].get(key, "") for key in ("status", "statusReason")}
    entry["before_until"] = account.now + account.delays["deletion_shown"]
    settle(entry, "DELETING", "")


def check_settled(entry: OverlayEntry, verb: str) -> None:
    """
    Refuse what is asked of a resource that is being created, updated or deleted.
    """
    if status(entry) in BUSY:
        refuse(f"Cannot {verb}, resource is being modified")


def as_described(account: Account, entry: OverlayEntry, arn: str) -> dict[str, Any]:
    """
    What describe shows of a resource, tags included.
    """
    answer: dict[str, Any] = copy.deepcopy(entry["shown"])
    if account.now < entry.get("before_until", float("-inf")) and account.hit(135):
        answer.update(entry["before"])
    if entry["backed"]:
        tags = account.raw("batch").list_tags_for_resource(resourceArn=arn)["tags"]
        answer["tags"] = dict(tags)
    return answer


def _held(
    account: Account, kind: str, name_or_arn: str, read: Callable[[str], dict[str, Any] | None]
) -> OverlayEntry | None:
    """
    The overlay's resource; one that was there before is taken into the overlay as settled.
    """
    name = short(name_or_arn)
    found = account.find(kind, name)
    if found is None:
        shown = read(name)
        if shown is None:
            return None
        found = account.add(kind, name, shown=shown, backed=True)
        found.born = float("-inf")
    return found


def environment(account: Account, name: str) -> OverlayEntry | None:
    """
    A compute environment by name or ARN.
    """
    return _held(account, "environment", name, lambda short_name: _environment(account, short_name))


def _environment(account: Account, name: str) -> dict[str, Any] | None:
    found = account.raw("batch").describe_compute_environments(computeEnvironments=[name])
    every: list[dict[str, Any]] = found["computeEnvironments"]
    return as_found(every[0]) if every else None


def every_environment(account: Account) -> list[str]:
    """
    The names of all the compute environments of the account.
    """
    pages = account.raw("batch").get_paginator("describe_compute_environments").paginate()
    held = pages.build_full_result()["computeEnvironments"]
    names = {each["computeEnvironmentName"] for each in held}
    return sorted(names | {entry.id for entry in account.all("environment")})


def queue(account: Account, name: str) -> OverlayEntry | None:
    """
    A job queue by name or ARN.
    """
    return _held(account, "queue", name, lambda short_name: _queue(account, short_name))


def _queue(account: Account, name: str) -> dict[str, Any] | None:
    found = account.raw("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
    if not found:
        return None
    shown = as_found(found[0])
    shown["computeEnvironmentOrder"] = with_arns(account, shown["computeEnvironmentOrder"])
    return shown


def every_queue(account: Account) -> list[OverlayEntry]:
    """
    All the job queues of the account.
    """
    pages = account.raw("batch").get_paginator("describe_job_queues").paginate()
    names = {each["jobQueueName"] for each in pages.build_full_result()["jobQueues"]}
    names |= {entry.id for entry in account.all("queue")}
    return [entry for entry in (queue(account, name) for name in sorted(names)) if entry]


def with_arns(account: Account, order: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    The environments of a queue in their order, each by its ARN.
    """
    arns = []
    for each in sorted(order, key=lambda one: one["order"]):
        entry = environment(account, each["computeEnvironment"])
        arn = entry["shown"]["computeEnvironmentArn"] if entry else each["computeEnvironment"]
        arns.append({**each, "computeEnvironment": arn})
    return arns
