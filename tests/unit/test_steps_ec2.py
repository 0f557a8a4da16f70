"""
The steps that instances of EC2 take: their environments, profiles and launch templates.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from attrs import evolve

from batchkit import (
    Ec2Environment,
    InstanceProfile,
    JobDefinition,
    LaunchTemplate,
    SpecError,
    UnmanagedEnvironment,
)
from batchkit._model.calls import WAIT_DELETED, WAIT_STABLE, WAIT_VISIBLE
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.iam_documents import trust
from batchkit.resources.launch_template import archive
from fakes import params

PROFILE = "arn:aws:iam::123456789012:instance-profile/p"
ROLE = "arn:aws:iam::123456789012:role/r"
ENVIRONMENT = Ec2Environment(
    name="movies",
    types=["m6i", "c6i"],
    subnets=["subnet-1"],
    security_groups=["sg-1"],
    instance_profile=PROFILE,
)
RESOURCES = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "instanceTypes": ["c6i", "m6i"],
    "minvCpus": 0,
    "maxvCpus": 16,
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceRole": PROFILE,
    "tags": {"batchkit:stack": "movies", "Name": "movies"},
}
PATIENT = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 7200}


def actual(desired: Any, **outputs: Any) -> Any:
    return evolve(desired, **{"owner": "movies", "state": "VALID", "reason": "", **outputs})


def created(environment: Any) -> Any:
    return params(next(environment.create()))


def test_an_environment_of_instances_is_created() -> None:
    """
    With a strategy, and nothing that isn't asked for; Batch's own role does the rest.
    """
    given = created(ENVIRONMENT)
    assert (given["type"], given["state"]) == ("MANAGED", "ENABLED")
    assert given["computeResources"] == RESOURCES and "serviceRole" not in given


def test_all_that_is_asked_for_is_sent() -> None:
    """
    Spot with its own strategy, the first version of the template, an AMI with its type.
    """
    full = evolve(
        ENVIRONMENT,
        spot=True,
        min_vcpus=2,
        keep_minutes=30,
        launch_template="lt-1",
        image_type="ECS_AL2023_NVIDIA",
        ami="ami-12345678",
        key_pair="mine",
        instance_tags={"team": "data"},
    )
    assert created(full)["computeResources"] == {
        **RESOURCES,
        "type": "SPOT",
        "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "minvCpus": 2,
        "scalingPolicy": {"minScaleDownDelayMinutes": 30},
        "launchTemplate": {"launchTemplateId": "lt-1", "version": "1"},
        "ec2Configuration": [{"imageType": "ECS_AL2023_NVIDIA", "imageIdOverride": "ami-12345678"}],
        "ec2KeyPair": "mine",
        "tags": {**RESOURCES["tags"], "team": "data"},  # type: ignore[dict-item]
    }


def changed(environment: Any, *drift: str) -> dict[str, Any]:
    found: dict[str, Any] = params(next(environment.update(actual(environment), drift)))
    return found


def test_scaling_is_one_update_that_ends_no_job() -> None:
    """
    It names nothing for which AWS would start other instances.
    """
    bigger = evolve(ENVIRONMENT, max_vcpus=32)
    assert changed(bigger, "max_vcpus") == {
        "computeEnvironment": "movies",
        "computeResources": {"minvCpus": 0, "maxvCpus": 32},
    }
    kept = evolve(ENVIRONMENT, keep_minutes=None)
    assert changed(kept, "keep_minutes")["computeResources"]["scalingPolicy"] == {
        "minScaleDownDelayMinutes": 0
    }
    on = changed(ENVIRONMENT, "enabled")
    assert on["state"] == "ENABLED" and set(on["computeResources"]) == {"minvCpus", "maxvCpus"}


def test_what_somebody_has_changed_by_hand_is_put_back_with_patience() -> None:
    """
    Nothing beside it, and jobs have as long as Batch gives them.
    """
    assert changed(ENVIRONMENT, "types") == {
        "computeEnvironment": "movies",
        "computeResources": {"instanceTypes": ["c6i", "m6i"]},
        "updatePolicy": PATIENT,
    }
    emptied = changed(ENVIRONMENT, "key_pair", "launch_template", "max_vcpus")["computeResources"]
    assert emptied == {
        "ec2KeyPair": "",
        "launchTemplate": {"launchTemplateId": "", "version": ""},
        "minvCpus": 0,
        "maxvCpus": 16,
    }


def test_a_retired_environment_keeps_no_instance() -> None:
    """
    No vCPUs are kept, but it stays on for jobs that still wait for it; a deletion turns it off.
    """
    minimum = {"minvCpus": 0, "maxvCpus": 16}
    none = ENVIRONMENT.DISABLE(computeEnvironment="movies", computeResources=minimum)
    off = ENVIRONMENT.DISABLE(
        computeEnvironment="movies",
        state="DISABLED",
        computeResources=minimum,
    )
    kept = actual(evolve(ENVIRONMENT, min_vcpus=4))
    assert list(kept.retire()) == [none, WAIT_STABLE]
    assert list(actual(ENVIRONMENT).retire()) == []
    assert list(actual(ENVIRONMENT).deletion()) == [
        off,
        WAIT_STABLE,
        ENVIRONMENT.DELETE(computeEnvironment="movies"),
        WAIT_DELETED,
    ]


def test_what_makes_other_instances_makes_another_environment() -> None:
    """
    And scaling doesn't.
    """
    fields = {
        "types": ["m6i", "c6i"],
        "subnets": ["subnet-1"],
        "security_groups": ["sg-1"],
        "instance_profile": PROFILE,
    }
    plain = Ec2Environment.suffixed("movies", **fields)
    others = {
        "spot": True,
        "types": ["m6i"],
        "subnets": ["subnet-2"],
        "security_groups": ["sg-2"],
        "launch_template": "lt-1",
        "image_type": "ECS_AL2023",
        "ami": "ami-12345678",
        "key_pair": "mine",
        "instance_tags": {"team": "data"},
    }
    names = {Ec2Environment.suffixed("movies", **{**fields, k: v}).name for k, v in others.items()}
    assert len(names | {plain.name}) == len(others) + 1
    scaled = {"min_vcpus": 2, "max_vcpus": 32, "keep_minutes": 60, "tags": {"a": "b"}}
    assert Ec2Environment.suffixed("movies", **fields, **scaled).name == plain.name


TOLD = {
    "computeEnvironmentName": "movies",
    "computeEnvironmentArn": "arn:ce",
    "state": "ENABLED",
    "status": "VALID",
    "serviceRole": "arn:aws:iam::1:role/aws-service-role/batch.amazonaws.com/x",
    "tags": {"batchkit:stack": "movies"},
}


def test_it_is_read_as_it_was_made() -> None:
    """
    Whatever AWS fills in: what runs now, the AMI that it took, no delay as 0.
    """
    filled = {
        **RESOURCES,
        "desiredvCpus": 8,
        "scalingPolicy": {"minScaleDownDelayMinutes": 0},
        "ec2Configuration": [{"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}],
    }
    held = ComputeEnvironment.parse({**TOLD, "type": "MANAGED", "computeResources": filled})
    names = ("spot", "types", "keep_minutes", "launch_template", "ami", "key_pair", "image_type")
    assert not [name for name in names if ENVIRONMENT.differs(name, held)]
    template = {"launchTemplateId": "lt-1", "version": "$Latest"}
    other = {**filled, "launchTemplate": template}
    held = ComputeEnvironment.parse({**TOLD, "type": "MANAGED", "computeResources": other})
    assert held.launch_template == "lt-1:$Latest"


def test_instances_of_ones_own_are_described_by_their_cluster() -> None:
    """
    Such an environment has a role and no compute resources, also where it is updated.
    """
    own = UnmanagedEnvironment(name="movies", service_role=ROLE)
    assert created(own)["type"] == "UNMANAGED" and "computeResources" not in created(own)
    assert changed(own, "enabled") == {"computeEnvironment": "movies", "state": "ENABLED"}
    held = ComputeEnvironment.parse({**TOLD, "type": "UNMANAGED", "ecsClusterArn": "arn:c"})
    assert (type(held), held.cluster) == (UnmanagedEnvironment, "arn:c")


@pytest.mark.parametrize("type", ["MANAGED", "UNMANAGED"])
def test_an_environment_of_kubernetes_is_nobodys(type: str) -> None:
    """
    Though it says EC2 as well.
    """
    eks = {**TOLD, "type": type, "computeResources": RESOURCES, "eksConfiguration": {"a": "b"}}
    assert isinstance(ComputeEnvironment.parse(eks), ComputeEnvironment)


def test_a_job_definition_for_ec2_has_nothing_of_fargates() -> None:
    """
    Its GPUs are a text, as all sizes are; without any there is no such requirement.
    """
    made = JobDefinition(
        name="movies",
        platform="EC2",
        image="alpine:3",
        vcpus=4,
        memory=15_000,
        gpus=1,
        execution_role=ROLE,
    )
    given = params(next(made.create()))
    container = given["containerProperties"]
    assert given["platformCapabilities"] == ["EC2"]
    assert not {
        *("networkConfiguration", "fargatePlatformConfiguration"),
        *("runtimePlatform", "ephemeralStorage"),
    } & set(container)
    needs = container["resourceRequirements"]
    assert needs[2:] == [{"type": "GPU", "value": "1"}]
    none = params(next(evolve(made, gpus=0).create()))
    assert none["containerProperties"]["resourceRequirements"] == needs[:2]


def test_a_profile_holds_its_role() -> None:
    """
    It is emptied before another role comes, and before it goes.
    """
    profile = InstanceProfile(name="movies", role="r", stack="movies")
    of = {"InstanceProfileName": "movies"}
    create, *rest = profile.create()
    assert params(create)["Path"] == "/batchkit/movies/"
    assert rest == [profile.ADD(**of, RoleName="r"), WAIT_VISIBLE]
    other = actual(evolve(profile, role="other"))
    assert list(profile.update(other, ("role",))) == [
        profile.REMOVE(**of, RoleName="other"),
        profile.ADD(**of, RoleName="r"),
        WAIT_VISIBLE,
    ]
    assert list(profile.update(actual(evolve(profile, role="x"), role=""), ("role",)))[0] == rest[0]
    assert list(actual(profile).delete()) == [
        profile.REMOVE(**of, RoleName="r"),
        profile.DELETE(**of),
    ]


def test_a_launch_template_asks_for_metadata_of_version_2() -> None:
    """
    And for a disk and user data only where they are given.
    """
    plain = params(next(LaunchTemplate(name="movies").create()))["LaunchTemplateData"]
    assert plain == {"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}
    full = LaunchTemplate(name="movies", disk=200, user_data="#!/bin/sh\ndate\n")
    data = params(next(full.create()))["LaunchTemplateData"]
    (volume,) = data["BlockDeviceMappings"]
    assert (volume["DeviceName"], volume["Ebs"]["VolumeSize"]) == ("/dev/xvda", 200)
    text = base64.b64decode(data["UserData"]).decode()
    assert text.startswith("MIME-Version: 1.0\nContent-Type: multipart/mixed")
    assert "\n#!/bin/sh\ndate\n" in text and archive(text) == text


def test_ec2_may_assume_its_role_whoever_asks() -> None:
    """
    Whether EC2 tells the account isn't said; other services do.
    """
    assert "Condition" not in trust("ec2.amazonaws.com")["Statement"][0]
    assert "Condition" in trust("batch.amazonaws.com")["Statement"][0]


def test_what_an_environment_may_not_be_is_refused() -> None:
    """
    A role's ARN in the place of a profile's, for one.
    """
    wrong: dict[str, Any] = {"instance_profile": ROLE, "ami": "x", "types": []}
    for field, value in wrong.items():
        with pytest.raises(SpecError, match=field):
            evolve(ENVIRONMENT, **{field: value})
