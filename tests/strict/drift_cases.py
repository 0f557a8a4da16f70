"""
What somebody may change about a stack, and the calls that put it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
from fakes import client

from .helpers import SERVICE_POLICY, trust
from .simulator import StrictAws
from .stacks import BUCKET, NAME, SPEC, TABLE, make

TAGGED = attrs.evolve(SPEC, tags={"team": "red"})
OTHER = {"team": "blue", "extra": "stays"}
KEYS = [{"Key": key, "Value": value} for key, value in OTHER.items()]
LOWER = [{"key": key, "value": value} for key, value in OTHER.items()]
QUEUE = {"jobQueue": NAME}


class DriftedStack:
    """
    A stack that stands, and whoever changes it.
    """

    def __init__(self, aws: StrictAws) -> None:
        self.aws = aws
        self.stack = make(aws, TAGGED)
        self.session = aws.another().session

    def client(self, service: str) -> Any:
        """
        A client of whoever changes it.
        """
        return client(self.session, service)

    def id(self, name: str) -> str:
        """
        The id or ARN of a resource, by kind and name.
        """
        return next(v for k, v in self.stack.outputs.items() if k == name or k.startswith(name))

    def table(self, name: str) -> dict[str, Any]:
        """
        A route table as it is.
        """
        ids = [self.id(f"RouteTable {NAME}_{name}")]
        found: dict[str, Any] = self.client("ec2").describe_route_tables(RouteTableIds=ids)
        return dict(found["RouteTables"][0])


def host_names(at: DriftedStack) -> None:
    at.client("ec2").modify_vpc_attribute(VpcId=at.id("Vpc"), EnableDnsHostnames={"Value": False})


def support(at: DriftedStack) -> None:
    host_names(at)
    at.client("ec2").modify_vpc_attribute(VpcId=at.id("Vpc"), EnableDnsSupport={"Value": False})


def egress(at: DriftedStack) -> None:
    everywhere = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    own = {**everywhere, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2, group = at.client("ec2"), at.id("SecurityGroup")
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[own])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[everywhere])


def attachment(at: DriftedStack) -> None:
    # With a NAT gateway AWS would not let it be detached.
    at.aws.raw.client("ec2").detach_internet_gateway(
        InternetGatewayId=at.id("InternetGateway"), VpcId=at.id("Vpc")
    )


def association(at: DriftedStack) -> None:
    held = [a for a in at.table("private")["Associations"] if a.get("SubnetId")][0]
    at.client("ec2").disassociate_route_table(AssociationId=held["RouteTableAssociationId"])


def moved(at: DriftedStack) -> None:
    ec2 = at.client("ec2")
    held = [a for a in at.table("private")["Associations"] if a.get("SubnetId")][0]
    ec2.replace_route_table_association(
        AssociationId=held["RouteTableAssociationId"], RouteTableId=at.id("RouteTable films_public")
    )


def route_gone(at: DriftedStack) -> None:
    at.client("ec2").delete_route(
        RouteTableId=at.id("RouteTable films_private"), DestinationCidrBlock="0.0.0.0/0"
    )


def route_elsewhere(at: DriftedStack) -> None:
    at.client("ec2").replace_route(
        RouteTableId=at.id("RouteTable films_private"),
        DestinationCidrBlock="0.0.0.0/0",
        GatewayId=at.id("InternetGateway"),
    )


def black_hole(at: DriftedStack) -> None:
    at.client("ec2").delete_nat_gateway(NatGatewayId=at.id("NatGateway"))
    at.aws.clock.advance(100)


def role(suffix: str) -> str:
    return f"{NAME}_{suffix}-us-east-1"


def trusting(at: DriftedStack) -> None:
    # AWS would have it asked for twice.
    at.aws.raw.client("iam").update_assume_role_policy(
        RoleName=role("job"), PolicyDocument=trust("lambda.amazonaws.com")
    )


def longer(at: DriftedStack) -> None:
    at.client("iam").update_role(RoleName=role("job"), MaxSessionDuration=7200)


def detached(at: DriftedStack) -> None:
    iam = at.client("iam")
    held = iam.list_attached_role_policies(RoleName=role("exec"))["AttachedPolicies"][0]
    iam.detach_role_policy(RoleName=role("exec"), PolicyArn=held["PolicyArn"])


def attached(at: DriftedStack) -> None:
    at.client("iam").attach_role_policy(RoleName=role("exec"), PolicyArn=SERVICE_POLICY)


def inline(at: DriftedStack) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    at.client("iam").put_role_policy(
        RoleName=role("states"), PolicyName="batchkit", PolicyDocument=document
    )


def bounded(at: DriftedStack) -> None:
    at.client("iam").put_role_permissions_boundary(
        RoleName=role("job"), PermissionsBoundary=SERVICE_POLICY
    )


def retention(at: DriftedStack) -> None:
    at.client("logs").put_retention_policy(logGroupName=f"/batchkit/{NAME}", retentionInDays=1)


def environment(**changed: Any) -> Callable[[DriftedStack], None]:
    def change(at: DriftedStack) -> None:
        wanted = {"computeResources": {"maxvCpus": 4}, **changed}
        name = at.id("ComputeEnvironment")
        at.client("batch").update_compute_environment(computeEnvironment=name, **wanted)
        at.aws.clock.advance(30)

    return change


def environment_role(at: DriftedStack) -> None:
    environment(serviceRole=at.id(f"Role {role('job')}"))(at)


def environment_places(at: DriftedStack) -> None:
    subnets = [at.id("Subnet films_public")]
    environment(computeResources={"maxvCpus": 4, "subnets": subnets})(at)


def queue(**changed: Any) -> Callable[[DriftedStack], None]:
    def change(at: DriftedStack) -> None:
        at.client("batch").update_job_queue(**QUEUE, **changed)
        at.aws.clock.advance(30)

    return change


def definition(at: DriftedStack) -> None:
    at.client("batch").deregister_job_definition(jobDefinition=at.id("JobDefinition"))


def machine(at: DriftedStack) -> None:
    states = at.client("stepfunctions")
    end = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    states.update_state_machine(stateMachineArn=at.id("StateMachine"), definition=end)


def schedule(**changed: Any) -> Callable[[DriftedStack], None]:
    def change(at: DriftedStack) -> None:
        client = at.client("scheduler")
        held = client.get_schedule(Name=NAME, GroupName=NAME)
        keys = ("ScheduleExpression", "FlexibleTimeWindow", "Target", "Name", "GroupName")
        client.update_schedule(**{**{key: held[key] for key in keys}, **changed})

    return change


def public(at: DriftedStack) -> None:
    at.client("s3").delete_public_access_block(Bucket=BUCKET)


def billing(at: DriftedStack) -> None:
    at.client("dynamodb").update_table(
        TableName=TABLE,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    at.aws.clock.advance(30)


def bucket_tags(at: DriftedStack) -> None:
    s3 = at.client("s3")
    there = s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    kept = [one for one in there if one["Key"] not in OTHER]
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [*kept, *KEYS]})


def tags_of(kind: str) -> Callable[[DriftedStack], None]:
    return lambda at: at.client("ec2").create_tags(Resources=[at.id(kind)], Tags=KEYS)


def batch_tags_of(kind: str) -> Callable[[DriftedStack], None]:
    return lambda at: at.client("batch").tag_resource(resourceArn=at.id(kind), tags=OTHER)


DRIFTS: dict[str, tuple[Callable[[DriftedStack], None], list[str]]] = {
    "host names": (host_names, ["ModifyVpcAttribute"]),
    "DNS": (support, ["ModifyVpcAttribute", "ModifyVpcAttribute"]),
    "egress": (egress, ["AuthorizeSecurityGroupEgress"]),
    "attachment": (attachment, ["AttachInternetGateway", "ReplaceRoute"]),
    "association": (association, ["AssociateRouteTable"]),
    "route gone": (route_gone, ["CreateRoute"]),
    "route elsewhere": (route_elsewhere, ["ReplaceRoute"]),
    "black hole": (black_hole, ["CreateNatGateway", "ReplaceRoute"]),
    "trust": (trusting, ["UpdateAssumeRolePolicy"]),
    "session": (longer, ["UpdateRole"]),
    "detached": (detached, ["AttachRolePolicy"]),
    "attached": (attached, ["DetachRolePolicy"]),
    "inline policy": (inline, ["PutRolePolicy"]),
    "boundary": (bounded, ["DeleteRolePermissionsBoundary"]),
    "retention": (retention, ["PutRetentionPolicy"]),
    "vCPUs": (environment(computeResources={"maxvCpus": 9}), ["UpdateComputeEnvironment"]),
    "disabled": (environment(state="DISABLED"), ["UpdateComputeEnvironment"]),
    "service role": (environment_role, ["UpdateComputeEnvironment"]),
    "places": (environment_places, ["UpdateComputeEnvironment"]),
    "priority": (queue(priority=7), ["UpdateJobQueue"]),
    "queue disabled": (queue(state="DISABLED"), ["UpdateJobQueue"]),
    "limits": (queue(jobStateTimeLimitActions=[]), ["UpdateJobQueue"]),
    "revision": (definition, ["RegisterJobDefinition", "UpdateStateMachine"]),
    "state machine": (machine, ["UpdateStateMachine"]),
    "expression": (schedule(ScheduleExpression="rate(2 days)"), ["UpdateSchedule"]),
    "schedule off": (schedule(State="DISABLED"), ["UpdateSchedule"]),
    "time zone": (schedule(ScheduleExpressionTimezone="Europe/Berlin"), ["UpdateSchedule"]),
    "public": (public, ["PutPublicAccessBlock"]),
    "billing": (billing, ["UpdateTable"]),
    "tags of Role": (
        lambda at: at.client("iam").tag_role(RoleName=role("job"), Tags=KEYS),
        ["TagRole"],
    ),
    "tags of StateMachine": (
        lambda at: at.client("stepfunctions").tag_resource(
            resourceArn=at.id("StateMachine"), tags=LOWER
        ),
        ["TagResource"],
    ),
    "tags of LogGroup": (
        lambda at: at.client("logs").tag_resource(resourceArn=at.id("LogGroup"), tags=OTHER),
        ["TagResource"],
    ),
    "tags of ScheduleGroup": (
        lambda at: at.client("scheduler").tag_resource(
            ResourceArn=at.id("ScheduleGroup"), Tags=KEYS
        ),
        ["TagResource"],
    ),
    "tags of Table": (
        lambda at: at.client("dynamodb").tag_resource(ResourceArn=at.id("Table"), Tags=KEYS),
        ["TagResource"],
    ),
    "tags of Bucket": (bucket_tags, ["PutBucketTagging"]),
    **{
        f"tags of {kind}": (tags_of(kind), ["CreateTags"])
        for kind in (
            *("Vpc", "Subnet films_public", "InternetGateway", "ElasticIp", "NatGateway"),
            *("RouteTable films_public", "SecurityGroup"),
        )
    },
    **{
        f"tags of {kind}": (batch_tags_of(kind), ["TagResource"])
        for kind in ("ComputeEnvironment", "JobQueue", "JobDefinition")
    },
}
