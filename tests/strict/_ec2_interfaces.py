"""
Section B: network interfaces that other services put into a subnet.
"""

from __future__ import annotations

import uuid
from typing import Any

from ._ec2_vpc import filtered
from ._rules import after, before, declare
from ._world import Call, World

declare(
    (46, "D", "another service's network interface keeps its subnet and group from being deleted"),
    (47, "D", "a running Fargate task has a network interface, for a while longer than it runs"),
)


def plant(
    world: World,
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
    made = world.raw("ec2").create_network_interface(**params)["NetworkInterface"]
    id: str = made["NetworkInterfaceId"]
    world.add("interface", id, type=kind, description=description, rule=rule)
    if seconds is not None:
        world.at(seconds, lambda: uproot(world, id))
    return id


def uproot(world: World, id: str) -> None:
    """
    Take a planted interface away again.
    """
    found = filtered(
        world, "describe_network_interfaces", "NetworkInterfaces", network_interface_id=id
    )
    if found:
        world.raw("ec2").delete_network_interface(NetworkInterfaceId=id)
    world.drop("interface", id)


def plant_task(world: World, subnet: str, groups: list[str]) -> str:
    """
    The network interface of a Fargate task.
    """
    place = f"{world.region}:{world.account}"
    description = f"arn:{world.partition}:ecs:{place}:attachment/{uuid.uuid4()}"
    return plant(world, subnet, groups, description, rule=47)


@after(46, "ec2:DescribeNetworkInterfaces")
def _managed(call: Call) -> bool:
    hit = False
    for each in call.answer["NetworkInterfaces"]:
        planted = call.world.find("interface", each["NetworkInterfaceId"])
        if planted is not None:
            hit = hit or call.world.hit(planted["rule"])
            each.update(
                InterfaceType=planted["type"],
                Description=planted["description"],
                RequesterManaged=True,
                RequesterId="amazon-aws",
                Status="in-use",
            )
    return False


@before(46, "ec2:DeleteNetworkInterface")
def _not_yours(call: Call) -> None:
    id = call.params["NetworkInterfaceId"]
    if call.world.find("interface", id):
        call.refuse_loosely("OperationNotPermitted", id)
