"""
One description: no field without an effect, no resource type that a teardown doesn't know, and no
list beside it that could be forgotten.
"""

from __future__ import annotations

import configparser
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import attrs
import pytest

import batchkit
import batchkit.resources
from batchkit import Network, StackSpec
from batchkit._blueprint.blueprint import resources
from batchkit._engine import reads as _reads
from batchkit._engine.policy import Deployer
from batchkit._jobs import links as _links
from batchkit._model.calls import operations
from batchkit._model.resource import Resource
from batchkit.compute.choices import COMPUTES
from batchkit.networks.choices import NETWORKS
from batchkit.resources.resource_types import RESOURCE_TYPES, dependencies, variants
from full_specs import REGION, full_specs
from other_values import BESIDE, OTHERS

ROOT = Path(batchkit.__file__).parents[1]
PLAIN: dict[str, Any] = {"name": "movies", "image": "alpine:3"}
UNSHOWN = {"InstanceProfile", "Route", "Image", "ImageReference", "Schedule", "ScheduleGroup"}
"""The resource types that have no page of their own in AWS's console."""


def stated(spec: StackSpec) -> list[Any]:
    """
    All that the resources of *spec* are described by, but for what AWS gives.
    """
    return [
        (
            one.key,
            {
                a.name: getattr(one, a.name)
                for a in attrs.fields(type(one))
                if "read_only" not in a.metadata
            },
        )
        for one in resources(spec, REGION, lambda source, platform: f"{source}{platform}")
    ]


def with_part(part: type, *fields: str) -> dict[str, Any]:
    """
    The fields of a spec in which *fields* of its compute or network have another value.
    """
    name = "compute" if part in COMPUTES.values() else "network"
    return {name: part(**{field: OTHERS[part][field] for field in fields})}


PARTS = (*COMPUTES.values(), *NETWORKS.values())


@pytest.mark.parametrize("field", [one.name for one in attrs.fields(StackSpec)])
def test_every_field_of_a_spec_changes_a_resource(field: str) -> None:
    """
    A field that is read by nobody would be an option that does nothing.
    """
    before = {**PLAIN, **BESIDE.get(field, {})}
    after = {**before, field: OTHERS[StackSpec][field]}
    assert stated(StackSpec(**before)) != stated(StackSpec(**after))


@pytest.mark.parametrize(
    ("part", "field"), [(part, one.name) for part in PARTS for one in attrs.fields(part)]
)
def test_every_field_of_its_parts_changes_a_resource(part: type, field: str) -> None:
    """
    What jobs run on, and in which network, is described by values of their own.
    """
    before, after = with_part(part), with_part(part, field)
    assert stated(StackSpec(**PLAIN, **before)) != stated(StackSpec(**PLAIN, **after))


def test_every_setting_of_a_network_that_is_ensured_alone_counts() -> None:
    """
    But for what AWS gives: its ids and its address.
    """
    given = {"vpc", "private_subnets", "security_group", "address"}
    fields = {one.name for one in attrs.fields(Network)} - given
    assert fields == set(OTHERS[Network])
    plain = Network(name="movies")
    for field in fields:
        changed = attrs.evolve(plain, **{field: OTHERS[Network][field]})
        assert changed.members.all != plain.members.all, field


def concrete() -> set[type[Resource]]:
    """
    Every class of the package that says how its resources are found.
    """
    found: set[type[Resource]] = set()
    for module in walk_packages(batchkit.resources.__path__, "batchkit.resources."):
        for one in vars(import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, Resource) and one is not Resource:
                found.add(one)
    return {one for one in found if not one.__name__.endswith(("Resource", "Base"))}


def test_every_resource_type_is_in_the_list() -> None:
    """
    The list is what a teardown looks for, and what docs and model tests walk.
    """
    listed = {variant for one in RESOURCE_TYPES for variant in (one, *variants(one))}
    assert concrete() == listed


def test_the_full_specs_make_a_resource_of_every_type(tmp_path: Path) -> None:
    """
    So the tests that walk them know every type: inventories, snapshots, policies.
    """
    made = {
        one.type_name()
        for spec in full_specs(tmp_path)
        for one in resources(spec, REGION, lambda source, platform: "tag")
    }
    assert made == {one.type_name() for one in RESOURCE_TYPES if not one.INTERNAL}


def test_the_policy_knows_every_type(tmp_path: Path) -> None:
    """
    What a resource type may call is allowed to whoever ensures a spec that makes one.
    """
    allowed: set[str] = set()
    for spec in full_specs(tmp_path):
        made = resources(spec, REGION, lambda source, platform: "tag")
        for boundary in (None, "arn:aws:iam::123456789012:policy/edge"):
            grants = Deployer(spec.name, made, RESOURCE_TYPES, (), boundary).grants()
            allowed |= {action for grant in grants for action in grant.actions}
    needed = {
        action
        for one in RESOURCE_TYPES
        for variant in variants(one)
        for call in operations(variant).values()
        for action in call.permissions
    }
    described = {action for action in needed if action.startswith("ec2:Describe")}
    assert needed - described - allowed == set() and "ec2:Describe*" in allowed


def test_references_are_between_types_of_the_list() -> None:
    """
    A misspelt one would be an order that a teardown doesn't keep.
    """
    names = {one.type_name() for one in RESOURCE_TYPES}
    assert {name for below in dependencies().values() for name in below} <= names


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES, ids=lambda one: str(one.__name__))
def test_a_resource_type_has_its_page_in_the_console_or_is_known_to_have_none(
    resource_type: type[Resource],
) -> None:
    """
    Pictures and tables of a stack link to it.
    """
    page = _links.resource(resource_type.type_name(), "arn:aws:x:us-east-1:1:y/z", REGION)
    assert bool(page) != (resource_type.type_name() in UNSHOWN or resource_type.INTERNAL)


def services() -> set[str]:
    """
    The services that the resource types call, as boto3 names them.
    """
    types = [variant for one in RESOURCE_TYPES for variant in (one, *variants(one))]
    return {call.service for one in types for call in operations(one).values()}


def test_clients_that_are_made_first_are_of_services_that_are_called() -> None:
    """
    The order is for speed: a service that isn't called any more would cost time.
    """
    assert {*_reads._LONGEST_FIRST} <= {*services(), "sts"}


def test_the_embedded_aws_installs_every_service_that_is_called() -> None:
    """
    moto's extras bring what a service needs.
    """
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]["local"].partition("[")[2].partition("]")[0]
    # The tagging API is a part of moto's core.
    needed = services() - {"resourcegroupstaggingapi"}
    assert needed <= {*extras.split(",")}


def test_every_package_is_in_the_distribution() -> None:
    """
    A package that is left out of setup.cfg is missing where batchkit is installed.
    """
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = {*config["options"]["packages"].split()}
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "batchkit").rglob("__init__.py")
    }
    assert listed == {*there, "batchkit.job_image", "batchkit.job_image.loader"}
