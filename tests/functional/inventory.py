"""
Everything that an account holds, as values that can be compared; and what others have put there.
"""

from __future__ import annotations

import json
from typing import Any

from account_fixture import AccountFixture

FOREIGN_CIDR = "10.1.0.0/16"


def inventory(there: AccountFixture) -> dict[str, Any]:
    """
    What is in the account, by sort, without what AWS itself has put there.
    """
    return {**_network(there), **_jobs(there), **_roles(there), **_stores(there)}


def _network(there: AccountFixture) -> dict[str, Any]:
    ec2 = there.ec2
    nats = ec2.describe_nat_gateways()["NatGateways"]
    return {
        "vpcs": ec2.describe_vpcs()["Vpcs"],
        "subnets": ec2.describe_subnets()["Subnets"],
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "gateways": ec2.describe_internet_gateways()["InternetGateways"],
        "addresses": ec2.describe_addresses()["Addresses"],
        "tables": ec2.describe_route_tables()["RouteTables"],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "nats": [nat["NatGatewayId"] for nat in nats if nat["State"] != "deleted"],
    }


def _jobs(there: AccountFixture) -> dict[str, Any]:
    batch, scheduler = there.batch, there.scheduler
    return {
        "environments": batch.describe_compute_environments()["computeEnvironments"],
        "queues": batch.describe_job_queues()["jobQueues"],
        "definitions": batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"],
        "machines": there.stepfunctions.list_state_machines()["stateMachines"],
        "schedules": scheduler.list_schedules()["Schedules"],
        "schedule groups": scheduler.list_schedule_groups()["ScheduleGroups"],
    }


def _roles(there: AccountFixture) -> dict[str, Any]:
    return {
        "profiles": there.iam.list_instance_profiles()["InstanceProfiles"],
        **_each_role(there),
    }


def _each_role(there: AccountFixture) -> dict[str, Any]:
    return {
        role["RoleName"]: {
            **role,
            "attached": there.iam.list_attached_role_policies(RoleName=role["RoleName"])[
                "AttachedPolicies"
            ],
            "inline": there.iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"],
        }
        for role in there.iam.list_roles()["Roles"]
        if not role["Path"].startswith("/aws-service-role/")
    }


def _stores(there: AccountFixture) -> dict[str, Any]:
    buckets = [one["Name"] for one in there.s3.list_buckets()["Buckets"]]
    objects = {b: there.s3.list_objects_v2(Bucket=b).get("Contents", []) for b in buckets}
    return {
        "repositories": there.ecr.describe_repositories()["repositories"],
        "log groups": there.logs.describe_log_groups()["logGroups"],
        "dynamodb": there.dynamodb.list_tables()["TableNames"],
        "buckets": objects,
    }


def furnish(there: AccountFixture) -> None:
    """
    Puts one of everything there that is no stack's, some of it with names that look like one's.
    """
    environment = there.environment("movies-theirs", FOREIGN_CIDR)
    there.queue(environment, "movies-2")
    there.machine("movies2")
    there.gateway(there.vpc("10.2.0.0/16"))
    there.nat(there.vpc("10.3.0.0/16"), "10.3.8.0/24")
    there.table(there.vpc("10.4.0.0/16"))
    there.iam.create_role(
        RoleName="movies-job", AssumeRolePolicyDocument=json.dumps({"Statement": _ANYONE})
    )
    there.iam.create_instance_profile(InstanceProfileName="movies-instance")
    there.ec2.create_launch_template(LaunchTemplateName="movies-2", LaunchTemplateData={})
    there.logs.create_log_group(logGroupName="/batchkit/movies2")
    there.logs.create_log_group(logGroupName="/aws/batch/job")
    there.ecr.create_repository(repositoryName="movies/base")
    there.dynamodb.create_table(
        TableName="movies-archive",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    there.s3.create_bucket(Bucket="their-bucket")
    there.s3.put_object(Bucket="their-bucket", Key="movies.zip", Body=b"theirs")


_ANYONE = [
    {
        "Effect": "Allow",
        "Principal": {"Service": "batch.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
]
