"""
VPCs, subnets, internet gateways, and what must be gone before they go.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from ..rules import after, before, declare
from .lookups import filtered, interfaces, is_main, live_nats
from .visibility import NOT_FOUND

declare(
    (12, "M", "a region takes five VPCs, the default one included"),
    (13, "D", "a VPC's CIDR is /16 to /28 and is read back canonicalised"),
    (14, "D", "a subnet lies in its VPC, in a known zone, and overlaps no other"),
    (175, "D", "local and Wavelength zones are listed too, but for a filter that leaves them out"),
    (15, "D", "one attribute is modified by one call"),
    (16, "D", "DNS host names need DNS support; attributes are read back stale for a while"),
    (17, "M", "a VPC has one internet gateway"),
    (18, "M", "an internet gateway is not detached while the VPC has mapped public addresses"),
    (19, "D", "only an attached gateway is detached, only a detached one deleted"),
    (40, "M", "a subnet with a network interface is not deleted"),
    (41, "M", "a VPC with anything in it is not deleted"),
)

MAX_VPCS = 5


@before(12, "ec2:CreateVpc")
def _five_vpcs(call: ApiCall) -> None:
    if len(call.raw.describe_vpcs()["Vpcs"]) >= MAX_VPCS:
        call.refuse("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


@before(13, "ec2:CreateVpc")
def _canonical_vpc(call: ApiCall) -> bool:
    cidr = call.params.get("CidrBlock", "")
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        call.refuse("InvalidParameterValue", f"Value ({cidr}) for parameter cidrBlock is invalid.")
    if not 16 <= network.prefixlen <= 28:
        call.refuse("InvalidVpc.Range", f"The CIDR '{cidr}' is invalid.")
    call.params["CidrBlock"] = str(network)
    return bool(str(network) != cidr)


@before(14, "ec2:CreateSubnet")
def _fitting_subnet(call: ApiCall) -> None:
    network = ipaddress.IPv4Network(call.params["CidrBlock"], strict=False)
    call.params["CidrBlock"] = str(network)
    vpc = filtered(call.account, "describe_vpcs", "Vpcs", vpc_id=call.params["VpcId"])
    if vpc and not network.subnet_of(ipaddress.IPv4Network(vpc[0]["CidrBlock"])):
        call.refuse("InvalidSubnet.Range", f"The CIDR '{network}' is invalid.")
    held = filtered(call.account, "describe_subnets", "Subnets", vpc_id=call.params["VpcId"])
    if any(network.overlaps(ipaddress.ip_network(each["CidrBlock"])) for each in held):
        message = f"The CIDR '{network}' conflicts with another subnet"
        call.refuse("InvalidSubnet.Conflict", message)
    zone = call.params.get("AvailabilityZone")
    zones = call.raw.describe_availability_zones()["AvailabilityZones"]
    if zone and zone not in {each["ZoneName"] for each in zones}:
        call.refuse_loosely("InvalidParameterValue", f"Value ({zone}) for availabilityZone")


@after(175, "ec2:DescribeAvailabilityZones")
def _other_zones(call: ApiCall) -> bool:
    if "zone-type" in {each["Name"] for each in call.params.get("Filters", [])}:
        return False
    region = call.account.region
    call.answer["AvailabilityZones"] += [
        {
            "ZoneName": f"{region}-{kind}-1a",
            "ZoneId": f"{kind}1-az1",
            "ZoneType": kind,
            "RegionName": region,
            "State": "available",
            "OptInStatus": "opted-in",
        }
        for kind in ("local-zone", "wavelength-zone")
    ]
    return True


@before(15, "ec2:ModifyVpcAttribute", "ec2:ModifySubnetAttribute")
def _one_attribute(call: ApiCall) -> None:
    given = [key for key in call.params if key not in ("VpcId", "SubnetId")]
    if len(given) > 1:
        call.refuse_loosely("InvalidParameterCombination", ", ".join(given))


@before(16, "ec2:ModifyVpcAttribute")
def _names_need_support(call: ApiCall) -> None:
    vpc = call.params["VpcId"]
    wanted = call.params.get("EnableDnsHostnames", {}).get("Value")
    if wanted and not _attribute(call, vpc, "enableDnsSupport", "EnableDnsSupport"):
        call.refuse_loosely("InvalidParameterValue", f"enableDnsHostnames {vpc}")
    for key in ("EnableDnsHostnames", "EnableDnsSupport"):
        if key in call.params:
            old = _attribute(call, vpc, key[0].lower() + key[1:], key)
            call.account.add(f"stale {key}", vpc, old=old)


def _attribute(call: ApiCall, vpc: str, name: str, key: str) -> bool:
    answer = call.raw.describe_vpc_attribute(VpcId=vpc, Attribute=name)
    return bool(answer[key]["Value"])


@after(16, "ec2:DescribeVpcAttribute")
def _stale_attribute(call: ApiCall) -> bool:
    vpc = call.params["VpcId"]
    stale = False
    for key in ("EnableDnsHostnames", "EnableDnsSupport"):
        if key in call.answer and call.account.younger(f"stale {key}", vpc, "attribute"):
            held = call.account.find(f"stale {key}", vpc)
            stale = held is not None and call.answer[key]["Value"] != held["old"]
            call.answer[key] = {"Value": held["old"] if held else None}
    return stale


@before(17, "ec2:AttachInternetGateway")
def _one_gateway(call: ApiCall) -> None:
    gateway, vpc = call.params["InternetGatewayId"], call.params["VpcId"]
    mine = _gateways(call.account, internet_gateway_id=gateway)
    if mine and mine[0].get("Attachments"):
        at = mine[0]["Attachments"][0]["VpcId"]
        message = f"resource {gateway} is already attached to network {at}"
        call.refuse("Resource.AlreadyAssociated", message)
    if _gateways(call.account, attachment__vpc_id=vpc):
        message = f"Network {vpc} already has an internet gateway attached"
        call.refuse("InvalidParameterValue", message)


def _gateways(account: Account, **filters: str) -> list[dict[str, Any]]:
    return filtered(account, "describe_internet_gateways", "InternetGateways", **filters)


@before(18, "ec2:DetachInternetGateway")
def _nothing_mapped(call: ApiCall) -> None:
    vpc = call.params["VpcId"]
    tail = call.account.find("mapped", vpc)
    public = [nat for nat in live_nats(call.account, "VpcId", vpc) if _has_address(nat)]
    public += [each for each in interfaces(call.account, vpc_id=vpc) if each.get("Association")]
    if public or (tail and call.account.younger("mapped", vpc, "gateway_mapped")):
        message = (
            f"Network {vpc} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
        call.refuse("DependencyViolation", message)


def _has_address(nat: dict[str, Any]) -> bool:
    return any(each.get("AllocationId") for each in nat.get("NatGatewayAddresses", []))


@before(19, "ec2:DetachInternetGateway", "ec2:DeleteInternetGateway")
def _attached_or_not(call: ApiCall) -> None:
    gateway = call.params["InternetGatewayId"]
    held = _gateways(call.account, internet_gateway_id=gateway)
    if not held:
        call.refuse(NOT_FOUND["gateway"], f"The internetGateway ID '{gateway}' does not exist")
    attached = held[0].get("Attachments")
    if call.operation == "DeleteInternetGateway" and attached:
        message = f"The internetGateway '{gateway}' has dependencies and cannot be deleted."
        call.refuse("DependencyViolation", message)
    if call.operation == "DetachInternetGateway" and not attached:
        message = f"resource {gateway} is not attached to network {call.params['VpcId']}"
        call.refuse("Gateway.NotAttached", message)


@before(40, "ec2:DeleteSubnet")
def _empty_subnet(call: ApiCall) -> None:
    subnet = call.params["SubnetId"]
    if interfaces(call.account, subnet_id=subnet) or live_nats(call.account, "SubnetId", subnet):
        message = f"The subnet '{subnet}' has dependencies and cannot be deleted."
        call.refuse("DependencyViolation", message)


@before(41, "ec2:DeleteVpc")
def _empty_vpc(call: ApiCall) -> None:
    account, vpc = call.account, call.params["VpcId"]
    groups = filtered(account, "describe_security_groups", "SecurityGroups", vpc_id=vpc)
    tables = filtered(account, "describe_route_tables", "RouteTables", vpc_id=vpc)
    inside = [
        filtered(account, "describe_subnets", "Subnets", vpc_id=vpc),
        [group for group in groups if group["GroupName"] != "default"],
        [table for table in tables if not is_main(table)],
        _gateways(account, attachment__vpc_id=vpc),
        interfaces(account, vpc_id=vpc),
    ]
    if any(inside):
        message = f"The vpc '{vpc}' has dependencies and cannot be deleted."
        call.refuse("DependencyViolation", message)
