"""
What AWS authorises for a call: several actions on several resources, as a rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..api_call import ApiCall
from .ec2_requests import ec2_requests
from .evaluation import AccessRequest
from .iam_requests import iam_requests, passing
from .named_requests import NAMED

ANYTHING = {
    ("resourcegroupstaggingapi", "GetResources"): "tag:GetResources",
    ("ssm", "DescribeParameters"): "ssm:DescribeParameters",
    ("service-quotas", "GetServiceQuota"): "servicequotas:GetServiceQuota",
}


def requests(call: ApiCall) -> Iterator[AccessRequest]:
    """
    Every request for access that AWS makes of *call*; all must be allowed.
    """
    if call.service == "sts":  # GetCallerIdentity needs no permission
        return
    if (call.service, call.operation) in ANYTHING:
        yield AccessRequest(ANYTHING[call.service, call.operation], "*")
    elif call.operation == "DescribeSecret":
        secret = call.account.raw("secretsmanager").describe_secret(**call.params)
        yield AccessRequest("secretsmanager:DescribeSecret", secret["ARN"])
    elif call.service == "ec2":
        yield from ec2_requests(call)
    elif call.service == "iam":
        yield from iam_requests(call)
    else:
        prefix, named = NAMED[call.service]
        for action, resource in named(call):
            yield AccessRequest(f"{prefix}:{action}", resource)
    yield from passing(call)
