"""
Roles and their policies, and what holds for every service and concerns roles.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..helpers import SERVICE_POLICY, allowing, code_of, old_role, refusal, trust
from ..simulator import StrictAws

STATES = "states.amazonaws.com"
DASH = "a role \u2014 with a dash"


def client(aws: StrictAws) -> Any:
    """
    A client under the rules.
    """
    return aws.session.client("iam")


def document(**statement: Any) -> str:
    """
    A trust policy with one odd statement.
    """
    usual = {"Effect": "Allow", "Principal": {"Service": STATES}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**usual, **statement}]})


@pytest.mark.rule(49)
def test_role_names_are_unique_whatever_their_case(strict_aws: StrictAws) -> None:
    """
    A name that differs by case only is taken; another one is not.
    """
    old_role(strict_aws, "Loader", STATES)
    create = client(strict_aws).create_role
    code, message = refusal(create, RoleName="loader", AssumeRolePolicyDocument=trust(STATES))
    assert (code, "already exists" in message) == ("EntityAlreadyExists", True)
    create(RoleName="other", AssumeRolePolicyDocument=trust(STATES))


@pytest.mark.rule(1)
@pytest.mark.parametrize(
    "fields", [{"RoleName": "r" * 65}, {"RoleName": "r r"}, {"Description": DASH}]
)
def test_role_fields_keep_to_the_model(strict_aws: StrictAws, fields: dict[str, str]) -> None:
    """
    Long names, spaces in names, and characters beyond Latin-1 in a description are refused.
    """
    asked = {"RoleName": "role", "AssumeRolePolicyDocument": trust(STATES), **fields}
    assert code_of(client(strict_aws).create_role, **asked) == "ValidationError"


@pytest.mark.rule(49)
def test_role_fields_are_checked_without_the_model() -> None:
    """
    With the rule on the model off, rule 49 refuses the same.
    """
    with StrictAws(rules_off=[1]) as aws:
        asked = {"RoleName": "r", "AssumeRolePolicyDocument": trust(STATES), "Description": DASH}
        assert code_of(client(aws).create_role, **asked) == "ValidationError"
        assert aws.hits[49] == 1


@pytest.mark.rule(2)
@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:mine", "Value": "x"}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": f"k{number}", "Value": "v"} for number in range(51)],
    ],
)
def test_tags_are_checked(strict_aws: StrictAws, tags: list[dict[str, str]]) -> None:
    """
    Reserved keys, long values and more than fifty tags are refused; fifty are taken.
    """
    asked = {"RoleName": "role", "AssumeRolePolicyDocument": trust(STATES)}
    create = client(strict_aws).create_role
    # The model's own limits would answer first.
    strict_aws.account.off.add(1)
    assert code_of(create, **asked, Tags=tags) == "ValidationError"
    create(**asked, Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(50)])


@pytest.mark.rule(10)
def test_another_partition_is_refused(strict_aws: StrictAws) -> None:
    """
    An ARN of China names nothing here; one of this partition does.
    """
    old_role(strict_aws, "role", STATES)
    attach = client(strict_aws).attach_role_policy
    wrong = SERVICE_POLICY.replace("arn:aws:", "arn:aws-cn:")
    assert code_of(attach, RoleName="role", PolicyArn=wrong) == "ValidationError"
    with StrictAws(region="cn-north-1", rules_off=[56]) as aws:
        old_role(aws, "role", STATES)
        client(aws).attach_role_policy(RoleName="role", PolicyArn=wrong)


@pytest.mark.rule(50)
@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("no json", "Syntax errors in policy."),
        (document(Resource="*"), "Has prohibited field Resource"),
        (document(Principal={"Service": "nobody.amazonaws.com"}), "Invalid principal in policy"),
        (document(Principal={"AWS": "arn:aws:iam::123456789012:role/gone"}), '"AWS":"arn:aws:iam'),
    ],
)
def test_trust_policies_are_checked(strict_aws: StrictAws, text: str, fragment: str) -> None:
    """
    What is no JSON, has a resource, or names nobody, is malformed.
    """
    create = client(strict_aws).create_role
    code, message = refusal(create, RoleName="role", AssumeRolePolicyDocument=text)
    assert (code, fragment in message) == ("MalformedPolicyDocument", True)


@pytest.mark.rule(50)
def test_a_fresh_role_is_no_principal_yet(strict_aws: StrictAws) -> None:
    """
    A role can be named in a trust policy eight seconds after it was made.
    """
    iam = client(strict_aws)
    arn = iam.create_role(RoleName="one", AssumeRolePolicyDocument=trust(STATES))["Role"]["Arn"]
    asked = {"RoleName": "two", "AssumeRolePolicyDocument": document(Principal={"AWS": arn})}
    assert code_of(iam.create_role, **asked) == "MalformedPolicyDocument"
    strict_aws.clock.sleep(8)
    iam.create_role(**asked)


@pytest.mark.rule(51)
def test_policies_have_quotas(strict_aws: StrictAws) -> None:
    """
    Inline policies of more than 10240 characters together, and an eleventh one attached, fail.
    """
    iam, raw = client(strict_aws), strict_aws.raw.client("iam")
    old_role(strict_aws, "role", STATES)
    long = allowing(*(f"s3:Get{'x' * 90}{number}" for number in range(60)))
    iam.put_role_policy(RoleName="role", PolicyName="one", PolicyDocument=long)
    second = {"RoleName": "role", "PolicyName": "two", "PolicyDocument": long}
    assert code_of(iam.put_role_policy, **second) == "LimitExceeded"
    for number in range(10):
        made = raw.create_policy(PolicyName=f"p{number}", PolicyDocument=allowing("s3:GetObject"))
        raw.attach_role_policy(RoleName="role", PolicyArn=made["Policy"]["Arn"])
    eleventh = {"RoleName": "role", "PolicyArn": SERVICE_POLICY}
    assert code_of(iam.attach_role_policy, **eleventh) == "LimitExceeded"


@pytest.mark.rule(52)
def test_statement_ids_are_unique(strict_aws: StrictAws) -> None:
    """
    Two statements of one id are refused, of two ids taken.
    """
    old_role(strict_aws, "role", STATES)
    put = client(strict_aws).put_role_policy

    def asked(*ids: str) -> dict[str, str]:
        usual = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
        statements = [{**usual, "Sid": id} for id in ids]
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        return {"RoleName": "role", "PolicyName": "own", "PolicyDocument": text}

    assert code_of(put, **asked("A", "A")) == "MalformedPolicyDocument"
    put(**asked("A", "B"))


@pytest.mark.rule(53)
def test_a_role_is_deleted_bare(strict_aws: StrictAws) -> None:
    """
    Attached policies go first, then inline ones, then the role.
    """
    iam = client(strict_aws)
    old_role(strict_aws, "role", STATES, "s3:GetObject")
    strict_aws.raw.client("iam").attach_role_policy(RoleName="role", PolicyArn=SERVICE_POLICY)
    assert "detach all policies" in refusal(iam.delete_role, RoleName="role")[1]
    iam.detach_role_policy(RoleName="role", PolicyArn=SERVICE_POLICY)
    assert "must delete policies" in refusal(iam.delete_role, RoleName="role")[1]
    iam.delete_role_policy(RoleName="role", PolicyName="own")
    iam.delete_role(RoleName="role")
    assert code_of(iam.delete_role, RoleName="role") == "NoSuchEntity"


@pytest.mark.rule(55)
def test_policies_are_read_back_otherwise_but_mean_the_same(strict_aws: StrictAws) -> None:
    """
    Lists of one come back as their only element, and keys in more than one order.
    """
    iam = client(strict_aws)
    old_role(strict_aws, "role", STATES, "s3:GetObject")
    asked = {"RoleName": "role", "PolicyName": "own"}
    held = iam.get_role_policy(**asked)["PolicyDocument"]
    orders = {tuple(iam.get_role_policy(**asked)["PolicyDocument"]) for _ in range(12)}
    assert held["Statement"]["Action"] == "s3:GetObject" and len(orders) == 2


@pytest.mark.rule(56)
def test_a_change_meets_another_once() -> None:
    """
    For some seeds the first change of a role is refused as concurrent, the second never.
    """
    codes = []
    for seed in range(6):
        with StrictAws(seed=seed) as aws:
            iam, asked = client(aws), {"RoleName": "role", "PolicyDocument": trust(STATES)}
            old_role(aws, "role", STATES)
            try:
                iam.update_assume_role_policy(**asked)
            except iam.exceptions.ConcurrentModificationException:
                codes.append(aws.hits[56])
            iam.update_assume_role_policy(**asked)
    assert 0 < len(codes) < 6 and set(codes) == {1}


@pytest.mark.rule(150)
def test_tags_of_a_role_are_the_same_in_any_case(strict_aws: StrictAws) -> None:
    """
    A later spelling takes the place of the first, and any takes the tag off.
    """
    old_role(strict_aws, "role", STATES)
    iam = client(strict_aws)
    for key in ("Team", "team"):
        iam.tag_role(RoleName="role", Tags=[{"Key": key, "Value": "red"}])
    assert iam.list_role_tags(RoleName="role")["Tags"] == [{"Key": "team", "Value": "red"}]
    iam.untag_role(RoleName="role", TagKeys=["TEAM"])
    assert iam.list_role_tags(RoleName="role")["Tags"] == []


def test_linked_roles_are_made_once_and_not_deleted_as_roles(strict_aws: StrictAws) -> None:
    """
    A second creation is InvalidInput, DeleteRole is refused.
    """
    iam = client(strict_aws)
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    again = code_of(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com")
    delete = code_of(iam.delete_role, RoleName=role["RoleName"])
    assert (again, delete) == ("InvalidInput", "UnmodifiableEntity")


def test_a_fresh_role_is_missed_in_the_flaky_profile() -> None:
    """
    With consistency misses, GetRole does not find some role it was asked for first.
    """
    misses = 0
    for seed in range(8):
        with StrictAws("flaky", seed=seed) as aws:
            iam = client(aws)
            iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust(STATES))
            try:
                iam.get_role(RoleName="role")
            except iam.exceptions.NoSuchEntityException:
                misses += aws.hits[48]
    assert 0 < misses < 8
