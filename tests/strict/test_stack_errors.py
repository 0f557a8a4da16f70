"""
Rule 111: errors that stay are raised at once, those that pass are waited out.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from batchkit import FargateEnvironment, ensure_compute_environment
from batchkit.errors import (
    AccessDenied,
    ApplyError,
    AwsError,
    BatchkitError,
    BrokenResource,
    QuotaExceeded,
)

from .simulator import StrictAws
from .stacks import NAME, check_one_of_each, destroy, make, new_mutations, operations

SOON = 60.0
ACTIONS = [
    "ec2:DescribeVpcs",
    "iam:ListRoles",
    "batch:DescribeComputeEnvironments",
    "sts:GetCallerIdentity",
    "ec2:CreateVpc",
    "ec2:AllocateAddress",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "s3:CreateBucket",
    "s3:PutBucketTagging",
    "s3:PutBucketPublicAccessBlock",
    "dynamodb:CreateTable",
    "scheduler:CreateScheduleGroup",
    "ec2:CreateTags",
    "ec2:ModifyVpcAttribute",
    "ec2:CreateSubnet",
    "ec2:CreateSecurityGroup",
    "ec2:CreateInternetGateway",
    "ec2:AttachInternetGateway",
    "ec2:CreateRouteTable",
    "ec2:AssociateRouteTable",
    "batch:RegisterJobDefinition",
    "batch:CreateComputeEnvironment",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "ec2:CreateNatGateway",
    "ec2:CreateRoute",
    "batch:CreateJobQueue",
    "states:CreateStateMachine",
    "scheduler:CreateSchedule",
]
REFUSALS = [
    ("ec2", "CreateVpc", "VpcLimitExceeded", QuotaExceeded),
    ("ec2", "CreateVpc", "InvalidVpc.Range", AwsError),
    ("ec2", "AllocateAddress", "AddressLimitExceeded", QuotaExceeded),
    ("iam", "CreateRole", "LimitExceeded", QuotaExceeded),
    ("iam", "CreateRole", "MalformedPolicyDocument", AwsError),
    ("s3", "CreateBucket", "BucketAlreadyExists", AwsError),
    ("s3", "CreateBucket", "TooManyBuckets", QuotaExceeded),
    ("logs", "PutRetentionPolicy", "InvalidParameterException", AwsError),
    ("scheduler", "CreateScheduleGroup", "ServiceQuotaExceededException", QuotaExceeded),
    ("ec2", "CreateSubnet", "InvalidParameterValue", AwsError),
    ("ec2", "CreateInternetGateway", "InternetGatewayLimitExceeded", QuotaExceeded),
    ("ec2", "CreateRouteTable", "RouteTableLimitExceeded", QuotaExceeded),
    ("ec2", "CreateNatGateway", "NatGatewayLimitExceeded", QuotaExceeded),
    ("batch", "RegisterJobDefinition", "ClientException", AwsError),
    ("batch", "CreateComputeEnvironment", "ClientException", AwsError),
    ("batch", "CreateJobQueue", "ClientException", AwsError),
    ("stepfunctions", "CreateStateMachine", "InvalidDefinition", AwsError),
    ("stepfunctions", "CreateStateMachine", "StateMachineLimitExceeded", QuotaExceeded),
    ("scheduler", "CreateSchedule", "ValidationException", AwsError),
]


def refused(aws: StrictAws) -> list[AwsError]:
    """
    What AWS refused in making it; it ended in less than a minute after the first of them.
    """
    start = len(aws.calls)
    with pytest.raises(ApplyError) as raised:
        make(aws, by=aws.another())
    causes = [error for _, error in raised.value.failed if isinstance(error, AwsError)]
    codes = {error.code for error in causes}
    first = min(call.time for call in aws.calls[start:] if call.error in codes)
    assert causes and aws.clock.monotonic() - first < SOON
    return causes


def missing(error: AccessDenied) -> list[str]:
    """
    The actions that *error* says to allow.
    """
    assert error.statement is not None
    actions = error.statement["Action"]
    assert isinstance(actions, list)
    return actions


def test_a_missing_permission_is_told_at_once() -> None:
    """
    For every permission that making it needs: without it, the error comes in less than a minute
    after the refusal, and has the statement to add; with it, the next run goes on.
    """
    with StrictAws(seed=1) as aws:
        before = aws.snapshot()
        for action in ACTIONS:
            aws.deny(action)
        waiting = list(ACTIONS)
        while waiting:
            aws.clock.advance(10)  # AWS lists what the last run made
            start = aws.clock.monotonic()
            with pytest.raises(BatchkitError) as raised:
                make(aws, by=aws.another())
            told = denials(raised.value)
            assert told, raised.value
            granted = {a for error in told for a in missing(error)} & set(waiting)
            assert granted and aws.clock.monotonic() - start < SOON + 45
            for action in granted:
                aws.allow(action)
                waiting.remove(action)
        make(aws, by=aws.another())
        check_one_of_each(aws, before)


def denials(error: BatchkitError) -> list[AccessDenied]:
    """
    What was denied.
    """
    found = [cause for _, cause in error.failed] if isinstance(error, ApplyError) else [error]
    return [cause for cause in found if isinstance(cause, AccessDenied)]


def test_a_refusal_that_stays_is_told_at_once() -> None:
    """
    Quotas and faults in what was asked for are raised in less than a minute, as what they are, with
    AWS's code, message and request id; when they are over, the next run goes on.
    """
    with StrictAws(seed=2) as aws:
        before = aws.snapshot()
        waiting = list(REFUSALS)
        while waiting:
            aws.faults.clear()
            aws.clock.advance(10)
            for service, operation, code, _ in waiting:
                aws.fail(service, operation, code, "It is not so.", times=1000)
            for error in refused(aws):
                fits = (each for each in waiting if each[2] == error.code)
                match = next(each for each in fits if each[1] in str(error))
                service, operation, code, kind = match
                assert type(error) is kind
                assert f"{service}:{operation} failed with {code}: It is" in str(error)
                assert "(request " in str(error)
            waiting.remove(match)
        aws.faults.clear()
        make(aws, by=aws.another())
        check_one_of_each(aws, before)


def test_roles_that_propagate_slowly() -> None:
    """
    Roles may be used only 75 seconds after they were made, and passed after 25: all waits for that;
    the compute environment, INVALID at first, is made anew where updates don't help.
    """
    with StrictAws(seed=3, delays={"iam": 75, "pass_role": 25}) as aws:
        before = aws.snapshot()
        with new_mutations(aws) as changed:
            make(aws)
        done = operations(changed)
        assert done.count("CreateComputeEnvironment") == 2
        assert done.count("DeleteComputeEnvironment") == 2  # the first ends INVALID
        assert aws.hits[172]
        check_one_of_each(aws, before)


def test_a_compute_environment_that_stays_invalid(strict_aws: StrictAws) -> None:
    """
    What AWS says about a subnet that isn't there is raised with the state, in less than a minute.
    """
    wanted = FargateEnvironment(
        name="lost", subnets=["subnet-0123456789"], security_groups=["sg-0123456789"]
    )
    with pytest.raises(BrokenResource, match="INVALID: CLIENT_ERROR.*subnet-0123456789"):
        ensure_compute_environment(wanted, session=strict_aws.session, clock=strict_aws.clock)
    assert strict_aws.clock.monotonic() < SOON


def test_a_failed_nat_gateway() -> None:
    """
    AWS's code and message for a NAT gateway that failed are raised; the next run makes another.
    """
    with StrictAws(seed=4) as aws:
        before = aws.snapshot()
        aws.fail("ec2", "CreateNatGateway", "None", when=lambda _: detach(aws))
        with pytest.raises(ApplyError, match="Gateway.NotAttached.*has no Internet gateway"):
            make(aws)
        aws.faults.clear()
        make(aws, by=aws.another())
        check_one_of_each(aws, before)
        destroy(aws)
        assert aws.snapshot() == before


def detach(aws: StrictAws) -> bool:
    """
    Detach the stack's internet gateway behind its back; says that nothing shall fail.
    """
    ec2 = aws.raw.client("ec2")
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        for place in gateway["Attachments"]:
            try:
                ec2.detach_internet_gateway(
                    InternetGatewayId=gateway["InternetGatewayId"], VpcId=place["VpcId"]
                )
            except ClientError:
                continue
    return False


def test_batch_needs_a_role_that_is_gone() -> None:
    """
    Without its role Batch can't delete a compute environment: the role is made again, with the same
    name, path and policy, until the environment is gone.
    """
    with StrictAws(seed=6) as aws:
        before = aws.snapshot()
        make(aws)
        name = f"{NAME}_batch-us-east-1"
        iam = aws.raw.client("iam")
        role = iam.get_role(RoleName=name)["Role"]
        policies = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        iam.detach_role_policy(RoleName=name, PolicyArn=policies[0]["PolicyArn"])
        iam.delete_role(RoleName=name)
        with new_mutations(aws) as changed:
            destroy(aws, by=aws.another())
        made = next(call.params for call in changed if call.operation == "CreateRole")
        assert (made["RoleName"], made["Path"]) == (name, role["Path"])
        attached = [c.params for c in changed if c.operation == "AttachRolePolicy"]
        assert [each["PolicyArn"] for each in attached] == [policies[0]["PolicyArn"]]
        order = [c.operation for c in changed if name in repr(c) or "Environment" in c.operation]
        assert order.index("CreateRole") < order.index("DeleteComputeEnvironment")
        assert order.index("DeleteComputeEnvironment") < order.index("DeleteRole")
        assert aws.snapshot() == before
