"""
The same stack by a plain script: one call after the other, each resource looked up, then made.

It is what one would write by hand: found by names and tags, no drift but that of the vCPUs, no
second caller. `ensure [vcpus]` or `destroy`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

NAME = "plain"
TAGS = [{"Key": "Name", "Value": NAME}]
ec2, iam, batch = boto3.client("ec2"), boto3.client("iam"), boto3.client("batch")
logs, dynamodb, sfn = boto3.client("logs"), boto3.client("dynamodb"), boto3.client("stepfunctions")
SERVICES = {"batch": "batch", "exec": "ecs-tasks", "job": "ecs-tasks", "states": "states"}
MANAGED = {"batch": "AWSBatchServiceRole", "exec": "AmazonECSTaskExecutionRolePolicy"}
INLINE = {"Effect": "Allow", "Action": ["batch:*", "events:*"], "Resource": "*"}


def until(done: Callable[[], Any]) -> Any:
    """
    What *done* gives once that is something, with a look a second.
    """
    while not (answer := done()):
        time.sleep(1.0)
    return answer


def tagged(listed: str, describe: Callable[..., Any]) -> list[Any]:
    """
    What carries the stack's name.
    """
    found = describe(Filters=[{"Name": "tag:Name", "Values": [NAME]}])[listed]
    return [one for one in found if one.get("State") not in ("deleting", "deleted")]


def first(listed: str, describe: Callable[..., Any], create: Callable[[], Any]) -> Any:
    """
    What carries the stack's name; made if nothing does.
    """
    return (tagged(listed, describe) or [create()])[0]


def spec(kind: str) -> dict[str, Any]:
    """
    The parameter that tags what is made.
    """
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": TAGS}]}


def network() -> tuple[str, str]:
    """
    The private subnet and the security group.
    """
    vpc = first(
        "Vpcs",
        ec2.describe_vpcs,
        lambda: ec2.create_vpc(CidrBlock="10.1.0.0/16", **spec("vpc"))["Vpc"],
    )["VpcId"]
    names = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    if not names["EnableDnsHostnames"]["Value"]:
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = first(
        "InternetGateways",
        ec2.describe_internet_gateways,
        lambda: ec2.create_internet_gateway(**spec("internet-gateway"))["InternetGateway"],
    )
    if not gateway["Attachments"]:
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    subnets = {one["CidrBlock"]: one for one in tagged("Subnets", ec2.describe_subnets)}
    for cidr in ("10.1.1.0/24", "10.1.2.0/24"):
        if cidr not in subnets:
            subnets[cidr] = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, **spec("subnet"))["Subnet"]
    public, private = (subnets[cidr]["SubnetId"] for cidr in ("10.1.1.0/24", "10.1.2.0/24"))
    group = first(
        "SecurityGroups",
        ec2.describe_security_groups,
        lambda: ec2.create_security_group(
            GroupName=NAME, Description=NAME, VpcId=vpc, **spec("security-group")
        ),
    )["GroupId"]
    address = first(
        "Addresses",
        ec2.describe_addresses,
        lambda: ec2.allocate_address(Domain="vpc", **spec("elastic-ip")),
    )["AllocationId"]
    nat = first(
        "NatGateways",
        ec2.describe_nat_gateways,
        lambda: ec2.create_nat_gateway(SubnetId=public, AllocationId=address, **spec("natgateway"))[
            "NatGateway"
        ],
    )["NatGatewayId"]
    until(
        lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"]
        == "available"
    )
    tables = {
        link["SubnetId"]: one
        for one in tagged("RouteTables", ec2.describe_route_tables)
        for link in one["Associations"]
    }
    for subnet, way in (
        (public, {"GatewayId": gateway["InternetGatewayId"]}),
        (private, {"NatGatewayId": nat}),
    ):
        if subnet not in tables:
            made = ec2.create_route_table(VpcId=vpc, **spec("route-table"))["RouteTable"]
            table = made["RouteTableId"]
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **way)
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return private, group


def role(suffix: str) -> str:
    """
    The ARN of a role.
    """
    name = f"{NAME}-{suffix}"
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{SERVICES[suffix]}.amazonaws.com"},
    }
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        found = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
    if suffix in MANAGED:
        if not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.attach_role_policy(
                RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/service-role/{MANAGED[suffix]}"
            )
    elif suffix == "states" and not iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.put_role_policy(
            RoleName=name,
            PolicyName=NAME,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [INLINE]}),
        )
    return str(found["Arn"])


def stores() -> None:
    """
    The table and the log group.
    """
    if not logs.describe_log_groups(logGroupNamePrefix=f"/{NAME}")["logGroups"]:
        logs.create_log_group(logGroupName=f"/{NAME}")
        logs.put_retention_policy(logGroupName=f"/{NAME}", retentionInDays=30)
    try:
        dynamodb.describe_table(TableName=NAME)
    except dynamodb.exceptions.ResourceNotFoundException:
        dynamodb.create_table(
            TableName=NAME,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
    until(lambda: dynamodb.describe_table(TableName=NAME)["Table"]["TableStatus"] == "ACTIVE")


def environment() -> Any:
    """
    The compute environment as it is, or None.
    """
    found = batch.describe_compute_environments(computeEnvironments=[NAME])
    return next(iter(found["computeEnvironments"]), None)


def queue() -> Any:
    """
    The job queue as it is, or None.
    """
    return next(iter(batch.describe_job_queues(jobQueues=[NAME])["jobQueues"]), None)


def jobs(subnet: str, group: str, roles: dict[str, str], vcpus: int) -> None:
    """
    What Batch has, and the state machine.
    """
    if (actual := environment()) is None:
        batch.create_compute_environment(
            computeEnvironmentName=NAME,
            type="MANAGED",
            serviceRole=roles["batch"],
            computeResources={
                "type": "FARGATE",
                "maxvCpus": vcpus,
                "subnets": [subnet],
                "securityGroupIds": [group],
            },
        )
    elif actual["computeResources"]["maxvCpus"] != vcpus:
        batch.update_compute_environment(
            computeEnvironment=NAME, computeResources={"maxvCpus": vcpus}
        )
    until(lambda: environment()["status"] == "VALID")
    if queue() is None:
        batch.create_job_queue(
            jobQueueName=NAME,
            priority=1,
            computeEnvironmentOrder=[
                {"order": 1, "computeEnvironment": environment()["computeEnvironmentArn"]}
            ],
        )
    until(lambda: queue()["status"] == "VALID")
    active = batch.describe_job_definitions(jobDefinitionName=NAME, status="ACTIVE")
    definition = next(iter(active["jobDefinitions"]), None) or batch.register_job_definition(
        jobDefinitionName=NAME,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={
            "image": "public.ecr.aws/docker/library/busybox:1",
            "executionRoleArn": roles["exec"],
            "jobRoleArn": roles["job"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "2048"},
            ],
        },
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "End": True,
        "Parameters": {
            "JobName": NAME,
            "JobQueue": queue()["jobQueueArn"],
            "JobDefinition": definition["jobDefinitionArn"],
        },
    }
    if machine() is None:
        sfn.create_state_machine(
            name=NAME,
            roleArn=roles["states"],
            definition=json.dumps({"StartAt": "Job", "States": {"Job": task}}),
        )


def machine() -> str | None:
    """
    The ARN of the state machine, or None.
    """
    found = sfn.list_state_machines()["stateMachines"]
    return next((one["stateMachineArn"] for one in found if one["name"] == NAME), None)


def destroy() -> None:
    """
    Removes all of it, what depends first.
    """
    if arn := machine():
        sfn.delete_state_machine(stateMachineArn=arn)
    for one in batch.describe_job_definitions(jobDefinitionName=NAME, status="ACTIVE")[
        "jobDefinitions"
    ]:
        batch.deregister_job_definition(jobDefinition=one["jobDefinitionArn"])
    if queue():
        batch.update_job_queue(jobQueue=NAME, state="DISABLED")
        until(lambda: queue()["status"] == "VALID")
        batch.delete_job_queue(jobQueue=NAME)
        until(lambda: queue() is None)
    if environment():
        batch.update_compute_environment(computeEnvironment=NAME, state="DISABLED")
        until(lambda: environment()["status"] == "VALID")
        batch.delete_compute_environment(computeEnvironment=NAME)
        until(lambda: environment() is None)
    for suffix in SERVICES:
        remove_role(f"{NAME}-{suffix}")
    dynamodb.delete_table(TableName=NAME)
    logs.delete_log_group(logGroupName=f"/{NAME}")
    remove_network()


def remove_role(name: str) -> None:
    """
    Removes a role with its policies.
    """
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def remove_network() -> None:
    """
    Removes the VPC with all that is in it.
    """
    for nat in tagged("NatGateways", ec2.describe_nat_gateways):
        ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
        until(
            lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"][
                0
            ]["State"]
            == "deleted"
        )
    for address in tagged("Addresses", ec2.describe_addresses):
        ec2.release_address(AllocationId=address["AllocationId"])
    for table in tagged("RouteTables", ec2.describe_route_tables):
        for link in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=link["RouteTableAssociationId"])
        ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for subnet in tagged("Subnets", ec2.describe_subnets):
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for group in tagged("SecurityGroups", ec2.describe_security_groups):
        ec2.delete_security_group(GroupId=group["GroupId"])
    for gateway in tagged("InternetGateways", ec2.describe_internet_gateways):
        for one in gateway["Attachments"]:
            ec2.detach_internet_gateway(
                InternetGatewayId=gateway["InternetGatewayId"], VpcId=one["VpcId"]
            )
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    for vpc in tagged("Vpcs", ec2.describe_vpcs):
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def main() -> None:
    """
    Makes the stack, or takes it down.
    """
    if sys.argv[1] == "destroy":
        return destroy()
    subnet, group = network()
    roles = {suffix: role(suffix) for suffix in SERVICES}
    stores()
    jobs(subnet, group, roles, int(sys.argv[2]) if len(sys.argv) > 2 else 4)


if __name__ == "__main__":
    try:
        main()
    except ClientError as error:
        sys.exit(str(error))
