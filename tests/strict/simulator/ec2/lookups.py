"""
What EC2 holds, as its rules look it up.
"""

from __future__ import annotations

from typing import Any

from ..account import Account


def filtered(account: Account, method: str, key: str, **filters: str) -> list[dict[str, Any]]:
    """
    What EC2 holds, by equality filters.
    """
    wanted = [
        {"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]}
        for name, value in filters.items()
    ]
    found: list[dict[str, Any]] = getattr(account.raw("ec2"), method)(Filters=wanted)[key]
    return found


def interfaces(account: Account, **filters: str) -> list[dict[str, Any]]:
    """
    The network interfaces that match the filters.
    """
    return filtered(account, "describe_network_interfaces", "NetworkInterfaces", **filters)


def live_nats(account: Account, name: str, value: str) -> list[dict[str, Any]]:
    """
    The NAT gateways of a VPC or subnet that are not gone.
    """
    found = account.raw("ec2").describe_nat_gateways()["NatGateways"]
    return [nat for nat in found if nat[name] == value and nat["State"] != "deleted"]


def is_main(table: dict[str, Any]) -> bool:
    """
    Whether a route table is the one that a VPC comes and goes with.
    """
    return any(each.get("Main") for each in table.get("Associations", []))
