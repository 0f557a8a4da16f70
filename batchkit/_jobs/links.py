"""
Links to AWS's console.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

DOMAINS: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def _console(arn_or_partition: str, region: str, path: str) -> str:
    partition = arn_or_partition.split(":")[1] if ":" in arn_or_partition else arn_or_partition
    domain = DOMAINS.get(partition, DOMAINS["aws"])
    prefix = f"{region}." if partition == "aws" else ""
    return f"https://{prefix}{domain}/{path}"


def execution(arn: str, region: str) -> str:
    """
    The page of an execution.
    """
    there = f"states/home?region={region}#/v2/executions/details/{quote(arn, safe=':/')}"
    return _console(arn, region, there)


def job(id: str, region: str, partition: str = "aws") -> str:
    """
    The page of a job.
    """
    there = f"batch/home?region={region}#jobs/detail/{quote(id, safe='')}"
    return _console(partition, region, there)


def log_stream(group: str, stream: str, region: str, partition: str = "aws") -> str:
    """
    The page of a log stream.
    """
    there = f"log-group/{_quoted_twice(group)}/log-events/{_quoted_twice(stream)}"
    return _console(partition, region, f"cloudwatch/home?region={region}#logsV2:log-groups/{there}")


def _quoted_twice(name: str) -> str:
    """
    A name as CloudWatch's console reads it: quoted twice, with $ for %.
    """
    return quote(quote(name, safe=""), safe="").replace("%", "$")


# Where the console has the page of a resource: its region, the whole of its identity, the last part
# of it behind / or :, and what belongs to one service alone.
_PAGES: Final = {
    "Vpc": "vpcconsole/home?region={region}#VpcDetails:VpcId={last}",
    "Subnet": "vpcconsole/home?region={region}#SubnetDetails:subnetId={last}",
    "RouteTable": "vpcconsole/home?region={region}#RouteTableDetails:RouteTableId={last}",
    "InternetGateway": "vpcconsole/home?region={region}#InternetGateway:internetGatewayId={last}",
    "NatGateway": "vpcconsole/home?region={region}#NatGatewayDetails:natGatewayId={last}",
    "ElasticIp": "vpcconsole/home?region={region}#ElasticIpDetails:AllocationId={last}",
    "SecurityGroup": "ec2/home?region={region}#SecurityGroup:groupId={last}",
    "Role": "iam/home#/roles/details/{last}",
    "LaunchTemplate": "ec2/home?region={region}#LaunchTemplateDetails:launchTemplateId={last}",
    "LogGroup": "cloudwatch/home?region={region}#logsV2:log-groups/log-group/{log_group}",
    "Repository": "ecr/repositories/private/{account}/{last}?region={region}",
    "ComputeEnvironment": "batch/home?region={region}#compute-environments/detail/{whole}",
    "JobQueue": "batch/home?region={region}#queues/detail/{whole}",
    "JobDefinition": "batch/home?region={region}#job-definition/detail/{whole}",
    "StateMachine": "states/home?region={region}#/statemachines/view/{whole}",
    "Table": "dynamodbv2/home?region={region}#table?name={last}",
    "Bucket": "s3/buckets/{bucket}?region={region}",
}


def resource(resource_type: str, identity: str, region: str, partition: str = "aws") -> str:
    """
    The page of a resource of a stack; an empty text if its type has none.
    """
    page = _PAGES.get(resource_type)
    if page is None:
        return ""
    path = page.format(
        region=region,
        last=quote(identity.rpartition("/")[2], safe=""),
        whole=quote(identity, safe=""),
        log_group=_quoted_twice(identity.partition("log-group:")[2]),
        account=_account(identity),
        bucket=quote(identity.rpartition(":")[2], safe=""),
    )
    return _console(partition, region, path)


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""
