"""
The deployer's policy, enforced request by request: by action, by ARN and by its conditions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from policy_sentry.querying.actions import get_action_data

from batchkit import destroy_stack, ensure_stack, plan_stack, stack_policy
from batchkit._docker.publisher import Publication, RegistryPublisher
from batchkit._engine.policy import LIMIT, length

from .drift_cases import DRIFTS, TAGGED, DriftedStack, moved
from .helpers import refusal, tagged
from .policy_cases import (
    BOUNDARY,
    FULL,
    MANIFEST,
    SPECS,
    STORES,
    a_spec,
    assert_enough,
    live,
    needed,
    policy_of,
    prepare,
    restrict,
)
from .simulator import StrictAws
from .simulator.access.evaluation import AccessRequest, allows
from .simulator.access.restriction import Restriction
from .stacks import NAME, SPEC, make


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictAws]:
    """
    A strict account, where a push needs no Docker.
    """
    with StrictAws(rules_off=[99]) as aws:

        def publish(self: RegistryPublisher, image: Publication) -> str:
            image.login()
            put = aws.raw.client("ecr").put_image(
                repositoryName=NAME, imageManifest=MANIFEST, imageTag=image.tag
            )
            return str(put["image"]["imageId"]["imageDigest"])

        monkeypatch.setattr(RegistryPublisher, "publish", publish)
        monkeypatch.setattr(RegistryPublisher, "needs_docker", False)
        prepare(aws)
        yield aws


def without_action(action: str) -> Any:
    return lambda one: {**one, "Action": [each for each in one["Action"] if each != action]}


def assert_minimal(restriction: Restriction) -> None:
    """
    Each statement is needed by one request at least.
    """
    for number, statement in enumerate(restriction.statements):
        less = [*restriction.statements[:number], *restriction.statements[number + 1 :]]
        denied = [one for one in restriction.allowed if not allows(less, one)]
        assert denied, f"not needed: {statement}"


@pytest.mark.slow
@pytest.mark.parametrize("what", SPECS)
def test_it_is_sufficient_and_minimal(account: StrictAws, tmp_path: Path, what: str) -> None:
    """
    All that is done with a stack is allowed, and less isn't enough.
    """
    spec = a_spec(tmp_path, SPECS[what])
    restriction = restrict(account, spec)
    live(account, spec)
    assert_enough(restriction)
    assert_minimal(restriction)


@pytest.mark.slow
def test_parts_can_be_taken_away(account: StrictAws, tmp_path: Path) -> None:
    """
    The policy of a spec lets go what the spec no longer asks for; tables and buckets stay.
    """
    make(account, a_spec(tmp_path, FULL), by=account.another())
    account.clock.advance(60)
    plain = a_spec(tmp_path, {})
    restriction = restrict(account, plain)
    here: dict[str, Any] = {"session": account.session, "clock": account.clock}
    made = ensure_stack(plain, **here)
    assert {"Schedule", "ScheduleGroup", "Repository"} <= {
        item.resource_type for item in made.plan.items if item.action.name == "DELETE"
    }
    assert plan_stack(plain, **here).empty
    assert len(destroy_stack(NAME, **here).kept) == 2
    assert_enough(restriction)


@pytest.mark.slow
def test_parts_can_be_added(account: StrictAws, tmp_path: Path) -> None:
    """
    Also a boundary, to roles that have none.
    """
    make(account, a_spec(tmp_path, {}), by=account.another())
    account.clock.advance(60)
    spec = a_spec(tmp_path, FULL)
    restriction = restrict(account, spec)
    make(account, spec)
    destroy_stack(NAME, session=account.session, clock=account.clock, delete_data=True)
    assert_enough(restriction)


@pytest.mark.slow
def test_what_somebody_changes_can_be_put_back(account: StrictAws) -> None:
    """
    Every update is allowed, and of no statement an action can be left out.
    """
    place = DriftedStack(account)
    restriction = restrict(account, TAGGED)
    for change in (*(change for change, _ in DRIFTS.values()), moved):
        account.clock.advance(60)
        change(place)
        account.clock.advance(10)
        place.stack = make(account, TAGGED)
    make(account, SPEC)
    account.clock.advance(600)
    destroy_stack(NAME, session=account.session, clock=account.clock, delete_data=True)
    live(account, TAGGED)
    actions = {action for one in restriction.statements for action in one["Action"]}
    left_out = {one for one in actions if not needed(restriction, without_action(one))}
    assert_enough(restriction)
    assert {one for one in left_out if not one.startswith("ecr:")} <= UNASKED, sorted(left_out)


UNASKED = {
    "iam:CreateServiceLinkedRole",  # the roles are there: it was asked for before
    "logs:DeleteRetentionPolicy",  # asked for with log_retention=None
    "ec2:DeleteLaunchTemplate",  # for what a stack has had that ran on instances
    "iam:DeleteInstanceProfile",
    "iam:GetInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile",
    "ec2:DeleteRoute",  # a route goes with its table
    "ec2:RevokeSecurityGroupEgress",  # the group of a stack lets everything out
    "ec2:ReplaceRouteTableAssociation",  # asked for only if the subnet's new table is the faster
}


@pytest.mark.parametrize("given", [{}, {**STORES, "boundary": BOUNDARY}], ids=["plain", "full"])
def test_nothing_of_others_is_touched(
    account: StrictAws, tmp_path: Path, given: dict[str, Any]
) -> None:
    """
    What EC2 has of others can neither be deleted nor taken over by the stack's tag.
    """
    ec2: Any = account.raw.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc"))
    vpc = other["Vpc"]["VpcId"]
    restrict(account, a_spec(tmp_path, given))
    mine: Any = account.session.client("ec2")
    own = [{"Key": "batchkit:stack", "Value": NAME}]
    denied = "UnauthorizedOperation"
    assert refusal(mine.delete_vpc, VpcId=vpc)[0] == denied
    assert refusal(mine.create_tags, Resources=[vpc], Tags=own)[0] == denied
    assert refusal(mine.create_vpc, CidrBlock="10.8.0.0/16")[0] == denied
    assert refusal(mine.create_subnet, VpcId=vpc, CidrBlock="10.9.1.0/24")[0] == denied
    named = refusal(
        account.session.client("logs").delete_log_group, logGroupName="/batchkit/films-2"
    )
    assert named[0] == "AccessDeniedException"


def test_a_boundary_binds(account: StrictAws, tmp_path: Path) -> None:
    """
    No role gets a policy or a trust without it, and it can't be taken off or replaced.
    """
    policy = policy_of(account, a_spec(tmp_path, {"boundary": BOUNDARY}))
    role = f"arn:aws:iam::123456789012:role/batchkit/{NAME}/x"
    actions = ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary")
    for action in (*actions, "UpdateAssumeRolePolicy"):
        for boundary, allowed in ((BOUNDARY, True), (f"{BOUNDARY}-2", False), ("", False)):
            context = (("iam:PermissionsBoundary", boundary),) if boundary else ()
            asked = AccessRequest(f"iam:{action}", role, context)
            assert allows(policy["Statement"], asked) is allowed, asked
    bound = (("iam:PermissionsBoundary", BOUNDARY),)
    for action in ("DeleteRolePermissionsBoundary", "CreatePolicyVersion", "CreateUser"):
        for resource in (role, BOUNDARY):
            asked = AccessRequest(f"iam:{action}", resource, bound)
            assert not allows(policy["Statement"], asked)
    passed = (("iam:PassedToService", "ec2.amazonaws.com"),)
    assert not allows(policy["Statement"], AccessRequest("iam:PassRole", role, passed))


def known(action: str) -> list[dict[str, Any]]:
    """
    The resources on which IAM authorises *action*, each with its condition keys.
    """
    rows = get_action_data(*action.split(":"))
    assert rows, f"IAM knows no {action}"
    return [row for listed in rows.values() for row in listed]


def is_of(arn: str, form: str) -> bool:
    """
    Whether an ARN, or the pattern of one, has the form that IAM's reference gives.
    """
    of, wanted = arn.split(":", 5), form.split(":", 5)
    if form == "*" or of[2] != wanted[2]:
        return False
    return meet(of[5], re.sub(r"\$\{\w+\}", "*", wanted[5]))


@lru_cache(maxsize=None)
def meet(one: str, other: str) -> bool:
    """
    Whether there is a text that both patterns match.
    """
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return one[0] == other[0] and meet(one[1:], other[1:])


@pytest.mark.parametrize("what", SPECS)
def test_iam_knows_every_action_on_its_resources(
    account: StrictAws, tmp_path: Path, what: str
) -> None:
    """
    No statement has an action without a resource for it, or a resource or condition without action.
    """
    for statement in policy_of(account, a_spec(tmp_path, SPECS[what]))["Statement"]:
        rows = {one: known(one) for one in statement["Action"] if not one.endswith("*")}
        arns = [one for one in statement["Resource"] if one != "*"]
        by_action = {
            action: {arn for arn in arns for row in of if is_of(arn, row["resource_arn_format"])}
            for action, of in rows.items()
        }
        if arns:
            assert all(by_action.values()), statement
            assert set.union(*by_action.values()) == set(arns), statement
        keys = {key for of in statement.get("Condition", {}).values() for key in of}
        for key in keys:
            form = re.sub(r"(aws:\w+Tag)/.*", r"\1/${TagKey}", key)
            assert all(any(form in row["condition_keys"] for row in of) for of in rows.values())


LONGEST = {**FULL, "bucket": "b" * 63, "table": "t" * 100, "boundary": BOUNDARY + "-" * 120}


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "us-gov-east-1"])
def test_it_fits_iams_limit(tmp_path: Path, region: str) -> None:
    """
    Usual names give one policy; the longest several, which allow the same together.
    """
    session = boto3.Session("key", "secret", region_name=region)
    with mock_aws():
        usual = stack_policy(a_spec(tmp_path, FULL), session=session)
        plain = stack_policy(a_spec(tmp_path, {"name": "n" * 40}), session=session)
        longest = stack_policy(a_spec(tmp_path, {**LONGEST, "name": "n" * 40}), session=session)
    assert plain.documents == [plain]
    assert len(usual.documents) == (1 if length(usual) <= LIMIT else 2)
    assert len(longest.documents) == 2
    for document in (*usual.documents, *plain.documents, *longest.documents):
        assert length(document) <= LIMIT == 6144
        assert document["Version"] == "2012-10-17"
    together = [repr(one) for document in longest.documents for one in document["Statement"]]
    assert sorted(together) == sorted(map(repr, longest["Statement"]))
