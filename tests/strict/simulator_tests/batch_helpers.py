"""
What the tests of Batch share.
"""

from __future__ import annotations

from typing import Any

from ..helpers import NetworkIds, old_network, old_role, trust
from ..simulator import StrictAws

ROLE = "arn:aws:iam::123456789012:role/execution"
NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]


def client(aws: StrictAws) -> Any:
    """
    A client under the rules, in an account that has used ECS before.
    """
    iam = aws.raw.client("iam")
    if "AWSServiceRoleForECS" not in {r["RoleName"] for r in iam.list_roles()["Roles"]}:
        iam.create_role(
            RoleName="AWSServiceRoleForECS",
            Path="/aws-service-role/ecs.amazonaws.com/",
            AssumeRolePolicyDocument=trust("ecs.amazonaws.com"),
        )
    return aws.session.client("batch")


def fargate(aws: StrictAws, name: str = "fleet", **more: Any) -> dict[str, Any]:
    """
    What makes a Fargate environment; *more* are its resources.
    """
    net = old_network(aws)
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": [net.subnet]}
    resources["securityGroupIds"] = [net.group]
    return {
        "computeEnvironmentName": name,
        "type": "MANAGED",
        "computeResources": {**resources, **more},
    }


def shown(aws: StrictAws, name: str = "fleet") -> dict[str, Any]:
    """
    What describe says about one environment; nothing once it is gone.
    """
    found = client(aws).describe_compute_environments(computeEnvironments=[name])
    return dict(*found["computeEnvironments"])


def made(aws: StrictAws, name: str = "fleet", **more: Any) -> Any:
    """
    A client, when an environment is VALID.
    """
    batch = client(aws)
    batch.create_compute_environment(**fargate(aws, name, **more))
    aws.clock.sleep(30)
    assert shown(aws, name)["status"] == "VALID"
    return batch


def queued(aws: StrictAws) -> Any:
    """
    A client, when a queue has a VALID environment and is VALID.
    """
    batch = made(aws)
    order = [{"order": 1, "computeEnvironment": "fleet"}]
    batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    aws.clock.sleep(5)
    return batch


def definition(**container: Any) -> dict[str, Any]:
    """
    What makes a job definition on Fargate.
    """
    return {
        "jobDefinitionName": "loader",
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {
            "image": "public.example/loader",
            "executionRoleArn": ROLE,
            "resourceRequirements": NEEDS,
            **container,
        },
    }


def ready(aws: StrictAws, **container: Any) -> Any:
    """
    A client, when a queue takes jobs and tasks have a way out.
    """
    net, batch = old_network(aws), aws.session.client("batch")
    role = old_role(aws, "svc", "batch.amazonaws.com", "ecs:*")
    old_role(aws, "execution", "ecs-tasks.amazonaws.com", "ecr:*", "logs:*")
    raw = aws.raw.client("batch")
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": [net.subnet]}
    raw.create_compute_environment(
        computeEnvironmentName="fleet",
        type="MANAGED",
        serviceRole=role,
        computeResources={**resources, "securityGroupIds": [net.group]},
    )
    order = [{"order": 1, "computeEnvironment": "fleet"}]
    raw.create_job_queue(
        jobQueueName="queue", priority=1, state="ENABLED", computeEnvironmentOrder=order
    )
    let_out(aws, net)
    batch.register_job_definition(**definition(**container))
    return batch


def let_out(aws: StrictAws, net: NetworkIds) -> None:
    """
    Give a subnet a way out, by a NAT gateway.
    """
    ec2 = aws.raw.client("ec2")
    way_out = ec2.create_nat_gateway(SubnetId=net.subnet)["NatGateway"]["NatGatewayId"]
    table = ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=net.subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=way_out)


def submit(batch: Any) -> str:
    """
    The id of a new job.
    """
    job = batch.submit_job(jobName="load", jobQueue="queue", jobDefinition="loader")
    return str(job["jobId"])


def state(batch: Any, job: str) -> str:
    """
    The status of a job.
    """
    return str(batch.describe_jobs(jobs=[job])["jobs"][0]["status"])
