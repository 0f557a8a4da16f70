"""
Sessions that batchkit makes itself.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import boto3
import botocore.session
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import JSONFileLoader, Loader, instance_cache

_EC2: Final = re.compile(r"[/\\]ec2[/\\][\d-]+[/\\]service-2$")
EC2_OPERATIONS: Final = frozenset("""
    AllocateAddress AssociateRouteTable AttachInternetGateway
    AuthorizeSecurityGroupEgress CreateInternetGateway CreateNatGateway
    CreateLaunchTemplate CreateRoute CreateRouteTable CreateSecurityGroup
    CreateSubnet CreateTags CreateVpc
    DeleteInternetGateway DeleteLaunchTemplate DeleteNatGateway DeleteRoute
    DeleteRouteTable DeleteSecurityGroup DeleteSubnet
    DeleteTags DeleteVpc DescribeAddresses DescribeAvailabilityZones
    DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances
    DescribeInternetGateways DescribeLaunchTemplates
    DescribeNatGateways DescribeNetworkInterfaces
    DescribeRouteTables DescribeSecurityGroups DescribeSubnets
    DescribeTags DescribeVpcAttribute DescribeVpcEndpoints
    DescribeVpcs DetachInternetGateway DisassociateRouteTable
    ModifyVpcAttribute ReleaseAddress ReplaceRoute
    ReplaceRouteTableAssociation RevokeSecurityGroupEgress
    """.split())
"""The operations of EC2 that batchkit calls; a test keeps the list complete."""
_OPENED: Final[dict[str, Any]] = {".json": open, ".json.gz": gzip.open}


class PlainFiles(JSONFileLoader):
    """
    Loads AWS's models into plain dicts, and of EC2's model only what batchkit calls.
    """

    # botocore's ordered dicts take twice as long to make and to free.  EC2's model, of 800
    # operations and 6,000 shapes, would be traversed by each of Python's garbage collections until
    # the process ends.

    def load_file(self, file_path: str) -> Any:
        """
        What *file_path* and one of the suffixes has, or None.
        """
        try:
            return _load(file_path)
        except Exception:  # another botocore may keep its models in another form
            return super().load_file(file_path)


def _load(file_path: str) -> Any:
    for suffix, opened in _OPENED.items():
        with suppress(FileNotFoundError), opened(file_path + suffix, "rb") as file:
            model = json.load(file)
            return slim(model, EC2_OPERATIONS) if _EC2.search(file_path) else model
    return None


class PlainLoader(Loader):
    """
    Finds AWS's models without listing the folders of all services.
    """

    # botocore lists all 440 of them, for each type of model, before it loads one.

    FILE_LOADER_CLASS = PlainFiles

    @instance_cache
    def list_available_services(self, type_name: str) -> list[str]:
        """
        Every service that has a folder.
        """
        paths = [path for path in self.search_paths if os.path.isdir(path)]
        names = {name for path in paths for name in os.listdir(path)}
        return sorted(name for name in names if not name.endswith(".json"))

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """
        The model of the type *type_name*.

        Raises:
            UnknownServiceError: The service's folder has none.
        """
        try:
            return super().load_service_model(service_name, type_name, api_version)
        except DataNotFoundError as error:
            names = ", ".join(self.list_available_services(type_name))
            raise UnknownServiceError(
                service_name=service_name, known_service_names=names
            ) from error


def slim(model: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """
    A service's *model* with the operations of these *names*, and the shapes that they use.
    """
    operations = {name: one for name, one in model["operations"].items() if name in names}
    shapes: dict[str, Any] = {}
    ahead = [*_shapes_in(operations)]
    while ahead:
        name = ahead.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            ahead += _shapes_in(shapes[name])
    return {**model, "operations": operations, "shapes": shapes}


def _shapes_in(described: Any) -> Iterator[str]:
    """
    The names of the shapes that part of a model refers to.
    """
    if isinstance(described, list):
        for item in described:
            yield from _shapes_in(item)
    elif isinstance(described, dict):
        for key, value in described.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _shapes_in(value)


def new_session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """
    A session as boto3 makes it, which loads AWS's models faster.
    """
    # A component of this one session: the loaders of other sessions stay as botocore makes them.
    core = botocore.session.get_session()
    paths = core.get_component("data_loader").search_paths
    core.register_component("data_loader", PlainLoader(paths, include_default_search_paths=False))
    return boto3.Session(botocore_session=core, profile_name=profile, region_name=region)
