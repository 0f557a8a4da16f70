"""
Route tables, their routes and associations.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from ..rules import after, before, declare
from .lookups import filtered, is_main

declare(
    (32, "D", "a destination is routed once; CIDRs are read back canonicalised"),
    (33, "D", "a route to something that is gone stays, as a blackhole"),
    (34, "M", "a subnet is associated with one route table"),
    (35, "D", "the main route table, and one with associations, is not deleted"),
)


def table_of(account: Account, id: str) -> dict[str, Any] | None:
    """
    One route table, as the backend has it.
    """
    found = filtered(account, "describe_route_tables", "RouteTables", route_table_id=id)
    return found[0] if found else None


@before(32, "ec2:CreateRoute", "ec2:ReplaceRoute")
def _one_route(call: ApiCall) -> bool:
    cidr = call.params.get("DestinationCidrBlock")
    table = table_of(call.account, call.params["RouteTableId"])
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
def _deleted_route(call: ApiCall) -> None:
    table = table_of(call.account, call.params["RouteTableId"])
    held = {route.get("DestinationCidrBlock") for route in (table or {}).get("Routes", [])}
    cidr = call.params.get("DestinationCidrBlock")
    if table and cidr not in held:
        message = f"no route with destination-cidr-block {cidr} in route table"
        call.refuse("InvalidRoute.NotFound", message)


@after(33, "ec2:DescribeRouteTables")
def _blackholes(call: ApiCall) -> bool:
    hit = False
    for table in call.answer["RouteTables"]:
        for route in table["Routes"]:
            if blackholed(call.account, table, route):
                route["State"], hit = "blackhole", True
    return hit


def blackholed(account: Account, table: dict[str, Any], route: dict[str, Any]) -> bool:
    """
    Whether what a route of *table* leads to is gone.
    """
    nat, gateway = route.get("NatGatewayId"), route.get("GatewayId") or ""
    if nat is not None:
        return nat not in _nats(account)
    if not gateway.startswith("igw-"):
        return False
    attached = [
        place["VpcId"]
        for each in account.raw("ec2").describe_internet_gateways()["InternetGateways"]
        for place in each.get("Attachments", [])
        if each["InternetGatewayId"] == gateway
    ]
    return table["VpcId"] not in attached


def _nats(account: Account) -> set[str]:
    """
    The NAT gateways that a route may lead to.
    """
    alive = set()
    for nat in account.raw("ec2").describe_nat_gateways()["NatGateways"]:
        record = account.find("nat record", nat["NatGatewayId"])
        state = record["state"] if record else nat["State"]
        if state in ("pending", "available", "deleting"):
            alive.add(nat["NatGatewayId"])
    return alive


@before(34, "ec2:AssociateRouteTable")
def _one_table(call: ApiCall) -> None:
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
def _unused_table(call: ApiCall) -> None:
    id = call.params["RouteTableId"]
    table = table_of(call.account, id)
    if table and (is_main(table) or table.get("Associations")):
        message = f"The routeTable '{id}' has dependencies and cannot be deleted."
        call.refuse("DependencyViolation", message)
