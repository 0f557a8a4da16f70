"""
Everything that an account holds, in a form in which two moments can be compared.

What comes and goes by itself is left out: dates, the service-linked roles that AWS made, NAT
gateways that are gone, INACTIVE job definitions, and states that pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from .account import Account
from .batch.held import as_found

PASSING = {
    "CreateDate",
    "CreateTime",
    "CreationDate",
    "LastModificationDate",
    "RoleLastUsed",
    "ResponseMetadata",
    "createdAt",
    "creationDate",
    "creationTime",
    "updateDate",
    "CreationDateTime",
    "TableSizeBytes",
    "ItemCount",
    "LastUpdateToPayPerRequestDateTime",
    "AttachTime",
    "Associations.State",
    "storedBytes",
    "LastModified",
}

EC2 = {
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "internet-gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "elastic-ip": ("describe_addresses", "Addresses", "AllocationId"),
    "natgateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "route-table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "security-group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "network-interface": (
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
    ),
    "vpc-endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "launch-template": ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
}

Section = Callable[[Account], Iterable[tuple[str, dict[str, Any]]]]


def snapshot(account: Account) -> dict[str, Any]:
    """
    The account as a dict from `kind/id` to what the resource is like.
    """
    found: dict[str, Any] = {}
    for section in (_ec2, _roles, _iam, _batch, _states, _schedules, _stores, _buckets):
        for key, held in section(account):
            found[key] = _normal(held)
    return dict(sorted(found.items()))


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _normal(v) for k, v in sorted(value.items()) if k not in PASSING}
    if isinstance(value, (list, tuple)):
        return sorted((_normal(each) for each in value), key=repr)
    return value


def _ec2(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    ec2 = account.raw("ec2")
    for kind, (method, key, name) in EC2.items():
        for each in getattr(ec2, method)()[key]:
            if each.get("State") != "deleted":
                yield f"{kind}/{each.get(name, each.get('PublicIp'))}", each


def _roles(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    iam = account.raw("iam")
    for role in _all(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        if account.find("linked role", name):
            continue
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        yield f"role/{name}", {
            **iam.get_role(RoleName=name)["Role"],
            "inline": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in inline
            },
            "attached": attached,
        }


def _iam(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    iam = account.raw("iam")
    for policy in _all(iam, "list_policies", "Policies", Scope="Local"):
        yield f"policy/{policy['Arn']}", {k: v for k, v in policy.items() if k != "UpdateDate"}
    for profile in _all(iam, "list_instance_profiles", "InstanceProfiles"):
        yield f"instance-profile/{profile['InstanceProfileName']}", profile


def _batch(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    batch = account.raw("batch")
    environments = _all(batch, "describe_compute_environments", "computeEnvironments")
    shown = {each["computeEnvironmentName"]: as_found(each) for each in environments}
    shown.update({entry.id: entry["shown"] for entry in account.all("environment")})
    yield from ((f"compute-environment/{name}", each) for name, each in shown.items())
    queues = _all(batch, "describe_job_queues", "jobQueues")
    shown = {each["jobQueueName"]: as_found(each) for each in queues}
    shown.update({entry.id: entry["shown"] for entry in account.all("queue")})
    yield from ((f"job-queue/{name}", each) for name, each in shown.items())
    active = _all(batch, "describe_job_definitions", "jobDefinitions", status="ACTIVE")
    yield from ((f"job-definition/{each['jobDefinitionArn']}", each) for each in active)


def _states(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    states = account.raw("stepfunctions")
    for each in _all(states, "list_state_machines", "stateMachines"):
        arn = each["stateMachineArn"]
        held = states.describe_state_machine(stateMachineArn=arn)
        tags = states.list_tags_for_resource(resourceArn=arn)["tags"]
        yield f"state-machine/{arn}", {**held, "tags": tags}


def _schedules(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    scheduler = account.raw("scheduler")
    for group in _all(scheduler, "list_schedule_groups", "ScheduleGroups"):
        tags = scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"]
        yield f"schedule-group/{group['Name']}", {**group, "Tags": tags}
    for each in _all(scheduler, "list_schedules", "Schedules"):
        held = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
        yield f"schedule/{each['GroupName']}/{each['Name']}", held


def _stores(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    ecr, logs, database = account.raw("ecr"), account.raw("logs"), account.raw("dynamodb")
    for each in _all(ecr, "describe_repositories", "repositories"):
        tags = ecr.list_tags_for_resource(resourceArn=each["repositoryArn"])["tags"]
        images = _all(ecr, "list_images", "imageIds", repositoryName=each["repositoryName"])
        yield f"repository/{each['repositoryName']}", {**each, "tags": tags, "images": images}
    for each in _all(logs, "describe_log_groups", "logGroups"):
        arn = each["arn"].removesuffix(":*")
        tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
        yield f"log-group/{each['logGroupName']}", {**each, "tags": tags}
    for name in _all(database, "list_tables", "TableNames"):
        held = database.describe_table(TableName=name)["Table"]
        tags = database.list_tags_of_resource(ResourceArn=held["TableArn"])["Tags"]
        yield f"table/{name}", {**held, "Tags": tags}


def _buckets(account: Account) -> Iterable[tuple[str, dict[str, Any]]]:
    s3 = account.raw("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        versions = s3.list_object_versions(Bucket=name)
        yield f"bucket/{name}", {
            "tags": _or_none(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"]),
            "access": _or_none(lambda: s3.get_public_access_block(Bucket=name)),
            "objects": [
                (each["Key"], each["VersionId"])
                for each in versions.get("Versions", []) + versions.get("DeleteMarkers", [])
            ],
        }


def _or_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError:
        return None


def _all(client: Any, method: str, key: str, **params: Any) -> list[Any]:
    found: list[Any] = client.get_paginator(method).paginate(**params).build_full_result()[key]
    return found
