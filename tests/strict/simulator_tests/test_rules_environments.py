"""
Compute environments.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import allowing, code_of, old_network, old_role, refusal, trust
from ..simulator import StrictAws
from .batch_helpers import client, fargate, made, shown


def test_an_environment_takes_30_seconds(strict_aws: StrictAws) -> None:
    """
    It is CREATING, then VALID and healthy.
    """
    client(strict_aws).create_compute_environment(**fargate(strict_aws))
    strict_aws.clock.sleep(29)
    assert shown(strict_aws)["status"] == "CREATING"
    strict_aws.clock.sleep(1)
    assert shown(strict_aws)["statusReason"] == "ComputeEnvironment Healthy"


@pytest.mark.rule(48, 57, 172, 173)
def test_a_fresh_role_makes_it_invalid_until_it_is_made_anew(strict_aws: StrictAws) -> None:
    """
    An environment with a role of seconds is INVALID, also after an update that names the role.
    """
    iam, batch = strict_aws.session.client("iam"), client(strict_aws)
    made = iam.create_role(RoleName="svc", AssumeRolePolicyDocument=trust("batch.amazonaws.com"))
    iam.put_role_policy(
        RoleName="svc", PolicyName="own", PolicyDocument=allowing("ecs:DescribeClusters")
    )
    strict_aws.clock.sleep(5)
    asked = {**fargate(strict_aws), "serviceRole": made["Role"]["Arn"]}
    batch.create_compute_environment(**asked)
    strict_aws.clock.sleep(30)
    assert shown(strict_aws)["status"] == "INVALID"
    assert "sts:AssumeRole" in shown(strict_aws)["statusReason"]
    batch.update_compute_environment(
        computeEnvironment="fleet", state="DISABLED", serviceRole=made["Role"]["Arn"]
    )
    strict_aws.clock.sleep(15)
    assert shown(strict_aws)["status"] == "INVALID"
    for _ in range(2):  # the first deletion ends INVALID again
        batch.delete_compute_environment(computeEnvironment="fleet")
        strict_aws.clock.sleep(30)
        shown_now = client(strict_aws).describe_compute_environments()["computeEnvironments"]
    assert shown_now == []
    batch.create_compute_environment(**asked)
    strict_aws.clock.sleep(30)
    assert shown(strict_aws)["status"] == "VALID"


@pytest.mark.rule(58, 171)
def test_only_an_update_that_names_the_role_repairs_it(strict_aws: StrictAws) -> None:
    """
    An environment whose role was mended stays INVALID until an update names the role.
    """
    iam, batch = strict_aws.raw.client("iam"), client(strict_aws)
    role = old_role(strict_aws, "bare", "batch.amazonaws.com")
    batch.create_compute_environment(**{**fargate(strict_aws), "serviceRole": role})
    strict_aws.clock.sleep(30)
    states = [shown(strict_aws)["status"]]
    iam.put_role_policy(RoleName="bare", PolicyName="own", PolicyDocument=allowing("ecs:*"))
    for named in ({}, {"serviceRole": role}):
        batch.update_compute_environment(computeEnvironment="fleet", state="ENABLED", **named)
        strict_aws.clock.sleep(15)
        states.append(shown(strict_aws)["status"])
    assert states == ["INVALID", "INVALID", "VALID"]


@pytest.mark.rule(58)
def test_a_wrong_role_makes_it_invalid(strict_aws: StrictAws) -> None:
    """
    Roles that are missing, or lack a permission, are taken and found out later; a good one works.
    """
    batch = client(strict_aws)
    service = "batch.amazonaws.com"
    good = old_role(strict_aws, "good", service, "ecs:*")
    roles = {
        "bare": old_role(strict_aws, "bare", service),
        "none": good.replace("good", "none"),
        "good": good,
    }
    network = fargate(strict_aws)
    for name, role in roles.items():
        asked = {**network, "computeEnvironmentName": name, "serviceRole": role}
        batch.create_compute_environment(**asked)
    strict_aws.clock.sleep(30)
    states = {name: shown(strict_aws, name)["status"] for name in roles}
    assert states == {"bare": "INVALID", "none": "INVALID", "good": "VALID"}
    assert "ecs:DescribeClusters" in shown(strict_aws, "bare")["statusReason"]


@pytest.mark.rule(58)
def test_without_a_role_the_linked_one_is_made(strict_aws: StrictAws) -> None:
    """
    The service-linked role is made unless that is denied, and read back.
    """
    batch = client(strict_aws)
    strict_aws.deny("iam:CreateServiceLinkedRole")
    asked = fargate(strict_aws)
    assert code_of(batch.create_compute_environment, **asked) == "AccessDeniedException"
    strict_aws.allow("iam:CreateServiceLinkedRole")
    batch.create_compute_environment(**asked)
    assert shown(strict_aws)["serviceRole"].endswith("/AWSServiceRoleForBatch")


@pytest.mark.rule(59)
def test_the_first_environment_waits_for_ecs(strict_aws: StrictAws) -> None:
    """
    In an account that never used ECS the first call is refused, ten seconds later it is taken.
    """
    batch, asked = strict_aws.session.client("batch"), fargate(strict_aws)
    message = refusal(batch.create_compute_environment, **asked)[1]
    assert "Unable to assume the service linked role" in message
    strict_aws.clock.sleep(10)
    batch.create_compute_environment(**asked)


@pytest.mark.rule(60, 69, 70)
def test_a_name_is_free_only_when_the_old_one_is_gone(strict_aws: StrictAws) -> None:
    """
    Disable, wait, delete, wait: at each step too early is refused.
    """
    batch, clock = made(strict_aws), strict_aws.clock
    one = {"computeEnvironment": "fleet"}
    again = fargate(strict_aws)
    assert "Object already exists" in refusal(batch.create_compute_environment, **again)[1]
    assert code_of(batch.delete_compute_environment, **one) == "ClientException"
    batch.update_compute_environment(**one, state="DISABLED")
    assert "being modified" in refusal(batch.delete_compute_environment, **one)[1]
    clock.sleep(15)
    batch.delete_compute_environment(**one)
    clock.sleep(29)
    assert shown(strict_aws)["status"] == "DELETING"
    assert "already exists" in refusal(batch.create_compute_environment, **again)[1]
    clock.sleep(1)
    assert shown(strict_aws) == {}
    batch.create_compute_environment(**again)


@pytest.mark.rule(61, 62, 63, 64, 65, 66)
@pytest.mark.parametrize(
    ("fields", "resources", "fragment"),
    [
        ({"state": "DISABLED"}, {}, "must be created in ENABLED"),
        ({}, {"instanceTypes": ["m5"]}, "instanceTypes is not applicable for Fargate."),
        ({}, {"minvCpus": 0}, "minvCpus is not applicable for Fargate."),
        ({}, {"securityGroupIds": ["sg-1"] * 6}, "maximum of 5 security groups"),
        ({}, {"subnets": ["subnet-1"] * 17}, "maximum of 16 subnets"),
        ({}, {"securityGroupIds": []}, ""),
        ({}, {"type": "EC2"}, "Instance role is required."),
        ({}, {"type": "EC2", "instanceRole": "r"}, "instanceTypes are required"),
        ({"type": "UNMANAGED"}, {}, "ServiceRole is required."),
        ({"computeEnvironmentName": "no spaces"}, {}, ""),
    ],
)
def test_environments_are_checked(
    fields: dict[str, Any],
    resources: dict[str, Any],
    fragment: str,
) -> None:
    """
    What Batch knows to be wrong it refuses at once.
    """
    with StrictAws() as aws:
        asked = {**fargate(aws, **resources), **fields}
        code, message = refusal(client(aws).create_compute_environment, **asked)
        assert (code, fragment in message) == ("ClientException", True)
        assert sum(aws.hits[number] for number in range(61, 67)) == 1


@pytest.mark.rule(66)
def test_an_unknown_subnet_is_found_out_later(strict_aws: StrictAws) -> None:
    """
    The call is taken, and the environment becomes INVALID.
    """
    asked = fargate(strict_aws, subnets=["subnet-0123456789abcdef0"])
    client(strict_aws).create_compute_environment(**asked)
    strict_aws.clock.sleep(30)
    assert shown(strict_aws)["status"] == "INVALID"


@pytest.mark.rule(67, 68)
def test_updates_are_checked(strict_aws: StrictAws) -> None:
    """
    An update with nothing, or with what Fargate can't change, is refused; one of a size is not.
    """
    batch = made(strict_aws)
    update, one = batch.update_compute_environment, {"computeEnvironment": "fleet"}
    assert "is required" in refusal(update, **one)[1]
    policy = {"updatePolicy": {"terminateJobsOnUpdate": True}}
    assert "At least one" in refusal(update, **one, **policy)[1]
    kind = {"computeResources": {"type": "FARGATE_SPOT"}}
    assert "can't be updated for Fargate" in refusal(update, **one, **kind)[1]
    role = old_role(strict_aws, "svc", "batch.amazonaws.com", "ecs:*")
    assert code_of(update, **one, serviceRole=role) == "ClientException"
    update(**one, computeResources={"maxvCpus": 16})
    assert shown(strict_aws)["computeResources"]["maxvCpus"] == 4
    strict_aws.clock.sleep(15)
    assert shown(strict_aws)["computeResources"]["maxvCpus"] == 16


@pytest.mark.rule(71)
def test_without_its_role_it_is_never_deleted(strict_aws: StrictAws) -> None:
    """
    The delete ends INVALID while the role is gone; with the role made again it succeeds.
    """
    batch, clock = client(strict_aws), strict_aws.clock
    service = "batch.amazonaws.com"
    role = old_role(strict_aws, "svc", service, "ecs:*")
    batch.create_compute_environment(**{**fargate(strict_aws), "serviceRole": role})
    clock.sleep(30)
    batch.update_compute_environment(computeEnvironment="fleet", state="DISABLED")
    clock.sleep(15)
    iam = strict_aws.raw.client("iam")
    iam.delete_role_policy(RoleName="svc", PolicyName="own")
    iam.delete_role(RoleName="svc")
    batch.delete_compute_environment(computeEnvironment="fleet")
    clock.sleep(30)
    assert shown(strict_aws)["status"] == "INVALID"
    old_role(strict_aws, "svc", service, "ecs:*")
    batch.delete_compute_environment(computeEnvironment="fleet")
    clock.sleep(30)
    assert shown(strict_aws) == {}


@pytest.mark.rule(135)
def test_a_deletion_is_seen_late(strict_aws: StrictAws) -> None:
    """
    The record of before is told for three seconds, then that it is being deleted.
    """
    batch, clock = client(strict_aws), strict_aws.clock
    batch.create_compute_environment(**fargate(strict_aws))
    clock.sleep(30)
    batch.update_compute_environment(computeEnvironment="fleet", state="DISABLED")
    clock.sleep(15)
    batch.delete_compute_environment(computeEnvironment="fleet")
    told = []
    for seconds in (0, 2, 1, 27):
        clock.sleep(seconds)
        told.append(shown(strict_aws).get("status"))
    assert told == ["VALID", "VALID", "DELETING", None]


@pytest.mark.rule(73)
def test_it_is_read_back_with_more_in_another_order(strict_aws: StrictAws) -> None:
    """
    Defaults are filled in, and the groups come in more than one order.
    """
    net, ec2 = old_network(strict_aws), strict_aws.raw.client("ec2")
    groups = [net.group]
    for name in ("two", "three"):
        made = ec2.create_security_group(GroupName=name, Description=name, VpcId=net.vpc)
        groups.append(made["GroupId"])
    asked = fargate(strict_aws, securityGroupIds=groups)
    client(strict_aws).create_compute_environment(**asked)
    reads = [shown(strict_aws) for _ in range(12)]
    orders = {tuple(each["computeResources"]["securityGroupIds"]) for each in reads}
    assert {"uuid", "ecsClusterArn", "updatePolicy", "serviceRole"} <= set(reads[0])
    assert len(orders) > 1


@pytest.mark.rule(83)
def test_the_fifty_first_environment_is_refused(strict_aws: StrictAws) -> None:
    """
    A region has fifty compute environments, and no more.
    """
    asked = fargate(strict_aws)
    role = old_role(strict_aws, "svc", "batch.amazonaws.com", "ecs:*")
    raw = strict_aws.raw.client("batch")
    for number in range(50):
        name = {"computeEnvironmentName": f"fleet-{number}"}
        raw.create_compute_environment(**{**asked, **name, "serviceRole": role})
    assert code_of(client(strict_aws).create_compute_environment, **asked) == "ClientException"


def test_what_was_there_before_is_old_and_settled(strict_aws: StrictAws) -> None:
    """
    An environment made under the rules' feet is VALID and may be changed at once.
    """
    role = old_role(strict_aws, "svc", "batch.amazonaws.com", "ecs:*")
    asked = {**fargate(strict_aws), "serviceRole": role}
    strict_aws.raw.client("batch").create_compute_environment(**asked)
    batch, before = client(strict_aws), strict_aws.snapshot()
    assert shown(strict_aws)["status"] == "VALID"
    assert strict_aws.snapshot() == before
    batch.update_compute_environment(computeEnvironment="fleet", state="DISABLED")
    strict_aws.clock.sleep(15)
    assert shown(strict_aws)["state"] == "DISABLED"


def test_what_batch_says_is_not_known_differs_by_seed() -> None:
    """
    Deleting an enabled environment is worded otherwise for each seed, or each time.
    """
    messages = set()
    for seed in range(4):
        with StrictAws(seed=seed) as aws:
            batch = made(aws)
            delete = batch.delete_compute_environment
            messages.add(refusal(delete, computeEnvironment="fleet")[1].partition(", RequestId")[0])
    assert len(messages) == 4
