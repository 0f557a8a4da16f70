"""
What AWS authorises for the calls of the services whose ARNs are made of names.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..api_call import ApiCall

Named = Callable[[ApiCall], Iterator[tuple[str, str]]]


def arn(call: ApiCall, service: str, resource: str) -> str:
    """
    The ARN of *resource*, or *resource* itself if it is one.
    """
    if resource.startswith("arn:"):
        return resource
    account = call.account
    return f"arn:{account.partition}:{service}:{call.region}:{account.id}:{resource}"


def _tagged(call: ApiCall) -> bool:
    return any(call.params.get(key) for key in ("tags", "Tags"))


def batch(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    Batch: queues with their compute environments, jobs with their queue and definition.
    """
    of = call.params
    if call.operation.startswith(("Describe", "List")):
        yield call.operation, "*"
        return
    made = [_batch_arn(call, type, key) for type, key in _BATCH[call.operation] if of.get(key)]
    order = [one["computeEnvironment"] for one in of.get("computeEnvironmentOrder", ())]
    yield from ((call.operation, one) for one in made)
    yield from ((call.operation, arn(call, "batch", _within(each))) for each in order)
    if _tagged(call):
        new = {"SubmitJob": "job/new", "RegisterJobDefinition": f"{made[0]}:1"}
        yield "TagResource", arn(call, "batch", new.get(call.operation, made[0]))


_BATCH = {
    "CreateComputeEnvironment": (("compute-environment", "computeEnvironmentName"),),
    "UpdateComputeEnvironment": (("compute-environment", "computeEnvironment"),),
    "DeleteComputeEnvironment": (("compute-environment", "computeEnvironment"),),
    "CreateJobQueue": (("job-queue", "jobQueueName"),),
    "UpdateJobQueue": (("job-queue", "jobQueue"),),
    "DeleteJobQueue": (("job-queue", "jobQueue"),),
    "RegisterJobDefinition": (("job-definition", "jobDefinitionName"),),
    "DeregisterJobDefinition": (("job-definition", "jobDefinition"),),
    "SubmitJob": (("job-queue", "jobQueue"), ("job-definition", "jobDefinition")),
    "TerminateJob": (("job", "jobId"),),
    "TagResource": (("", "resourceArn"),),
    "UntagResource": (("", "resourceArn"),),
}


def _within(environment: str) -> str:
    is_arn = environment.startswith("arn:")
    return environment if is_arn else f"compute-environment/{environment}"


def _batch_arn(call: ApiCall, type: str, key: str) -> str:
    given = call.params[key]
    return arn(call, "batch", given if given.startswith("arn:") else f"{type}/{given}")


def stepfunctions(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    Step Functions: a state machine, or an execution of it.
    """
    of = call.params
    given = of.get("stateMachineArn") or of.get("executionArn") or of.get("resourceArn")
    machine = arn(call, "states", given or f"stateMachine:{of['name']}")
    yield call.operation, machine
    if call.operation.startswith("Create") and _tagged(call):
        yield "TagResource", machine


def scheduler(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    EventBridge Scheduler: a group, or a schedule in it; with a group go its schedules.
    """
    of = call.params
    if "ResourceArn" in of:
        yield call.operation, of["ResourceArn"]
    elif call.operation.endswith("ScheduleGroup"):
        group = arn(call, "scheduler", f"schedule-group/{of['Name']}")
        yield call.operation, group
        if call.operation.startswith("Create") and _tagged(call):
            yield "TagResource", group
        if call.operation.startswith("Delete"):
            yield "DeleteSchedule", arn(call, "scheduler", f"schedule/{of['Name']}/any")
    else:
        yield call.operation, arn(call, "scheduler", f"schedule/{of['GroupName']}/{of['Name']}")


def ecr(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    ECR: repositories, of whichever account.
    """
    of = call.params
    if call.operation == "GetAuthorizationToken":
        yield call.operation, "*"
        return
    names = of.get("repositoryNames") or [of.get("repositoryName", "")]
    for name in names:
        owner = of.get("registryId", call.account.id)
        whole = f"arn:{call.account.partition}:ecr:{call.region}:{owner}:repository/{name}"
        yield call.operation, of.get("resourceArn", whole)
        if call.operation == "CreateRepository" and _tagged(call):
            yield "TagResource", whole


def logs(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    CloudWatch Logs: the calls for tags are authorised on the group, all others on its streams.
    """
    of = call.params
    if call.operation == "DescribeLogGroups":
        # https://github.com/hashicorp/terraform-provider-aws/issues/8804
        yield call.operation, arn(call, "logs", "log-group::log-stream:")
    elif "resourceArn" in of:
        yield call.operation, of["resourceArn"]
    else:
        group = f"log-group:{of['logGroupName']}"
        streams = f"{group}:log-stream:{of.get('logStreamName', '')}"
        yield call.operation, arn(call, "logs", streams)
        if call.operation == "CreateLogGroup" and _tagged(call):
            yield "TagResource", arn(call, "logs", group)


def dynamodb(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    DynamoDB: a table.
    """
    of = call.params
    table = arn(call, "dynamodb", of.get("ResourceArn") or f"table/{of['TableName']}")
    yield call.operation, table
    if call.operation == "CreateTable" and _tagged(call):
        yield "TagResource", table


_S3 = {
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
}


def s3(call: ApiCall) -> Iterator[tuple[str, str]]:
    """
    S3: a bucket, or objects in it.
    """
    of: dict[str, Any] = call.params
    bucket = f"arn:{call.account.partition}:s3:::{of['Bucket']}"
    if call.operation == "DeleteObjects":
        for one in of["Delete"]["Objects"]:
            yield "DeleteObject", f"{bucket}/{one['Key']}"
            if one.get("VersionId"):
                yield "DeleteObjectVersion", f"{bucket}/{one['Key']}"
        return
    action = _S3.get(call.operation, call.operation)
    yield action, f"{bucket}/{of['Key']}" if "Key" in of else bucket
    if of.get("CreateBucketConfiguration", {}).get("Tags"):
        yield "TagResource", bucket


NAMED: dict[str, tuple[str, Named]] = {
    "batch": ("batch", batch),
    "stepfunctions": ("states", stepfunctions),
    "scheduler": ("scheduler", scheduler),
    "ecr": ("ecr", ecr),
    "logs": ("logs", logs),
    "dynamodb": ("dynamodb", dynamodb),
    "s3": ("s3", s3),
}
"""For each service, what IAM calls it, and what it is asked for."""
