"""
Elastic addresses and NAT gateways, which take their time and leave traces.
"""

from __future__ import annotations

from typing import Any

from ..account import Account, OverlayEntry
from ..api_call import ApiCall
from ..rules import after, before, declare
from .lookups import filtered, interfaces
from .nat_listing import every_nat

declare(
    (20, "M", "a region takes five elastic addresses"),
    (21, "M", "a NAT gateway can't take an address that is seconds old, or unknown"),
    (23, "M", "a public NAT gateway in a VPC without internet gateway fails, later"),
    (24, "M", "a NAT gateway on an address in use fails, later"),
    (25, "U", "a public NAT gateway needs an address, a private one takes none"),
    (26, "M", "a zone takes five NAT gateways"),
    (174, "T", "some accounts can't have a NAT gateway in some zones"),
    (28, "M", "a NAT gateway is deleting for a while; deleting an unknown one is an error"),
    (29, "M", "an address is not released while, and shortly after, a NAT gateway has it"),
    (30, "D", "an address that an instance or interface has is not released"),
    (31, "D", "a NAT gateway's network interface stays until it is deleted"),
)

MAX_ADDRESSES = 5
MAX_NATS = 5
SETTLED = ("available", "failed", "deleted")


@before(20, "ec2:AllocateAddress")
def _five_addresses(call: ApiCall) -> None:
    if len(call.raw.describe_addresses()["Addresses"]) >= MAX_ADDRESSES:
        message = "The maximum number of addresses has been reached."
        call.refuse("AddressLimitExceeded", message)


def _address(account: Account, allocation: str | None) -> dict[str, Any] | None:
    every = account.raw("ec2").describe_addresses()["Addresses"]
    return next((each for each in every if each.get("AllocationId") == allocation), None)


@before(21, "ec2:CreateNatGateway")
def _address_is_visible(call: ApiCall) -> None:
    allocation = call.params.get("AllocationId")
    if allocation is None:
        return
    fresh = call.account.younger("address", allocation, "address_visible")
    if fresh or _address(call.account, allocation) is None:
        message = f"The elastic IP ID '{allocation}' does not exist"
        call.refuse("InvalidElasticIpID.NotFound", message)


@before(25, "ec2:CreateNatGateway")
def _address_fits(call: ApiCall) -> None:
    private = call.params.get("ConnectivityType") == "private"
    given = bool(call.params.get("AllocationId"))
    if private and given:
        call.refuse_loosely("InvalidParameter", "AllocationId, Connectivity Type private")
    if not private and not given:
        call.refuse_loosely("MissingParameter", "AllocationId")


@before(26, "ec2:CreateNatGateway")
def _five_nats(call: ApiCall) -> None:
    subnets = {s["SubnetId"]: s["AvailabilityZone"] for s in _subnets(call.account)}
    zone = subnets.get(call.params["SubnetId"])
    held = [
        nat
        for nat in call.raw.describe_nat_gateways()["NatGateways"]
        if nat["State"] != "deleted" and subnets.get(nat["SubnetId"]) == zone
    ]
    if zone and len(held) >= MAX_NATS:
        message = "The maximum number of NAT Gateways has been reached."
        call.refuse("NatGatewayLimitExceeded", message)


@before(174, "ec2:CreateNatGateway")
def _zone_has_nats(call: ApiCall) -> None:
    zones = {s["SubnetId"]: s["AvailabilityZone"] for s in _subnets(call.account)}
    if zones.get(call.params["SubnetId"]) in call.account.zones_without_nat:
        message = "Nat Gateway is not available in this availability zone"
        call.refuse("NotAvailableInZone", message)


def _subnets(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.raw("ec2").describe_subnets()["Subnets"]
    return found


@before(24, "ec2:CreateNatGateway")
def _address_is_free(call: ApiCall) -> bool:
    address = _address(call.account, call.params.get("AllocationId"))
    if address is None or not address.get("AssociationId"):
        return False
    # The backend would refuse at once; AWS accepts, and fails the gateway later.
    allocation = call.params.pop("AllocationId")
    message = f"Elastic IP address {allocation} is already associated"
    call.params["_doom"] = ("Resource.AlreadyAssociated", message)
    return True


@before(23, "ec2:CreateNatGateway")
def _way_out(call: ApiCall) -> bool:
    subnet = [s for s in _subnets(call.account) if s["SubnetId"] == call.params["SubnetId"]]
    if not subnet or call.params.get("ConnectivityType") == "private":
        return False
    vpc = subnet[0]["VpcId"]
    method, key = "describe_internet_gateways", "InternetGateways"
    if filtered(call.account, method, key, attachment__vpc_id=vpc):
        return False
    message = f"Network {vpc} has no Internet gateway attached"
    call.params.setdefault("_doom", ("Gateway.NotAttached", message))
    return True


@before(0, "ec2:CreateNatGateway")
def _create(call: ApiCall) -> None:
    doom = call.params.pop("_doom", None)
    wanted = {key: value for key, value in call.params.items() if key != "ClientToken"}
    call.answer = call.ask(wanted)
    shown = call.answer["NatGateway"]
    shown.setdefault("ConnectivityType", wanted.get("ConnectivityType", "public"))
    account = call.account
    entry = account.add("nat record", shown["NatGatewayId"], shown=shown, state="available")
    entry["allocation"] = wanted.get("AllocationId")
    if doom is not None:
        _pend(account, entry)
        account.at("nat_fail", lambda: _fail(account, entry, *doom))
    elif account.on(22):
        _pend(account, entry)
        account.at("nat_create", lambda: _ready(entry))
    call.answer = {"NatGateway": dict(shown), **_token(call)}


def _token(call: ApiCall) -> dict[str, Any]:
    return {"ClientToken": call.params["ClientToken"]} if "ClientToken" in call.params else {}


def _pend(account: Account, entry: OverlayEntry) -> None:
    entry["state"] = entry["shown"]["State"] = "pending"


def _ready(entry: OverlayEntry) -> None:
    if entry["state"] == "pending":
        entry["state"] = "available"


def _fail(account: Account, entry: OverlayEntry, code: str, message: str) -> None:
    if entry["state"] == "pending":
        entry["state"] = "failed"
        entry["shown"].update(FailureCode=code, FailureMessage=message)
        _vanish(account, entry)


def _vanish(account: Account, entry: OverlayEntry) -> None:
    """
    Take the gateway out of the backend, with its interface and its hold on an address.
    """
    ec2 = account.raw("ec2")
    held = ec2.describe_nat_gateways(NatGatewayIds=[entry.id])["NatGateways"][0]
    entry["shown"]["Tags"] = held.get("Tags", [])
    ec2.delete_nat_gateway(NatGatewayId=entry.id)
    address = _address(account, entry["allocation"])
    if address and address.get("AssociationId"):
        ec2.disassociate_address(AssociationId=address["AssociationId"])
        account.add("mapped", entry["shown"]["VpcId"])
    # Some backends take the interface away themselves.
    left = {each["NetworkInterfaceId"] for each in interfaces(account)} if account.on(31) else set()
    for id in left & {each["NetworkInterfaceId"] for each in held["NatGatewayAddresses"]}:
        ec2.delete_network_interface(NetworkInterfaceId=id)
    entry["gone_at"] = account.now


@before(28, "ec2:DeleteNatGateway")
def _delete(call: ApiCall) -> bool:
    account, id = call.account, call.params["NatGatewayId"]
    known = {nat["NatGatewayId"]: nat for nat in every_nat(account)}
    if id not in known:
        call.refuse("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
    record = account.find("nat record", id) or _adopted(account, known[id])
    call.answer = {"NatGatewayId": id}
    if record["state"] in ("deleting", "deleted"):
        return False
    already_gone = record["state"] == "failed"
    record["state"] = "deleting"
    account.at("nat_delete", lambda: _deleted(account, record, already_gone))
    return True


def _adopted(account: Account, nat: dict[str, Any]) -> OverlayEntry:
    addresses = nat.get("NatGatewayAddresses") or [{}]
    nat.setdefault("ConnectivityType", "public")
    record = account.add("nat record", nat["NatGatewayId"], shown=nat, state=nat["State"])
    record["allocation"] = addresses[0].get("AllocationId")
    return record


def _deleted(account: Account, record: OverlayEntry, already_gone: bool) -> None:
    record["state"] = "deleted"
    if not already_gone:
        _vanish(account, record)
    if record["allocation"]:
        account.add("address tail", record["allocation"], vpc=record["shown"]["VpcId"])


@before(30, "ec2:ReleaseAddress")
def _not_in_use(call: ApiCall) -> None:
    address = _address(call.account, call.params.get("AllocationId"))
    if address is None or not address.get("AssociationId"):
        return
    nats = call.raw.describe_nat_gateways()["NatGateways"]
    mine = {each.get("AllocationId") for nat in nats for each in nat["NatGatewayAddresses"]}
    if address["AllocationId"] not in mine:
        message = f"Address {address['PublicIp']} is in use."
        call.refuse("InvalidIPAddress.InUse", message)


@before(29, "ec2:ReleaseAddress")
def _released(call: ApiCall) -> None:
    account, allocation = call.account, call.params.get("AllocationId", "")
    if _address(account, allocation) is None:
        message = f"The allocation ID '{allocation}' does not exist"
        call.refuse("InvalidAllocationID.NotFound", message)
    if account.profile == "flaky" and account.once("release", allocation):
        message = "The networkInterface ID 'eni-0123456789abcdef0' does not exist"
        call.refuse("InvalidNetworkInterfaceID.NotFound", message)
    held = [r for r in account.all("nat record") if r["allocation"] == allocation]
    busy = any(r["state"] in ("pending", "available", "deleting") for r in held)
    if busy or account.younger("address tail", allocation, "address_auth_failure"):
        message = "You do not have permission to access the specified resource."
        call.refuse("AuthFailure", message)
    tail = account.find("address tail", allocation)
    if tail:
        account.add("mapped", tail["vpc"])


@after(31, "ec2:DescribeNetworkInterfaces")
def _nat_interfaces(call: ApiCall) -> bool:
    nats = call.raw.describe_nat_gateways()["NatGateways"]
    owned = {
        each["NetworkInterfaceId"]: nat["NatGatewayId"]
        for nat in nats
        for each in nat["NatGatewayAddresses"]
    }
    hit = False
    for each in call.answer["NetworkInterfaces"]:
        nat = owned.get(each["NetworkInterfaceId"])
        if nat:
            hit = True
            description = f"Interface for NAT Gateway {nat}"
            each.update(InterfaceType="nat_gateway", RequesterManaged=True, Status="in-use")
            each["Description"] = description
    return hit
