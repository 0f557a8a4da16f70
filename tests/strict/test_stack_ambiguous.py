"""
Rule 8: a call took effect, and its answer was lost.  Nothing comes to be twice, nothing is left.
"""

from __future__ import annotations

import pytest

from .simulator import StrictAws
from .stacks import DELETES, ONE_OF_EACH, counts, destroy, make, unchanged

CREATES = [
    ("ec2", "CreateVpc"),
    ("iam", "CreateRole"),
    ("s3", "CreateBucket"),
    ("ec2", "CreateSubnet"),
    ("batch", "CreateComputeEnvironment"),
    ("ec2", "AllocateAddress"),
    ("logs", "CreateLogGroup"),
    ("ec2", "CreateNatGateway"),
    ("batch", "CreateJobQueue"),
    ("dynamodb", "CreateTable"),
    ("ec2", "CreateInternetGateway"),
    ("scheduler", "CreateScheduleGroup"),
    ("ec2", "CreateSecurityGroup"),
    ("stepfunctions", "CreateStateMachine"),
    ("ec2", "CreateRouteTable"),
    ("scheduler", "CreateSchedule"),
    ("ec2", "AttachInternetGateway"),
    ("batch", "RegisterJobDefinition"),
    ("ec2", "CreateRoute"),
    ("iam", "AttachRolePolicy"),
    ("ec2", "AssociateRouteTable"),
    ("s3", "PutBucketTagging"),
    ("ec2", "CreateTags"),
    ("iam", "PutRolePolicy"),
    ("ec2", "ModifyVpcAttribute"),
    ("logs", "PutRetentionPolicy"),
    ("s3", "PutPublicAccessBlock"),
    ("logs", "DeleteLogGroup"),
]
GROUPS = 5


@pytest.mark.parametrize("kind", ["5xx", "timeout"])
@pytest.mark.parametrize("group", range(GROUPS))
def test_an_answer_is_lost_while_making_it(group: int, kind: str) -> None:
    """
    For every kind of change that makes a stack: its answer is lost, and there is one of each.
    """
    with StrictAws(seed=group) as aws:
        before = aws.snapshot()
        struck = CREATES[group::GROUPS]
        for service, operation in struck:
            aws.ambiguous(service, operation, kind)
        make(aws)
        assert aws.hits[8] == len(struck)
        found = counts(aws, before)
        assert found.pop("job-definition") <= 2  # a revision more does no harm
        assert found == {kind: n for kind, n in ONE_OF_EACH.items() if kind != "job-definition"}
        with unchanged(aws):
            make(aws, by=aws.another())


@pytest.mark.parametrize("kind", ["5xx", "timeout"])
def test_every_answer_is_lost_once(kind: str) -> None:
    """
    The first answer to every kind of change is lost, in making it and in destroying it.
    """
    with StrictAws(seed=11) as aws:
        before = aws.snapshot()
        for service, operation in CREATES:
            aws.ambiguous(service, operation, kind)
        make(aws)
        found = counts(aws, before)
        found["job-definition"] = 1
        assert found == ONE_OF_EACH
        made = len(aws.mutations)
        for service, operation in DELETES:
            aws.ambiguous(service, operation, kind)
        destroy(aws)
        lost = {c.operation for c in aws.mutations[made:] if c.error}
        assert lost == {operation for _, operation in DELETES}
        assert aws.snapshot() == before
