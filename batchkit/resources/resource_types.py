"""
All resource types, and which depends on which: what a teardown, the docs and the tests walk.
"""

from __future__ import annotations

from typing import Final

import attrs

from batchkit._model.resource import Resource
from batchkit._model.resource_base import may_refer_to
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.dynamodb import Table
from batchkit.resources.ecr import Repository
from batchkit.resources.environments import VARIANTS, ComputeEnvironment
from batchkit.resources.gateways import ElasticIp, InternetGateway, NatGateway
from batchkit.resources.iam import Role
from batchkit.resources.image import Image
from batchkit.resources.image_reference import ImageReference
from batchkit.resources.instance_profile import InstanceProfile
from batchkit.resources.launch_template import LaunchTemplate
from batchkit.resources.logs import LockGroup, LogGroup
from batchkit.resources.queues import JobQueue
from batchkit.resources.routes import Route, RouteTable
from batchkit.resources.s3 import Bucket
from batchkit.resources.schedule import Schedule, ScheduleGroup
from batchkit.resources.security_group import SecurityGroup
from batchkit.resources.states import StateMachine
from batchkit.resources.vpc import Subnet, Vpc

# The network first: its NAT gateway takes AWS minutes, and everything else seconds.
RESOURCE_TYPES: Final[tuple[type[Resource], ...]] = (
    Vpc,
    Subnet,
    SecurityGroup,
    InternetGateway,
    ElasticIp,
    NatGateway,
    RouteTable,
    Route,
    Role,
    InstanceProfile,
    LaunchTemplate,
    Table,
    Bucket,
    LogGroup,
    LockGroup,
    Repository,
    Image,
    ImageReference,
    ComputeEnvironment,
    JobQueue,
    JobDefinition,
    StateMachine,
    ScheduleGroup,
    Schedule,
)
"""Every resource type that a stack may have."""


def variants(resource_type: type[Resource]) -> tuple[type[Resource], ...]:
    """
    The classes that resources of *resource_type* can be made of.
    """
    return VARIANTS if resource_type is ComputeEnvironment else (resource_type,)


def dependencies() -> dict[str, set[str]]:
    """
    For the name of each resource type, those of the types that its resources depend on.
    """
    # By what the properties may refer to: a teardown has only what AWS returns, and that names few
    # of the resources that one depends on.  AWS refuses to delete what another still uses.
    return {one.type_name(): _depends_on(one) for one in RESOURCE_TYPES}


def _depends_on(resource_type: type[Resource]) -> set[str]:
    names: set[str] = set()
    for variant in variants(resource_type):
        for attribute in attrs.fields(variant):
            names.update(may_refer_to(variant, attribute))
    return names - {resource_type.type_name()}
