"""
How NAT gateways are listed, those that are gone included.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..rules import after, before, declare

declare(
    (22, "M", "a NAT gateway is pending for a while before it is available"),
    (27, "D", "deleted and failed NAT gateways stay listed, with tags; unknown ids are errors"),
)


@after(22, "ec2:DescribeNatGateways")
def _states(call: ApiCall) -> bool:
    pending = [nat for nat in call.answer["NatGateways"] if nat["State"] == "pending"]
    return bool(pending)


@before(27, "ec2:DescribeNatGateways")
def _listing(call: ApiCall) -> bool:
    wanted = call.params.get("NatGatewayIds") or []
    filters = call.params.get("Filter") or call.params.get("Filters") or []
    every = every_nat(call.account)
    unknown = [id for id in wanted if id not in {nat["NatGatewayId"] for nat in every}]
    if unknown:
        call.refuse("NatGatewayNotFound", f"The Nat Gateway {unknown[0]} was not found")
    found = [nat for nat in every if not wanted or nat["NatGatewayId"] in wanted]
    call.answer = {"NatGateways": [nat for nat in found if _passes(nat, filters)]}
    return any(nat["State"] in ("deleted", "failed") for nat in call.answer["NatGateways"])


def every_nat(account: Account) -> list[dict[str, Any]]:
    """
    The NAT gateways that are listed, with the state each shows by now.
    """
    every = []
    for nat in account.raw("ec2").describe_nat_gateways()["NatGateways"]:
        record = account.find("nat record", nat["NatGatewayId"])
        if record is None:
            every.append(nat)
        elif "gone_at" not in record.data:
            every.append({**nat, **_own(record), "State": record["state"]})
        elif account.now < record["gone_at"] + account.delays["nat_listed"]:
            every.append({**nat, **record["shown"], "State": record["state"]})
    return every


def _own(record: OverlayEntry) -> dict[str, Any]:
    return {key: record["shown"][key] for key in ("ConnectivityType",)}


def _passes(nat: dict[str, Any], filters: Iterable[dict[str, Any]]) -> bool:
    return all(
        any(
            fnmatchcase(held, wanted)
            for held in _values(nat, each["Name"])
            for wanted in each["Values"]
        )
        for each in filters
    )


def _values(nat: dict[str, Any], name: str) -> list[str]:
    tags = {tag["Key"]: tag["Value"] for tag in nat.get("Tags", [])}
    if name.startswith("tag:"):
        return [tags[name[4:]]] if name[4:] in tags else []
    plain = {
        "nat-gateway-id": nat["NatGatewayId"],
        "vpc-id": nat["VpcId"],
        "subnet-id": nat["SubnetId"],
        "state": nat["State"],
    }
    return list(tags) if name == "tag-key" else [plain[name]]
