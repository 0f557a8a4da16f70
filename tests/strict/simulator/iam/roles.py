"""
Roles and their policies.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..account import Account
from ..api_call import ApiCall
from ..rules import after, before, declare
from .trust import LINKED, linked_role, listed, make_linked_role, role_name, role_of, statements

declare(
    (49, "M", "a role's name is unique whatever its case; its description is Latin-1"),
    (50, "M", "a trust policy is JSON without Resource, and names principals that exist"),
    (51, "M", "inline policies have a size quota together, attached ones a number"),
    (52, "M", "statement ids are unique in a policy"),
    (53, "M", "a role with policies is not deleted"),
    (55, "D", "policies are read back with lists of one collapsed and keys in another order"),
    (56, "D", "changing a role may meet a concurrent change once"),
    (150, "D", "tag keys that differ only in case are one tag of a role"),
)

DESCRIPTION = re.compile("[\t\n\r\u0020-\u007e\u00a1-\u00ff]*")
INLINE_QUOTA = 10240
ATTACHED_QUOTA = 10
PRINCIPALS = {
    "batch",
    "ecs-tasks",
    "ecs",
    "states",
    "scheduler",
    "events",
    "ec2",
    "lambda",
    "spotfleet",
    "vpc-flow-logs",
}


@before(49, "iam:CreateRole")
def _role_name_is_free(call: ApiCall) -> None:
    name = call.params["RoleName"]
    if len(name) > 64 or not re.fullmatch(r"[\w+=,.@-]+", name):
        call.refuse_loosely("ValidationError", f"roleName {name}")
    if not DESCRIPTION.fullmatch(call.params.get("Description", "")):
        call.refuse_loosely("ValidationError", "description")
    held = call.raw.get_paginator("list_roles").paginate().build_full_result()["Roles"]
    if name.lower() in {role["RoleName"].lower() for role in held}:
        message = f"Role with name {name} already exists."
        call.refuse("EntityAlreadyExists", message, 409)


@before(150, "iam:TagRole")
def _another_case_is_the_same_tag(call: ApiCall) -> bool:
    same = _spelled(call, [tag["Key"] for tag in call.params["Tags"]])
    call.raw.untag_role(RoleName=call.params["RoleName"], TagKeys=same)
    return bool(same)


@before(150, "iam:UntagRole")
def _whatever_its_case_it_goes(call: ApiCall) -> bool:
    asked = call.params["TagKeys"]
    call.params["TagKeys"] = [*asked, *_spelled(call, asked)]
    return len(call.params["TagKeys"]) > len(asked)


def _spelled(call: ApiCall, keys: list[str]) -> list[str]:
    """
    The tags of a role that IAM takes for one of *keys*, and that are in another case.
    """
    there = call.raw.list_role_tags(RoleName=call.params["RoleName"])["Tags"]
    lower = {key.lower() for key in keys}
    return [tag["Key"] for tag in there if tag["Key"].lower() in lower and tag["Key"] not in keys]


@before(50, "iam:CreateRole", "iam:UpdateAssumeRolePolicy")
def _trust_is_sound(call: ApiCall) -> None:
    text = call.params.get("AssumeRolePolicyDocument") or call.params.get("PolicyDocument", "")
    for statement in _parsed(call, text):
        if "Resource" in statement:
            call.refuse("MalformedPolicyDocument", "Has prohibited field Resource")
        principal = statement.get("Principal", {})
        if isinstance(principal, dict):
            _check_services(call, listed(principal.get("Service", [])))
            _check_roles(call, listed(principal.get("AWS", [])))


def _parsed(call: ApiCall, text: str) -> list[dict[str, Any]]:
    try:
        return statements(text)
    except (ValueError, AttributeError):
        call.refuse("MalformedPolicyDocument", "Syntax errors in policy.")


def _check_services(call: ApiCall, services: list[str]) -> None:
    for service in services:
        if service.partition(".amazonaws.com")[0] not in PRINCIPALS:
            message = f'Invalid principal in policy: "SERVICE":"{service}"'
            call.refuse("MalformedPolicyDocument", message)


def _check_roles(call: ApiCall, arns: list[str]) -> None:
    for arn in arns:
        fresh = call.account.younger("role", role_name(arn), "iam")
        if ":role/" in arn and (fresh or role_of(call.account, arn) is None):
            message = f'Invalid principal in policy: "AWS":"{arn}"'
            call.refuse("MalformedPolicyDocument", message)


@before(52, "iam:PutRolePolicy", "iam:CreateRole", "iam:UpdateAssumeRolePolicy")
def _ids_are_unique(call: ApiCall) -> None:
    text = call.params.get("AssumeRolePolicyDocument") or call.params.get("PolicyDocument", "")
    ids = [each["Sid"] for each in _parsed(call, text) if each.get("Sid")]
    if len(ids) != len(set(ids)):
        message = "Statement IDs (SID) in a single policy must be unique."
        call.refuse("MalformedPolicyDocument", message)


@before(51, "iam:PutRolePolicy")
def _inline_quota(call: ApiCall) -> None:
    role, name = call.params["RoleName"], call.params["PolicyName"]
    _needs_role(call, role)
    sizes = {name: _size(call.params["PolicyDocument"])}
    for other in call.raw.list_role_policies(RoleName=role)["PolicyNames"]:
        held = call.raw.get_role_policy(RoleName=role, PolicyName=other)["PolicyDocument"]
        sizes.setdefault(other, _size(json.dumps(held)))
    if sum(sizes.values()) > INLINE_QUOTA:
        message = f"Maximum policy size of {INLINE_QUOTA} bytes exceeded for role {role}"
        call.refuse("LimitExceeded", message, 409)


def _size(document: str) -> int:
    return len(re.sub(r"\s", "", document))


@before(51, "iam:AttachRolePolicy")
def _attached_quota(call: ApiCall) -> None:
    role = call.params["RoleName"]
    _needs_role(call, role)
    held = call.raw.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    given = {each["PolicyArn"] for each in held} | {call.params["PolicyArn"]}
    if len(given) > ATTACHED_QUOTA:
        message = f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_QUOTA}"
        call.refuse("LimitExceeded", message, 409)


def _needs_role(call: ApiCall, name: str) -> None:
    try:
        call.raw.get_role(RoleName=name)
    except call.raw.exceptions.NoSuchEntityException:
        message = f"The role with name {name} cannot be found."
        call.refuse("NoSuchEntity", message, 404)


@before(53, "iam:DeleteRole")
def _role_is_bare(call: ApiCall) -> None:
    name = call.params["RoleName"]
    _needs_role(call, name)
    iam, refusal = call.raw, "Cannot delete entity, must "
    if name in LINKED.values():
        message = f"Cannot perform the operation on the protected role '{name}'"
        call.refuse("UnmodifiableEntity", message)
    if iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        call.refuse("DeleteConflict", f"{refusal}detach all policies first.", 409)
    if iam.list_role_policies(RoleName=name)["PolicyNames"]:
        call.refuse("DeleteConflict", f"{refusal}delete policies first.", 409)
    if iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        message = f"{refusal}remove roles from instance profile first."
        call.refuse("DeleteConflict", message, 409)


@before(56, "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy")
def _concurrent_change(call: ApiCall) -> None:
    role = call.params["RoleName"]
    if call.account.once("concurrent", role, call.operation) and call.account.rng.random() < 0.5:
        call.refuse_loosely("ConcurrentModification", role, 409)


@before(0, "iam:CreateServiceLinkedRole")
def _linked(call: ApiCall) -> None:
    service = call.params["AWSServiceName"]
    if service not in LINKED:
        return
    arn = linked_role(call.account, service)
    if role_of(call.account, arn) is not None:
        message = f"Service role name {LINKED[service]} has been taken in this account"
        call.refuse("InvalidInput", message)
    make_linked_role(call.account, service)
    call.answer = {"Role": role_of(call.account, arn)}


@after(0, "iam:CreateRole")
def _born(call: ApiCall) -> None:
    call.account.add("role", call.params["RoleName"])


@after(0, "iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile")
def _profile_born(call: ApiCall) -> None:
    call.account.add("profile", call.params["InstanceProfileName"])


@after(0, "iam:UpdateAssumeRolePolicy")
def _trusted(call: ApiCall) -> None:
    call.account.add("trust", call.params["RoleName"])


@after(0, "iam:PutRolePolicy", "iam:AttachRolePolicy")
def _permitted(call: ApiCall) -> None:
    policy = call.params.get("PolicyName") or call.params.get("PolicyArn")
    call.account.add("policy", f"{call.params['RoleName']}/{policy}")


@after(0, "iam:DeleteRole")
def _gone(call: ApiCall) -> None:
    name = call.params["RoleName"]
    call.account.drop("role", name)
    call.account.drop("trust", name)


@before(48, "iam:GetRole")
def _not_seen_yet(call: ApiCall) -> None:
    name, account = call.params["RoleName"], call.account
    flaky = account.profile == "flaky" and account.younger("role", name, "not_found")
    if flaky and account.once("seen role", name) and account.rng.random() < 0.3:
        message = f"The role with name {name} cannot be found."
        call.refuse("NoSuchEntity", message, 404)


@after(55, "iam:GetRole", "iam:ListRoles", "iam:GetRolePolicy")
def _read_back(call: ApiCall) -> bool:
    roles = call.answer.get("Roles") or [call.answer.get("Role")]
    for held in [*filter(None, roles), call.answer]:
        for key in ("AssumeRolePolicyDocument", "PolicyDocument"):
            if isinstance(held.get(key), dict):
                held[key] = _disturbed(call.account, held[key])
    return True


def _disturbed(account: Account, value: Any) -> Any:
    if isinstance(value, dict):
        keys = account.shuffled(list(value))
        return {key: _disturbed(account, value[key]) for key in keys}
    if isinstance(value, list):
        inner = [_disturbed(account, each) for each in value]
        return inner[0] if len(inner) == 1 else inner
    return value
