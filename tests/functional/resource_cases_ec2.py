"""
The types of instances of EC2: compute environments of them, and what they are started with.
"""

from __future__ import annotations

from typing import Any

from account_fixture import STACK, TAGS, AccountFixture
from batchkit import (
    Ec2Environment,
    InstanceProfile,
    JobDefinition,
    LaunchTemplate,
    UnmanagedEnvironment,
)
from resource_cases import Act, ResourceCase, drift
from resource_cases_batch import (
    NEW_REVISION,
    UPDATE_ENVIRONMENT,
    revised,
    sized,
    untag_batch,
)

COMMON: dict[str, Any] = {"name": STACK, "stack": STACK, "tags": TAGS}


def profile_arn(there: AccountFixture, name: str = "theirs") -> str:
    made = there.iam.create_instance_profile(InstanceProfileName=name)
    return str(made["InstanceProfile"]["Arn"])


def template_id(there: AccountFixture, name: str = "theirs") -> str:
    made = there.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={})
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def environment(there: AccountFixture) -> Ec2Environment:
    vpc = there.vpc()
    return Ec2Environment(
        types=["m6i.large", "c6i"],
        keep_minutes=30,
        subnets=[there.subnet(vpc), there.subnet(vpc, "10.9.2.0/24")],
        security_groups=[there.group(vpc)],
        instance_profile=profile_arn(there),
        launch_template=template_id(there),
        image_type="ECS_AL2023",
        ami="ami-12345678",
        instance_tags={"team": "data"},
        **COMMON,
    )


def with_resources(**changed: Any) -> Act:
    def act(there: AccountFixture, actual: Any) -> None:
        there.batch.update_compute_environment(
            computeEnvironment=actual.name, computeResources=changed
        )

    return act


def disabled(there: AccountFixture, actual: Any) -> None:
    there.batch.update_compute_environment(computeEnvironment=actual.name, state="DISABLED")


def other_subnet(there: AccountFixture, actual: Any) -> None:
    with_resources(subnets=[actual.subnets[0]])(there, actual)


def other_group(there: AccountFixture, actual: Any) -> None:
    group = there.group(there.vpc("10.8.0.0/16"))
    with_resources(securityGroupIds=[group])(there, actual)


def other_profile(there: AccountFixture, actual: Any) -> None:
    with_resources(instanceRole=profile_arn(there, "other"))(there, actual)


def other_template(there: AccountFixture, actual: Any) -> None:
    template = {"launchTemplateId": template_id(there, "other"), "version": "1"}
    with_resources(launchTemplate=template)(there, actual)


def image(kind: str, ami: str) -> Act:
    return with_resources(ec2Configuration=[{"imageType": kind, "imageIdOverride": ami}])


def definition(there: AccountFixture) -> JobDefinition:
    return JobDefinition(
        platform="EC2",
        image="alpine:3",
        vcpus=4,
        memory=15_000,
        gpus=1,
        execution_role=there.role(),
        **COMMON,
    )


def with_two_gpus(there: AccountFixture, actual: Any) -> None:
    needs = [*sized("4", "15000"), {"type": "GPU", "value": "2"}]
    revised(resourceRequirements=needs)(there, actual)


def profile(there: AccountFixture) -> InstanceProfile:
    there.role("movies-instance")
    return InstanceProfile(role="movies-instance", **COMMON)


def other_role(there: AccountFixture, actual: Any) -> None:
    there.role("another")
    of = {"InstanceProfileName": actual.name}
    there.iam.remove_role_from_instance_profile(RoleName=actual.role, **of)
    there.iam.add_role_to_instance_profile(RoleName="another", **of)


def untag_profile(there: AccountFixture, actual: Any) -> None:
    there.iam.untag_instance_profile(InstanceProfileName=actual.name, TagKeys=["team"])


def untag_template(there: AccountFixture, actual: Any) -> None:
    there.ec2.delete_tags(Resources=[actual.id], Tags=[{"Key": "team"}])


DRIFTS: dict[str, Act] = {
    "spot": with_resources(type="SPOT", allocationStrategy="SPOT_CAPACITY_OPTIMIZED"),
    "types": with_resources(instanceTypes=["m6i.large"]),
    "min_vcpus": with_resources(minvCpus=2),
    "max_vcpus": with_resources(maxvCpus=9),
    "keep_minutes": with_resources(scalingPolicy={"minScaleDownDelayMinutes": 60}),
    "subnets": other_subnet,
    "security_groups": other_group,
    "instance_profile": other_profile,
    "launch_template": other_template,
    "image_type": image("ECS_AL2023_NVIDIA", "ami-12345678"),
    "ami": image("ECS_AL2023", "ami-87654321"),
    "key_pair": with_resources(ec2KeyPair="theirs"),
    "instance_tags": with_resources(tags={"team": "others"}),
}
CASES = {
    "ComputeEnvironment of EC2": ResourceCase(
        environment,
        ("CreateComputeEnvironment",),
        (UPDATE_ENVIRONMENT, "DeleteComputeEnvironment"),
        {
            **{name: drift(act, UPDATE_ENVIRONMENT) for name, act in DRIFTS.items()},
            "enabled": drift(disabled, UPDATE_ENVIRONMENT),
            "tags": drift(untag_batch, "TagResource"),
        },
    ),
    "ComputeEnvironment of others": ResourceCase(
        lambda there: UnmanagedEnvironment(service_role=there.role(), **COMMON),
        ("CreateComputeEnvironment",),
        (UPDATE_ENVIRONMENT, "DeleteComputeEnvironment"),
        {"tags": drift(untag_batch, "TagResource")},
    ),
    "JobDefinition for EC2": ResourceCase(
        definition,
        (NEW_REVISION,),
        ("DeregisterJobDefinition",),
        {
            "gpus": drift(with_two_gpus, NEW_REVISION),
            "platform": drift(revised(platformCapabilities=["FARGATE"]), NEW_REVISION),
        },
    ),
    "InstanceProfile": ResourceCase(
        profile,
        ("CreateInstanceProfile", "AddRoleToInstanceProfile"),
        ("RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"),
        {
            "role": drift(other_role, "RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"),
            "tags": drift(untag_profile, "TagInstanceProfile"),
        },
    ),
    "LaunchTemplate": ResourceCase(
        lambda there: LaunchTemplate(disk=100, user_data="#!/bin/sh", **COMMON),
        ("CreateLaunchTemplate",),
        ("DeleteLaunchTemplate",),
        {"tags": drift(untag_template, "CreateTags")},
    ),
}
