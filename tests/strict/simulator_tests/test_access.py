"""
A caller is held to policy documents: by action, by ARN and by the conditions that they name.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..simulator import Process, StrictAws

LOG_GROUP = "arn:aws:logs:us-east-1:*:log-group:/batchkit/films*"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def document(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    """
    A policy of one statement.
    """
    statement: dict[str, Any] = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def code_of(process: Process, service: str, method: str, **params: Any) -> str:
    """
    The code with which AWS refuses a call, or an empty text if it doesn't.
    """
    session: Any = process.session
    try:
        getattr(session.client(service), method)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(
    ("action", "resource", "code"),
    [
        ("logs:CreateLogGroup", LOG_GROUP, ""),
        ("logs:*", "*", ""),
        ("logs:CreateLogGroup", LOG_GROUP.replace("films", "movies"), "AccessDeniedException"),
        ("logs:DeleteLogGroup", LOG_GROUP, "AccessDeniedException"),
    ],
)
def test_a_call_needs_its_action_on_its_resource(
    strict_aws: StrictAws, action: str, resource: str, code: str
) -> None:
    """
    Another action, or the same on another resource, doesn't allow it.
    """
    caller = strict_aws.another()
    caller.restrict(document(action, resource))
    assert code_of(caller, "logs", "create_log_group", logGroupName="/batchkit/films") == code


@pytest.mark.parametrize(("stack", "code"), [("films", ""), ("movies", "UnauthorizedOperation")])
def test_a_condition_on_the_tags_of_the_request_counts(
    strict_aws: StrictAws, stack: str, code: str
) -> None:
    """
    What is made carries the tag that the policy demands, or isn't made.
    """
    caller = strict_aws.another()
    tagged = {"aws:RequestTag/batchkit:stack": "films"}
    caller.restrict(document("ec2:*", StringEquals=tagged))
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "batchkit:stack", "Value": stack}]}]
    given = {"CidrBlock": "10.9.0.0/16", "TagSpecifications": tags}
    assert code_of(caller, "ec2", "create_vpc", **given) == code


def test_who_is_not_restricted_may_do_anything(strict_aws: StrictAws) -> None:
    """
    A restriction holds for one process.
    """
    strict_aws.another().restrict(document("logs:CreateLogGroup"))
    free = strict_aws.another()
    assert code_of(free, "iam", "create_role", RoleName="r", AssumeRolePolicyDocument=TRUST) == ""
