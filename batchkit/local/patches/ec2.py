"""
Patches for EC2: NAT gateways, routes, what AWS allows once, and what deleting a VPC leaves.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, tags
from moto.ec2.models.route_tables import Route
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, generic_filter

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

PATCHES.value(
    tags,
    "EC2_PREFIX_TO_RESOURCE",
    {**EC2_PREFIX_TO_RESOURCE, "nat": "natgateway", "eipalloc": "elastic-ip"},
    reason="DescribeTags returns the resource types natgateway and elastic-ip, but moto doesn't "
    "know the prefixes of their ids",
)


class NatGatewayNotFound(EC2ClientError):
    """
    No NAT gateway has this id.
    """

    def __init__(self, identifier: str) -> None:
        super().__init__("NatGatewayNotFound", f"NAT gateway {identifier} was not found")


@PATCHES(
    EC2Backend,
    "describe_nat_gateways",
    reason="DescribeNatGateways filters by tags and fails with NatGatewayNotFound for an "
    "unknown id, but moto ignores both",
)
def describe_nats(original: Any, self: Any, filters: Any, ids: Any) -> list[Any]:
    for identifier in ids or ():
        if identifier not in self.nat_gateways:
            raise NatGatewayNotFound(identifier)
    by_tag = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
    found: list[Any] = generic_filter(by_tag, original(self, filters, ids))
    return found


@PATCHES(
    EC2Backend,
    "create_nat_gateway",
    reason="CreateNatGateway defaults to ConnectivityType public and its interface is "
    "requester-managed, but moto returns no type and an ordinary interface",
)
def create_nat(original: Any, self: Any, *args: Any, **given: Any) -> Any:
    gateway = original(self, *args, **{**given, "connectivity_type": _connectivity(given)})
    gateway._eni.interface_type = "nat_gateway"
    gateway._eni.requester_managed = True
    return gateway


def _connectivity(given: dict[str, Any]) -> str:
    return given.get("connectivity_type") or "public"


@PATCHES(
    EC2Backend,
    "delete_nat_gateway",
    reason="DeleteNatGateway releases its interface and its address and fails with "
    "NatGatewayNotFound for an unknown id, but moto keeps both and raises AttributeError",
)
def delete_nat(original: Any, self: Any, identifier: str) -> Any:
    if identifier not in self.nat_gateways:
        raise NatGatewayNotFound(identifier)
    gateway = original(self, identifier)
    for address in self.addresses:
        if address.eni is gateway._eni:
            self.disassociate_address(association_id=address.association_id)
    self.enis.pop(gateway._eni.id, None)
    return gateway


@PATCHES(
    Route,
    "state",
    reason="DescribeRouteTables returns blackhole for a route whose NAT or internet gateway was "
    "deleted or detached, but moto returns active",
)
def route_state(original: Any, self: Any) -> str:
    if self.nat_gateway is not None and self.nat_gateway.state == "deleted":
        return "blackhole"
    return _gateway_state(self) if self.gateway is not None else str(original(self))


def _gateway_state(route: Any) -> str:
    backend = route.route_table.ec2_backend
    gateway = route.gateway
    exists = gateway.id in backend.internet_gateways or gateway.id in backend.vpn_gateways
    attached = getattr(gateway, "vpc", True)
    return "active" if exists and attached else "blackhole"


@PATCHES(
    EC2Backend,
    "delete_vpc",
    reason="DeleteVpc deletes the VPC's default network ACL, but moto keeps it",
)
def delete_vpc(original: Any, self: Any, vpc_id: str) -> Any:
    vpc = original(self, vpc_id)
    for acl in [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
        del self.network_acls[acl.id]
    return vpc


@PATCHES(
    EC2Backend,
    "describe_launch_templates",
    reason="DescribeLaunchTemplates returns the tags of now, but moto those of the creation",
)
def describe_templates(original: Any, self: Any, *args: Any, **given: Any) -> list[Any]:
    for template in self.launch_templates.values():
        template.tags = template.get_tags()
    found: list[Any] = original(self, *args, **given)
    return found


@PATCHES(
    EC2Backend,
    "associate_route_table",
    reason="AssociateRouteTable fails with Resource.AlreadyAssociated for a subnet that uses "
    "another table, but moto answers with the association of that one",
)
def associate(original: Any, self: Any, route_table_id: str, *args: Any, **given: Any) -> Any:
    association = original(self, route_table_id, *args, **given)
    if association not in self.get_route_table(route_table_id)._associations:
        msg = f"the specified association for route table {route_table_id} conflicts with another"
        raise EC2ClientError("Resource.AlreadyAssociated", msg)
    return association


@PATCHES(
    EC2Backend,
    "attach_internet_gateway",
    reason="AttachInternetGateway fails with InvalidParameterValue for a VPC that has one, but "
    "moto attaches any number",
)
def attach(original: Any, self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
    others = [one for one in self.internet_gateways.values() if one.id != internet_gateway_id]
    if any(one.vpc is not None and one.vpc.id == vpc_id for one in others):
        msg = f"Network {vpc_id} already has an internet gateway attached"
        raise EC2ClientError("InvalidParameterValue", msg)
    return original(self, internet_gateway_id, vpc_id)


@PATCHES(
    EC2Backend,
    "delete_subnet",
    reason="DeleteSubnet fails with DependencyViolation while interfaces are in it, but moto "
    "deletes it under them",
)
def delete_subnet(original: Any, self: Any, subnet_id: str) -> Any:
    if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
        msg = f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
        raise EC2ClientError("DependencyViolation", msg)
    return original(self, subnet_id)
