"""
Security groups and their rules.
"""

from __future__ import annotations

import re
from typing import Any

from ..api_call import ApiCall
from ..rules import before, declare
from .lookups import filtered, interfaces

declare(
    (36, "M", "a security group's name is unique in its VPC, whatever its case; its charset kept"),
    (37, "D", "a rule that is there already fails the whole call that adds it"),
    (38, "D", "a rule that is not there can't be revoked"),
    (39, "M", "a security group in use is not deleted, nor the default one"),
)

CHARSET = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


@before(36, "ec2:CreateSecurityGroup")
def _group_name(call: ApiCall) -> None:
    name, vpc = call.params["GroupName"], call.params.get("VpcId", "")
    for text in (name, call.params["Description"]):
        if not CHARSET.fullmatch(text):
            call.refuse_loosely("InvalidParameterValue", f"Value ({text}) GroupDescription")
    if name.lower().startswith("sg-"):
        call.refuse_loosely("InvalidParameterValue", f"Value ({name}) for parameter GroupName")
    held = filtered(call.account, "describe_security_groups", "SecurityGroups", vpc_id=vpc)
    if name.lower() in {group["GroupName"].lower() for group in held}:
        message = f"The security group '{name}' already exists for VPC '{vpc}'"
        call.refuse("InvalidGroup.Duplicate", message)


def _rules(permissions: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    rules = set()
    for each in permissions:
        protocol = PROTOCOLS.get(str(each["IpProtocol"]), str(each["IpProtocol"]))
        ports = (None, None) if protocol == "-1" else (each.get("FromPort"), each.get("ToPort"))
        for peer in _peers(each):
            rules.add((protocol, *ports, peer))
    return rules


def _peers(permission: dict[str, Any]) -> list[str]:
    return [
        *(each["CidrIp"] for each in permission.get("IpRanges", [])),
        *(each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])),
        *(each["PrefixListId"] for each in permission.get("PrefixListIds", [])),
        *(each.get("GroupId", "") for each in permission.get("UserIdGroupPairs", [])),
    ]


def _held_and_given(call: ApiCall) -> tuple[set[Any], set[Any]] | None:
    found = filtered(
        call.account, "describe_security_groups", "SecurityGroups", group_id=call.params["GroupId"]
    )
    if not found or "IpPermissions" not in call.params:
        return None
    egress = call.operation.endswith("Egress")
    held = found[0]["IpPermissionsEgress" if egress else "IpPermissions"]
    return _rules(held), _rules(call.params["IpPermissions"])


@before(37, "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress")
def _new_rules(call: ApiCall) -> None:
    both = _held_and_given(call)
    twice = both[0] & both[1] if both else set()
    for protocol, _, _, peer in twice:
        port = "ALL" if protocol == "-1" else protocol.upper()
        message = f'the specified rule "peer: {peer}, {port}, ALLOW" already exists'
        call.refuse("InvalidPermission.Duplicate", message)


@before(38, "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress")
def _known_rules(call: ApiCall) -> None:
    both = _held_and_given(call)
    if both and both[1] - both[0]:
        message = "The specified rule does not exist in this security group."
        call.refuse("InvalidPermission.NotFound", message)


@before(39, "ec2:DeleteSecurityGroup")
def _unused_group(call: ApiCall) -> None:
    id = call.params.get("GroupId", "")
    every = call.raw.describe_security_groups()["SecurityGroups"]
    mine = [group for group in every if group["GroupId"] == id]
    if mine and mine[0]["GroupName"] == "default":
        message = f'the specified group: "{id}" name: "default" cannot be deleted by a user'
        call.refuse("CannotDelete", message)
    others = [group for group in every if group["GroupId"] != id]
    named = any(
        id in _peers(each)
        for group in others
        for each in group["IpPermissions"] + group["IpPermissionsEgress"]
    )
    if named or interfaces(call.account, group_id=id):
        call.refuse("DependencyViolation", f"resource {id} has a dependent object")
