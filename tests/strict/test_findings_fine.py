"""
What is no finding at all, or another one than it seems at first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from batchkit import Severity, describe_stack
from batchkit._diagnosis import explain
from batchkit._model.calls import Operation

from . import broken_stacks as the
from .broken_stacks import REGION, Scene, rules
from .helpers import allowing, trust
from .stacks import NAME

SEED = 7
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ANYWHERE}
INSIDE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3")


def table(at: Scene) -> str:
    return at.id(f"RouteTable {NAME}_private")


def with_endpoints(at: Scene, *names: str, tables: bool = True) -> list[str]:
    """
    The VPC has these endpoints, S3's for the private route table too, and no NAT gateway.
    """
    ec2, vpc = at.raw("ec2"), at.id("Vpc")
    made = []
    for name in names:
        kind: dict[str, Any] = {"VpcEndpointType": "Interface"}
        if name == "s3":
            kind = {"VpcEndpointType": "Gateway", "RouteTableIds": [table(at)] if tables else []}
        service = f"com.amazonaws.{REGION}.{name}"
        one = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, **kind)["VpcEndpoint"]
        made.append(one["VpcEndpointId"])
    the.gateway_deleted(at)
    at.later(200)
    return made


def test_a_healthy_stack_with_healthy_jobs_has_nothing_wrong(at: Scene) -> None:
    """
    Of a queued job it is only said that it is on its way, of a running one nothing.
    """
    at.program("long", the.LONG)
    running, queued = at.submit("long"), at.stack.submit()
    at.later(5)
    assert (running.status, queued.status) == ("RUNNING", "RUNNABLE")
    assert at.stack.diagnose() == []
    assert running.explain() == []
    (one,) = queued.explain()
    assert (one.rule, one.severity) == ("on-its-way", Severity.INFO)
    assert "in the queue" in one.message


def test_a_nat_gateway_needs_a_way_out_itself(at: Scene) -> None:
    """
    The public subnet's route is gone; putting it back ends it.
    """
    public = at.id(f"RouteTable {NAME}_public")
    at.client("ec2").delete_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0")
    (one,) = at.stack.diagnose()
    assert (one.rule, one.severity) == ("no-way-out", Severity.ERROR)
    assert one.subject == f"Subnet {at.id(f'Subnet {NAME}_private')}"
    assert f"its NAT gateway {at.id('NatGateway')} has no way out of subnet-" in one.message
    at.mend()
    assert at.stack.diagnose() == []


def test_endpoints_do_instead_of_a_nat_gateway(at: Scene) -> None:
    """
    With all that the job needs there is no finding, and it runs.
    """
    made = with_endpoints(at, *ENDPOINTS)
    assert at.stack.diagnose() == []
    assert at.submit().status == "SUCCEEDED"
    at.raw("ec2").delete_vpc_endpoints(VpcEndpointIds=made)


@pytest.mark.parametrize(
    ("names", "tables", "missing"),
    [
        ((*ENDPOINTS[:3], "s3"), True, "nor are there VPC endpoints for secretsmanager."),
        (ENDPOINTS, False, "nor are there VPC endpoints for s3."),
    ],
)
def test_an_endpoint_that_is_missing_is_named(
    at: Scene, names: tuple[str, ...], tables: bool, missing: str
) -> None:
    """
    Also that of a secret, and one of S3 that is in another route table.
    """
    made = with_endpoints(at, *names, tables=tables)
    (one,) = at.stack.diagnose()
    assert one.rule == "no-way-out" and one.message.endswith(missing)
    at.raw("ec2").delete_vpc_endpoints(VpcEndpointIds=made)


@pytest.mark.parametrize("image", [the.ELSEWHERE, "docker.io/library/python:3.12"])
def test_endpoints_do_not_lead_to_other_registries(at: Scene, image: str) -> None:
    """
    Without a NAT gateway an image of Docker Hub or ECR Public can't be pulled.
    """
    at.mend(image=image)
    made = with_endpoints(at, *ENDPOINTS)
    found = at.stack.diagnose()
    assert rules(found) == ["no-way-out"]
    assert f"VPC endpoints don't lead to {image.partition('/')[0]}" in found[0].message
    assert rules(at.submit().explain()) == ["no-way-out"]
    at.raw("ec2").delete_vpc_endpoints(VpcEndpointIds=made)


@pytest.mark.parametrize(("rule", "found"), [(HTTPS, []), (INSIDE, ["no-egress"])])
def test_port_443_to_the_registry_is_enough(
    at: Scene, rule: dict[str, Any], found: list[str]
) -> None:
    """
    And nothing less: inside of the VPC there is no registry, unless it has endpoints.
    """
    the.let_out(at, rule)
    assert rules(at.stack.diagnose()) == found
    made = with_endpoints(at, *ENDPOINTS)
    assert at.stack.diagnose() == []
    at.raw("ec2").delete_vpc_endpoints(VpcEndpointIds=made)


def another_environment(at: Scene, name: str) -> str:
    """
    The ARN of a compute environment like the stack's, with a role of its own.
    """
    batch, iam = at.raw("batch"), at.raw("iam")
    like = batch.describe_compute_environments()["computeEnvironments"][0]["computeResources"]
    document = trust("batch.amazonaws.com")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allowing("ecs:*"))
    keys = ("type", "maxvCpus", "subnets", "securityGroupIds")
    arn: str = batch.create_compute_environment(
        computeEnvironmentName=name,
        type="MANAGED",
        serviceRole=made["Role"]["Arn"],
        computeResources={key: like[key] for key in keys},
    )["computeEnvironmentArn"]
    return arn


@pytest.mark.parametrize(
    ("breaks", "rule"),
    [
        (the.environment_disabled, "environment-disabled"),
        (the.environment_distrusted, "environment-invalid"),
    ],
)
def test_one_environment_of_two_is_enough(
    at: Scene, breaks: Callable[[Scene], None], rule: str
) -> None:
    """
    It is a warning, and the job runs on the other.
    """
    arns = [at.id("ComputeEnvironment"), another_environment(at, f"other-{rule}")]
    order = [{"order": place, "computeEnvironment": arn} for place, arn in enumerate(arns, 1)]
    at.client("batch").update_job_queue(jobQueue=NAME, computeEnvironmentOrder=order)
    breaks(at)
    at.later()
    found = at.stack.diagnose()
    assert [(one.rule, one.severity) for one in found] == [(rule, Severity.WARNING)]
    assert at.submit().status == "SUCCEEDED"


def test_another_accounts_image_is_no_finding(at: Scene) -> None:
    """
    What can't be looked up there may well be pulled.
    """
    at.aws.account.add("open image", the.FOREIGN)
    at.mend(image=the.FOREIGN)
    assert at.stack.diagnose() == []
    assert at.submit().status == "SUCCEEDED"


def denying(action: str, resource: str) -> str:
    """
    A policy that denies *action* on *resource*.
    """
    statement = {"Effect": "Deny", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("group", "found"), [(f"/batchkit/{NAME}", ["execution-role-rights"]), ("/other", [])]
)
def test_a_right_is_looked_at_where_it_is_used(at: Scene, group: str, found: list[str]) -> None:
    """
    That the role may not write to another log group is no finding.
    """
    iam, name = at.raw("iam"), the.role("exec")
    document = denying("logs:CreateLogStream", f"arn:aws:logs:*:*:log-group:{group}:*")
    iam.put_role_policy(RoleName=name, PolicyName="no", PolicyDocument=document)
    assert rules(at.stack.diagnose()) == found
    iam.delete_role_policy(RoleName=name, PolicyName="no")


def test_a_boundary_takes_rights_away(at: Scene) -> None:
    """
    What the role's own policies allow isn't enough.
    """
    iam = at.raw("iam")
    policy = iam.create_policy(PolicyName="edge", PolicyDocument=allowing("ecr:*", "s3:*"))
    arn = policy["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=the.role("exec"), PermissionsBoundary=arn)
    found = at.stack.diagnose()
    iam.delete_role_permissions_boundary(RoleName=the.role("exec"))
    assert rules(found) == ["execution-role-rights", "secret-unreadable"]
    assert "boundary doesn't allow logs:CreateLogStream, logs:Put" in found[0].message
    assert "by its permissions boundary" in found[1].message
    assert at.stack.diagnose() == []


def _asked(at: Scene) -> list[Operation]:
    """
    What diagnosing asks that a caller may be refused.
    """
    start = len(at.aws.calls)
    describe_stack(NAME, session=at.session, clock=at.aws.clock).diagnose()
    made = {f"{one.service}:{one.operation}" for one in at.aws.calls[start:] if not one.mutates}
    return [one for one in explain.OPERATIONS if str(one) in made]


def test_what_may_not_be_seen_is_not_called_missing(at: Scene) -> None:
    """
    Whichever call is refused, there is no other finding than that.
    """
    asked = _asked(at)
    assert len(asked) > 8
    for operation in asked:
        action, *_ = attrs.asdict(operation)["also"] or operation.permissions
        at.aws.deny(action)
        found = at.stack.diagnose()
        at.aws.allow(action)
        assert (rules(found), found.errors) == (["not-seen"], []), operation


def test_endpoints_that_may_not_be_seen_leave_it_open(at: Scene) -> None:
    """
    The NAT gateway is gone; that is a warning, as there may be endpoints instead.
    """
    the.gateway_deleted(at)
    at.later()
    at.aws.deny("ec2:DescribeVpcEndpoints")
    found = at.stack.diagnose()
    at.aws.allow("ec2:DescribeVpcEndpoints")
    assert rules(found) == ["no-way-out", "not-seen"] and found.errors == []


def test_environments_that_may_not_be_seen_are_not_called_missing(at: Scene) -> None:
    """
    Nor are definitions, the state machine, or jobs.
    """
    for action in (
        "batch:DescribeComputeEnvironments",
        "batch:DescribeJobDefinitions",
        "states:DescribeStateMachine",
        "batch:ListJobs",
    ):
        at.aws.deny(action)
        found = at.stack.diagnose()
        at.aws.allow(action)
        assert rules(found) == ["not-seen"], action
