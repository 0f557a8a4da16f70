"""
An id is not known everywhere at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..account import OverlayEntry
from ..api_call import ApiCall
from ..every_service import keep_token, strings, tags_of
from ..rules import after, before, declare

declare(
    (3, "D", "what can be tagged at its creation is not tagged in a second call"),
    (5, "D", "a fresh EC2 id is not found by the first calls that name it"),
    (6, "D", "filters by tag don't list what is younger than a few seconds"),
    (11, "D", "a VPC and a subnet are pending for a while"),
    (131, "T", "CreateTags has other codes for a fresh id than the calls that use it"),
)

# Operation: (kind, where the answer has it, the name of its id).
CREATED = {
    "CreateVpc": ("vpc", "Vpc", "VpcId"),
    "CreateSubnet": ("subnet", "Subnet", "SubnetId"),
    "CreateInternetGateway": ("gateway", "InternetGateway", "InternetGatewayId"),
    "AllocateAddress": ("address", "", "AllocationId"),
    "CreateNatGateway": ("nat", "NatGateway", "NatGatewayId"),
    "CreateRouteTable": ("table", "RouteTable", "RouteTableId"),
    "CreateSecurityGroup": ("group", "", "GroupId"),
}
# Operation: (where the answer lists them, the name of their id, their kind).
LISTED = {
    "DescribeVpcs": ("Vpcs", "VpcId", "vpc"),
    "DescribeSubnets": ("Subnets", "SubnetId", "subnet"),
    "DescribeInternetGateways": ("InternetGateways", "InternetGatewayId", "gateway"),
    "DescribeAddresses": ("Addresses", "AllocationId", "address"),
    "DescribeNatGateways": ("NatGateways", "NatGatewayId", "nat"),
    "DescribeRouteTables": ("RouteTables", "RouteTableId", "table"),
    "DescribeSecurityGroups": ("SecurityGroups", "GroupId", "group"),
}
NOT_FOUND = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "gateway": "InvalidInternetGatewayID.NotFound",
    "address": "InvalidAllocationID.NotFound",
    "nat": "NatGatewayNotFound",
    "table": "InvalidRouteTableID.NotFound",
    "group": "InvalidGroup.NotFound",
}
ROUTED = {"nat": "InvalidNatGatewayID.NotFound", "gateway": "InvalidGatewayID.NotFound"}
TAGGED = {
    "address": "InvalidElasticIpID.NotFound",
    "nat": "InvalidNatGatewayID.NotFound",
    "group": "InvalidSecurityGroupID.NotFound",
}
# An id that is not found counts as gone: these never claim so of something that exists.
REMOVING = ("Delete", "Release", "Detach", "Disassociate")


@after(0, *(f"ec2:{operation}" for operation in CREATED))
def _born(call: ApiCall) -> None:
    kind, where, name = CREATED[call.operation]
    held = call.answer[where] if where else call.answer
    account = call.account
    if account.find(kind, held[name]):
        return
    misses = account.rng.randint(0, 3 if account.profile == "slow" else 2)
    if kind == "nat":
        misses = min(misses, 1)
    account.add(
        kind,
        held[name],
        misses=misses,
        # Some are indexed at once, so that what comes before the index is met as well.
        indexed=account.rng.random() < 0.25,
        tagged=bool(tags_of(call.params)),
        maker=call.caller.number,
    )
    keep_token(call)


@before(3, "ec2:CreateTags")
def _tagged_at_once(call: ApiCall) -> None:
    for id in call.params["Resources"]:
        for kind in NOT_FOUND:
            entry = call.account.find(kind, id)
            if entry and not entry["tagged"] and entry["maker"] == call.caller.number:
                call.account.hits[3] += 1
                msg = f"{id} was created without tags and tagged later: a crash between orphans it"
                raise AssertionError(msg)


@before(131, "ec2:*")
def _not_taggable_yet(call: ApiCall) -> None:
    if call.operation != "CreateTags":
        return
    for entry in _named(call):
        if entry.kind in TAGGED and _misses(call, entry):
            call.refuse(TAGGED[entry.kind], f"The {entry.kind} ID '{entry.id}' does not exist")


@before(5, "ec2:*")
def _not_known_yet(call: ApiCall) -> None:
    if call.operation.startswith(REMOVING):
        return
    for entry in _named(call):
        if _misses(call, entry):
            code = NOT_FOUND[entry.kind]
            if call.operation in ("CreateRoute", "ReplaceRoute"):
                code = ROUTED.get(entry.kind, code)
            if call.operation == "CreateNatGateway" and entry.kind == "address":
                code = "InvalidElasticIpID.NotFound"
            call.refuse(code, f"The {entry.kind} ID '{entry.id}' does not exist")


def _named(call: ApiCall) -> Iterator[OverlayEntry]:
    plain = {key: part for key, part in call.params.items() if key not in ("Filter", "Filters")}
    for text in strings(plain):
        for kind in NOT_FOUND:
            entry = call.account.find(kind, text)
            if entry is not None:
                yield entry


def _misses(call: ApiCall, entry: OverlayEntry) -> bool:
    account = call.account
    if not account.younger(entry.kind, entry.id, "not_found"):
        return False
    if account.profile == "flaky":
        return account.rng.random() < 0.3
    entry["misses"] = entry.get("misses", 0) - 1
    return bool(entry["misses"] >= 0)


@after(6, *(f"ec2:{operation}" for operation in LISTED))
def _tags_are_indexed_later(call: ApiCall) -> bool:
    filters = call.params.get("Filters") or call.params.get("Filter") or []
    if not any(each["Name"].startswith("tag") for each in filters):
        return False
    key, name, kind = LISTED[call.operation]
    return _hide(call, key, lambda item: _unindexed(call, kind, item.get(name)))


def _unindexed(call: ApiCall, kind: str, id: str | None) -> bool:
    entry = call.account.find(kind, id)
    young = call.account.younger(kind, id, "tag_index")
    return entry is not None and young and not entry.get("indexed", True)


@after(6, "resourcegroupstaggingapi:GetResources")
def _tag_search_lags(call: ApiCall) -> bool:
    ids = {
        entry.id
        for kind in NOT_FOUND
        for entry in call.account.all(kind)
        if _unindexed(call, kind, entry.id)
    }
    key = "ResourceTagMappingList"
    return _hide(call, key, lambda item: item["ResourceARN"].rpartition("/")[2] in ids)


def _hide(call: ApiCall, key: str, hidden: Callable[[dict[str, Any]], bool]) -> bool:
    before_ = call.answer[key]
    call.answer[key] = [item for item in before_ if not hidden(item)]
    return len(call.answer[key]) < len(before_)


@after(11, "ec2:CreateVpc", "ec2:CreateSubnet", "ec2:DescribeVpcs", "ec2:DescribeSubnets")
def _pending_at_first(call: ApiCall) -> bool:
    kind = "vpc" if call.operation.startswith(("CreateVpc", "DescribeVpc")) else "subnet"
    name = "VpcId" if kind == "vpc" else "SubnetId"
    items = call.answer.get(f"{kind.capitalize()}s")
    if items is None:
        items = [call.answer[kind.capitalize()]]
    young = [item for item in items if call.account.younger(kind, item[name], kind)]
    for item in young:
        item["State"] = "pending"
    return bool(young)
