"""
What AWS authorises for the calls of IAM, and for calls that hand a role to a service.
"""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ..api_call import ApiCall
from ..batch.instances import roles_in
from ..iam.trust import LINKED, linked_role, role_of
from ..permissions import roles_passed
from .evaluation import AccessRequest, Context

PASSED_TO = {
    "CreateComputeEnvironment": "batch",
    "UpdateComputeEnvironment": "batch",
    "RegisterJobDefinition": "ecs-tasks",
    "CreateStateMachine": "states",
    "UpdateStateMachine": "states",
    "CreateSchedule": "scheduler",
    "UpdateSchedule": "scheduler",
}
BOUND = {
    "AttachRolePolicy",
    "DetachRolePolicy",
    "PutRolePolicy",
    "DeleteRolePolicy",
    "DeleteRolePermissionsBoundary",
}
"""The actions whose iam:PermissionsBoundary is the boundary that the role has."""


def iam_requests(call: ApiCall) -> Iterator[AccessRequest]:
    """
    What AWS authorises for a call of IAM.
    """
    action = f"iam:{call.operation}"
    if call.operation in ("ListRoles", "ListInstanceProfiles"):
        yield AccessRequest(action, "*")
    elif call.operation == "CreateServiceLinkedRole":
        yield _linking(call, call.params["AWSServiceName"])
    elif call.operation == "SimulatePrincipalPolicy":
        yield AccessRequest(action, call.params["PolicySourceArn"])
    elif "InstanceProfileName" in call.params:
        yield from _profile_requests(call, action)
    elif "RoleName" in call.params:
        yield from _role_requests(call, action)
    else:
        yield AccessRequest(action, call.params["PolicyArn"])


def _profile_requests(call: ApiCall, action: str) -> Iterator[AccessRequest]:
    name, account = call.params["InstanceProfileName"], call.account
    path = call.params.get("Path")
    if path is None:
        try:
            held = account.raw("iam").get_instance_profile(InstanceProfileName=name)
        except ClientError:
            yield AccessRequest(action, f"role {name}")  # its path isn't known
            return
        path = held["InstanceProfile"]["Path"]
    arn = f"arn:{account.partition}:iam::{account.id}:instance-profile{path}{name}"
    tags = tuple((f"aws:RequestTag/{t['Key']}", t["Value"]) for t in call.params.get("Tags", ()))
    yield AccessRequest(action, arn, tags)
    if tags and call.operation.startswith("Create"):
        yield AccessRequest("iam:TagInstanceProfile", arn, tags)


def _role_requests(call: ApiCall, action: str) -> Iterator[AccessRequest]:
    name, account = call.params["RoleName"], call.account
    if call.operation == "CreateRole":
        path = call.params.get("Path", "/")
        arn = f"arn:{account.partition}:iam::{account.id}:role{path}{name}"
        tags = [(f"aws:RequestTag/{t['Key']}", t["Value"]) for t in call.params.get("Tags", ())]
        yield AccessRequest(action, arn, (*_boundary(call), *tags))
        if tags:
            yield AccessRequest("iam:TagRole", arn, tuple(tags))
        return
    try:
        role = account.raw("iam").get_role(RoleName=name)["Role"]
    except ClientError:
        # IAM doesn't know the path of a role that isn't there: only * stands for it.
        yield AccessRequest(action, f"role {name}")
        return
    has = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    held: Context = (("iam:PermissionsBoundary", has),) if has and call.operation in BOUND else ()
    attached = call.params.get("PolicyArn")
    policy: Context = (("iam:PolicyARN", attached),) if attached else ()
    yield AccessRequest(action, role["Arn"], (*_boundary(call), *held, *policy))


def _boundary(call: ApiCall) -> Context:
    """
    The boundary that the call asks for.
    """
    given = call.params.get("PermissionsBoundary")
    return (("iam:PermissionsBoundary", given),) if given else ()


def passing(call: ApiCall) -> Iterator[AccessRequest]:
    """
    What AWS authorises in IAM for a call of another service: roles handed over, and linked ones.
    """
    for arn in roles_passed(call):
        service = f"{PASSED_TO[call.operation]}.amazonaws.com"
        yield AccessRequest("iam:PassRole", arn, (("iam:PassedToService", service),))
    for arn in _for_instances(call):
        yield AccessRequest("iam:PassRole", arn, (("iam:PassedToService", "ec2.amazonaws.com"),))
    if call.operation == "CreateComputeEnvironment":
        for service in LINKED:
            if role_of(call.account, linked_role(call.account, service)) is None:
                yield _linking(call, service)


def _for_instances(call: ApiCall) -> Iterator[str]:
    """
    The roles that a call hands to instances of EC2, by way of a profile.
    """
    iam = call.account.raw("iam")
    if call.operation == "AddRoleToInstanceProfile":
        yield iam.get_role(RoleName=call.params["RoleName"])["Role"]["Arn"]
    elif call.operation == "CreateComputeEnvironment":
        arn = (call.params.get("computeResources") or {}).get("instanceRole", "")
        yield from roles_in(call.account, arn.rpartition("/")[2]) if arn else ()


def _linking(call: ApiCall, service: str) -> AccessRequest:
    arn = linked_role(call.account, service)
    return AccessRequest("iam:CreateServiceLinkedRole", arn, (("iam:AWSServiceName", service),))
