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


def resource(resource_type: str, identity: str, region: str, partition: str = "aws") -> str:
    """
    The page of a resource of a stack; an empty text if its type has none.
    """
    last = quote(identity.rpartition("/")[2], safe="")
    whole = quote(identity, safe="")
    vpc = f"vpcconsole/home?region={region}"
    log_groups = f"cloudwatch/home?region={region}#logsV2:log-groups/log-group"
    log_group = identity.partition("log-group:")[2]
    pages = {
        "Vpc": f"{vpc}#VpcDetails:VpcId={last}",
        "Subnet": f"{vpc}#SubnetDetails:subnetId={last}",
        "RouteTable": f"{vpc}#RouteTableDetails:RouteTableId={last}",
        "InternetGateway": f"{vpc}#InternetGateway:internetGatewayId={last}",
        "NatGateway": f"{vpc}#NatGatewayDetails:natGatewayId={last}",
        "ElasticIp": f"{vpc}#ElasticIpDetails:AllocationId={last}",
        "SecurityGroup": f"ec2/home?region={region}#SecurityGroup:groupId={last}",
        "Role": f"iam/home#/roles/details/{last}",
        "LogGroup": f"{log_groups}/{_quoted_twice(log_group)}",
        "Repository": f"ecr/repositories/private/{_account(identity)}/{last}?region={region}",
        "ComputeEnvironment": f"batch/home?region={region}#compute-environments/detail/{whole}",
        "JobQueue": f"batch/home?region={region}#queues/detail/{whole}",
        "JobDefinition": f"batch/home?region={region}#job-definition/detail/{whole}",
        "StateMachine": f"states/home?region={region}#/statemachines/view/{whole}",
        "Table": f"dynamodbv2/home?region={region}#table?name={last}",
        "Bucket": f"s3/buckets/{quote(identity.rpartition(':')[2], safe='')}?region={region}",
    }
    page = pages.get(resource_type)
    return _console(partition, region, page) if page else ""


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""
