"""
Stacks on instances of EC2, those of Batch and those of one's own, from first to last.
"""

from __future__ import annotations

from typing import Any

import pytest

from account_fixture import AccountFixture
from batchkit import (
    Ec2,
    Stack,
    StackNotFound,
    StackSpec,
    Unmanaged,
    describe_stack,
    destroy_stack,
    ensure_stack,
    plan_stack,
)
from fakes import Seen, mutating
from inventory import furnish, inventory

GPUS: dict[str, Any] = {"vcpus": 4, "memory": 15_000, "gpus": 1}
FORMS: dict[str, dict[str, Any]] = {
    "plain": {"compute": "ec2"},
    "ARM": {"compute": "ec2", "architecture": "ARM64"},
    "Spot with GPUs": {"compute": Ec2(spot=True, disk=200, min_vcpus=4), **GPUS},
    "everything": {
        "compute": Ec2(
            types=["g5.xlarge", "g6"],
            spot=True,
            min_vcpus=4,
            max_vcpus=64,
            disk=200,
            keep_minutes=20,
            ami="ami-12345678",
            key_pair="mine",
            user_data="#!/bin/sh\ndate",
        ),
        "tags": {"team": "data"},
        **GPUS,
    },
    "unmanaged": {"compute": "unmanaged"},
}


def a_spec(**given: Any) -> StackSpec:
    return StackSpec(**{"name": "movies", "image": "alpine:3", **given})


def made(there: AccountFixture, **given: Any) -> Stack:
    return ensure_stack(a_spec(**given), session=there.session, clock=there.clock)


def calls_of(there: AccountFixture, **given: Any) -> list[str]:
    """
    The calls that change something when the stack is ensured so.
    """
    with there.calls() as seen:
        made(there, **given)
    return mutating(seen)


def requested(seen: list[Seen], operation: str) -> list[Any]:
    return [call.params for call in seen if call.name == operation]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_made_once_and_goes_without_a_trace(form: str, there: AccountFixture) -> None:
    """
    Again there is nothing to do; what isn't the stack's stays as it is.
    """
    furnish(there)
    before = inventory(there)
    made(there, **FORMS[form])
    assert calls_of(there, **FORMS[form]) == []
    assert plan_stack(a_spec(**FORMS[form]), session=there.session, clock=there.clock).empty
    assert describe_stack("movies", session=there.session).resources
    destroy_stack("movies", session=there.session, clock=there.clock)
    assert inventory(there) == before


@pytest.mark.parametrize("form", [form for form in FORMS if form != "unmanaged"])
def test_what_is_asked_of_batch(form: str, there: AccountFixture) -> None:
    """
    Always a strategy, a profile and not a role, the number of a version; never what is outdated,
    or moves by itself.
    """
    with there.calls() as seen:
        made(there, **FORMS[form])
    for request in requested(seen, "CreateComputeEnvironment"):
        resources = request["computeResources"]
        assert resources["allocationStrategy"] in (
            "BEST_FIT_PROGRESSIVE",
            "SPOT_PRICE_CAPACITY_OPTIMIZED",
        )
        assert ":instance-profile/batchkit/movies/" in resources["instanceRole"]
        assert not {"desiredvCpus", "imageId", "spotIamFleetRole"} & set(resources)
        assert resources.get("launchTemplate", {}).get("version", "1").isdigit()
    (definition,) = requested(seen, "RegisterJobDefinition")
    assert definition["platformCapabilities"] == ["EC2"]


def test_spot_is_tried_first_and_a_reclaim_is_tried_again(there: AccountFixture) -> None:
    """
    Two environments in that order, with the words that Batch has for an instance that is gone.
    """
    made(there, compute="ec2-spot")
    (queue,) = there.batch.describe_job_queues()["jobQueues"]
    order = [one["computeEnvironment"] for one in queue["computeEnvironmentOrder"]]
    environments = there.batch.describe_compute_environments()["computeEnvironments"]
    by_arn = {one["computeEnvironmentArn"]: one["computeResources"] for one in environments}
    assert [by_arn[arn]["type"] for arn in order] == ["SPOT", "EC2"]
    (definition,) = there.batch.describe_job_definitions()["jobDefinitions"]
    assert definition["retryStrategy"]["evaluateOnExit"][0]["onStatusReason"] == "Host EC2*"


@pytest.mark.parametrize(("compute", "reasons"), [("fargate", 3), ("ec2", 4)])
def test_a_job_that_instances_are_unfit_for_is_cancelled_in_time(
    compute: str, reasons: int, there: AccountFixture
) -> None:
    """
    That is one more reason for which a job may be stuck.
    """
    with there.calls() as seen:
        made(there, compute=compute)
    (queue,) = requested(seen, "CreateJobQueue")
    assert len(queue["jobStateTimeLimitActions"]) == reasons


def test_scaling_is_one_call_in_place(there: AccountFixture) -> None:
    """
    The name of the environment stays.
    """
    made(there, compute=Ec2())
    bigger = Ec2(min_vcpus=2, max_vcpus=32, keep_minutes=60)
    assert calls_of(there, compute=bigger) == ["UpdateComputeEnvironment"]
    (environment,) = there.batch.describe_compute_environments()["computeEnvironments"]
    assert environment["computeResources"]["maxvCpus"] == 32


CHANGES: dict[str, dict[str, Any]] = {
    "types": {"compute": Ec2(types=["m6i"])},
    "disk": {"compute": Ec2(disk=100)},
    "AMI": {"compute": Ec2(ami="ami-12345678")},
    "key pair": {"compute": Ec2(key_pair="mine")},
    "user data": {"compute": Ec2(user_data="#!/bin/sh")},
    "GPUs": {"compute": Ec2(), **GPUS},
    "tags": {"compute": Ec2(), "tags": {"team": "data"}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_other_instances_are_another_environment_beside_the_old_one(
    what: str, there: AccountFixture
) -> None:
    """
    The new one is made before the queue turns to it, and the old one goes only then.
    """
    made(there, compute=Ec2())
    changes = [
        name for name in calls_of(there, **CHANGES[what]) if "ComputeEnv" in name or "Queue" in name
    ]
    assert changes == [
        "CreateComputeEnvironment",
        "UpdateJobQueue",
        "UpdateComputeEnvironment",
        "DeleteComputeEnvironment",
    ]
    assert calls_of(there, **CHANGES[what]) == []


def test_what_a_change_no_longer_needs_goes(there: AccountFixture) -> None:
    """
    The launch template goes with the environment that was made from it.
    """
    made(there, compute=Ec2(disk=100))
    made(there, compute=Ec2())
    assert there.ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert len(there.batch.describe_compute_environments()["computeEnvironments"]) == 1


def test_only_an_unmanaged_stack_has_a_cluster_to_join(there: AccountFixture) -> None:
    """
    Batch's own instances join by themselves.
    """
    with pytest.raises(StackNotFound, match="no cluster that instances may join"):
        assert made(there, compute=Ec2()).joining


def test_ones_own_instances_find_the_way_in(there: AccountFixture) -> None:
    """
    The stack has no network, and tells the cluster and the profile.
    """
    stack = made(there, compute=Unmanaged())
    (environment,) = there.batch.describe_compute_environments()["computeEnvironments"]
    assert (environment["type"], "computeResources" in environment) == ("UNMANAGED", False)
    assert not any(one.type_name() in ("Vpc", "NatGateway") for one in stack.resources)
    (profile,) = there.iam.list_instance_profiles()["InstanceProfiles"]
    for one in (stack, describe_stack("movies", session=there.session)):
        cluster = one.joining.cluster
        assert environment["ecsClusterArn"].endswith(f":cluster/{cluster}")
        assert one.joining.instance_profile == profile["Arn"]
        assert f"ECS_CLUSTER={cluster} " in one.joining.user_data
    assert [role["RoleName"] for role in profile["Roles"]] == ["movies_instance-us-east-1"]
