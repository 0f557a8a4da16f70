"""
Section B: route tables, their routes and associations, and security groups.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from ._ec2_vpc import filtered, interfaces, is_main
from ._rules import after, before, declare
from ._world import Call, World

declare(
    (32, "D", "a destination is routed once; CIDRs are read back canonicalised"),
    (33, "D", "a route to something that is gone stays, as a blackhole"),
    (34, "M", "a subnet is associated with one route table"),
    (35, "D", "the main route table, and one with associations, is not deleted"),
    (36, "M", "a security group's name is unique in its VPC, whatever its case; its charset kept"),
    (37, "D", "a rule that is there already fails the whole call that adds it"),
    (38, "D", "a rule that is not there can't be revoked"),
    (39, "M", "a security group in use is not deleted, nor the default one"),
)

CHARSET = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


def table_of(world: World, id: str) -> dict[str, Any] | None:
    """
    One route table, as the backend has it.
    """
    found = filtered(world, "describe_route_tables", "RouteTables", route_table_id=id)
    return found[0] if found else None


@before(32, "ec2:CreateRoute", "ec2:ReplaceRoute")
def _one_route(call: Call) -> bool:
    cidr = call.params.get("DestinationCidrBlock")
    table = table_of(call.world, call.params["RouteTableId"])
    if cidr is None or table is None:
        return False
    network = str(ipaddress.ip_network(cidr, strict=False))
    call.params["DestinationCidrBlock"] = network
    held = {route.get("DestinationCidrBlock") for route in table["Routes"]}
    if call.operation == "CreateRoute" and network in held:
        message = f"The route identified by {network} already exists."
        call.refuse("RouteAlreadyExists", message)
    if call.operation == "ReplaceRoute" and network not in held:
        call.refuse_loosely("InvalidParameterValue", f"{network} {table['RouteTableId']}")
    return bool(network != cidr)


@before(32, "ec2:DeleteRoute")
def _deleted_route(call: Call) -> None:
    table = table_of(call.world, call.params["RouteTableId"])
    held = {route.get("DestinationCidrBlock") for route in (table or {}).get("Routes", [])}
    cidr = call.params.get("DestinationCidrBlock")
    if table and cidr not in held:
        message = f"no route with destination-cidr-block {cidr} in route table"
        call.refuse("InvalidRoute.NotFound", message)


@after(33, "ec2:DescribeRouteTables")
def _blackholes(call: Call) -> bool:
    hit = False
    for table in call.answer["RouteTables"]:
        for route in table["Routes"]:
            if blackholed(call.world, table, route):
                route["State"], hit = "blackhole", True
    return hit


def blackholed(world: World, table: dict[str, Any], route: dict[str, Any]) -> bool:
    """
    Whether what a route of *table* leads to is gone.
    """
    nat, gateway = route.get("NatGatewayId"), route.get("GatewayId") or ""
    if nat is not None:
        return nat not in _nats(world)
    if not gateway.startswith("igw-"):
        return False
    attached = [
        place["VpcId"]
        for each in world.raw("ec2").describe_internet_gateways()["InternetGateways"]
        for place in each.get("Attachments", [])
        if each["InternetGatewayId"] == gateway
    ]
    return table["VpcId"] not in attached


def _nats(world: World) -> set[str]:
    """
    The NAT gateways that a route may lead to.
    """
    alive = set()
    for nat in world.raw("ec2").describe_nat_gateways()["NatGateways"]:
        record = world.find("nat record", nat["NatGatewayId"])
        state = record["state"] if record else nat["State"]
        if state in ("pending", "available", "deleting"):
            alive.add(nat["NatGatewayId"])
    return alive


@before(34, "ec2:AssociateRouteTable")
def _one_table(call: Call) -> None:
    subnet, wanted = call.params.get("SubnetId"), call.params["RouteTableId"]
    if subnet is None:
        return
    for table in call.raw.describe_route_tables()["RouteTables"]:
        for each in table.get("Associations", []):
            if each.get("SubnetId") == subnet and table["RouteTableId"] != wanted:
                message = (
                    f"the specified association for route table {wanted} "
                    "conflicts with an existing association"
                )
                call.refuse("Resource.AlreadyAssociated", message)


@before(35, "ec2:DeleteRouteTable")
def _unused_table(call: Call) -> None:
    id = call.params["RouteTableId"]
    table = table_of(call.world, id)
    if table and (is_main(table) or table.get("Associations")):
        message = f"The routeTable '{id}' has dependencies and cannot be deleted."
        call.refuse("DependencyViolation", message)


@before(36, "ec2:CreateSecurityGroup")
def _group_name(call: Call) -> None:
    name, vpc = call.params["GroupName"], call.params.get("VpcId", "")
    for text in (name, call.params["Description"]):
        if not CHARSET.fullmatch(text):
            call.refuse_loosely("InvalidParameterValue", f"Value ({text}) GroupDescription")
    if name.lower().startswith("sg-"):
        call.refuse_loosely("InvalidParameterValue", f"Value ({name}) for parameter GroupName")
    held = filtered(call.world, "describe_security_groups", "SecurityGroups", vpc_id=vpc)
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


def _held_and_given(call: Call) -> tuple[set[Any], set[Any]] | None:
    found = filtered(
        call.world, "describe_security_groups", "SecurityGroups", group_id=call.params["GroupId"]
    )
    if not found or "IpPermissions" not in call.params:
        return None
    egress = call.operation.endswith("Egress")
    held = found[0]["IpPermissionsEgress" if egress else "IpPermissions"]
    return _rules(held), _rules(call.params["IpPermissions"])


@before(37, "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress")
def _new_rules(call: Call) -> None:
    both = _held_and_given(call)
    twice = both[0] & both[1] if both else set()
    for protocol, _, _, peer in twice:
        port = "ALL" if protocol == "-1" else protocol.upper()
        message = f'the specified rule "peer: {peer}, {port}, ALLOW" already exists'
        call.refuse("InvalidPermission.Duplicate", message)


@before(38, "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress")
def _known_rules(call: Call) -> None:
    both = _held_and_given(call)
    if both and both[1] - both[0]:
        message = "The specified rule does not exist in this security group."
        call.refuse("InvalidPermission.NotFound", message)


@before(39, "ec2:DeleteSecurityGroup")
def _unused_group(call: Call) -> None:
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
    if named or interfaces(call.world, group_id=id):
        call.refuse("DependencyViolation", f"resource {id} has a dependent object")
