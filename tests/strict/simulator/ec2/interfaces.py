"""
Network interfaces that other services put into a subnet.
"""

from __future__ import annotations

import uuid
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from ..rules import after, before, declare
from .lookups import filtered

declare(
    (46, "D", "another service's network interface keeps its subnet and group from being deleted"),
    (47, "D", "a running Fargate task has a network interface, for a while longer than it runs"),
)


def plant(
    account: Account,
    subnet: str,
    groups: list[str],
    description: str,
    kind: str = "interface",
    seconds: float | None = None,
    rule: int = 46,
) -> str:
    """
    Put a network interface that somebody else manages into *subnet*; returns its id.
    """
    params: dict[str, Any] = {"SubnetId": subnet, "Description": description}
    if groups:
        params["Groups"] = groups
    made = account.raw("ec2").create_network_interface(**params)["NetworkInterface"]
    id: str = made["NetworkInterfaceId"]
    account.add("interface", id, type=kind, description=description, rule=rule)
    if seconds is not None:
        account.at(seconds, lambda: uproot(account, id))
    return id


def uproot(account: Account, id: str) -> None:
    """
    Take a planted interface away again.
    """
    found = filtered(
        account, "describe_network_interfaces", "NetworkInterfaces", network_interface_id=id
    )
    if found:
        account.raw("ec2").delete_network_interface(NetworkInterfaceId=id)
    account.drop("interface", id)


def plant_task(account: Account, subnet: str, groups: list[str]) -> str:
    """
    The network interface of a Fargate task.
    """
    place = f"{account.region}:{account.id}"
    description = f"arn:{account.partition}:ecs:{place}:attachment/{uuid.uuid4()}"
    return plant(account, subnet, groups, description, rule=47)


@after(46, "ec2:DescribeNetworkInterfaces")
def _managed(call: ApiCall) -> bool:
    hit = False
    for each in call.answer["NetworkInterfaces"]:
        planted = call.account.find("interface", each["NetworkInterfaceId"])
        if planted is not None:
            hit = hit or call.account.hit(planted["rule"])
            each.update(
                InterfaceType=planted["type"],
                Description=planted["description"],
                RequesterManaged=True,
                RequesterId="amazon-aws",
                Status="in-use",
            )
    return False


@before(46, "ec2:DeleteNetworkInterface")
def _not_yours(call: ApiCall) -> None:
    id = call.params["NetworkInterfaceId"]
    if call.account.find("interface", id):
        call.refuse_loosely("OperationNotPermitted", id)
