"""
Resources on their own, other regions, and sessions that can't be used.
"""

from __future__ import annotations

from typing import Any

import boto3
import pytest

import batchkit
from account_fixture import AccountFixture, account
from batchkit import (
    AwsError,
    BatchkitError,
    Bucket,
    CredentialsError,
    ElasticIp,
    FargateEnvironment,
    Image,
    ImageSource,
    JobQueue,
    LogGroup,
    Network,
    Repository,
    Role,
    Schedule,
    SecurityGroup,
    SpecError,
    StackSpec,
    StateMachine,
    Table,
    destroy_stack,
    ensure_bucket,
    ensure_network,
    ensure_stack,
    list_stacks,
    plan_stack,
    stack_policy,
)
from batchkit._engine.aws import Aws
from batchkit._model.values import references
from fakes import FakeClock, mutating
from inventory import inventory

PLAIN: dict[str, Any] = {
    "role": lambda there: Role(name="r", service="states.amazonaws.com"),
    "security_group": lambda there: SecurityGroup(name="g", vpc=there.vpc()),
    "job_queue": lambda there: JobQueue(name="q", compute_environments=[there.environment()]),
    "repository": lambda there: Repository(name="films"),
    "log_group": lambda there: LogGroup(name="films"),
    "table": lambda there: Table(name="films"),
    "bucket": lambda there: Bucket(name="films"),
    "state_machine": lambda there: StateMachine(
        name="m",
        definition={"StartAt": "E", "States": {"E": {"Type": "Succeed"}}},
        role=there.role(),
    ),
    "schedule": lambda there: Schedule(
        name="s", group="g", expression="rate(1 day)", target=there.machine(), role=there.role()
    ),
}


@pytest.mark.parametrize("name", PLAIN)
def test_each_is_ensured_on_its_own(name: str, there: AccountFixture) -> None:
    """
    It comes back as the same class with its ARN or id; the second time nothing changes.
    """
    ensure = getattr(batchkit, f"ensure_{name}")
    desired = PLAIN[name](there)
    made = ensure(desired, session=there.session, clock=there.clock)
    assert type(made) is type(desired) and not list(references(made.identity))
    assert made.arn if name != "security_group" else made.id
    with there.calls() as seen:
        again = ensure(desired, session=there.session, clock=there.clock)
    assert mutating(seen) == [] and again.identity == made.identity


def test_an_image_is_ensured_on_its_own(there: AccountFixture, tmp_path: Any) -> None:
    """
    Its URI has the digest; what ECR has is not pushed again.
    """
    (tmp_path / "Dockerfile").write_text("FROM alpine\n")
    source = ImageSource(tmp_path)
    there.ensure(Repository(name="films"))
    uri = there.ecr.describe_repositories()["repositories"][0]["repositoryUri"]
    tag = source.tag("linux/amd64")
    image = Image(name="films", repository=uri, source=source, platform="linux/amd64", tag=tag)
    made = batchkit.ensure_image(image, session=there.session, clock=there.clock)
    assert made.uri == f"{uri}@{made.digest}"
    with there.calls() as seen:
        again = batchkit.ensure_image(image, session=there.session, clock=there.clock)
    assert mutating(seen) == [] and again.uri == made.uri


def test_a_network_is_ensured_as_one(there: AccountFixture) -> None:
    """
    With its ids and its public address; the second time nothing changes.
    """
    desired = Network(name="films", zones=2)
    made = ensure_network(desired, session=there.session, clock=there.clock)
    assert made.vpc and len(made.private_subnets) == 2 and made.security_group
    assert made.address in [one["PublicIp"] for one in there.ec2.describe_addresses()["Addresses"]]
    with there.calls() as seen:
        assert ensure_network(desired, session=there.session, clock=there.clock) == made
    assert mutating(seen) == []


def test_the_wrong_kind_is_refused(there: AccountFixture) -> None:
    """
    Before anything is asked.
    """
    with there.calls() as seen, pytest.raises(SpecError, match="a Bucket"):
        wrong: Any = Table(name="films")
        ensure_bucket(wrong, session=there.session)
    assert seen == []


def test_what_went_wrong_is_raised_itself(there: AccountFixture) -> None:
    """
    One resource needs no report about many.
    """
    machine = StateMachine(name="m", definition={"bad": 1}, role=there.role())
    with pytest.raises(AwsError, match="StateMachine m: stepfunctions:CreateStateMachine"):
        batchkit.ensure_state_machine(machine, session=there.session, clock=there.clock)
    assert there.decide(ElasticIp(name="e")).action.value == "create"


def test_more_zones_than_there_are_is_told(there: AccountFixture) -> None:
    """
    The region and the numbers are named.
    """
    with pytest.raises(BatchkitError, match="us-east-1 has 6 availability zones"):
        there.aws.zones.find(17)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "aws-cn"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-gov-east-1", "aws-us-gov"),
    ],
)
def test_other_partitions_have_their_own_arns(region: str, partition: str) -> None:
    """
    No ARN of the stack or its policy is of another partition.
    """
    spec = StackSpec(name="movies", image="alpine:3", schedule="rate(1 day)")
    with account(region) as there:
        outputs = ensure_stack(spec, session=there.session, clock=there.clock).outputs
        document = stack_policy(spec, session=there.session)
        assert plan_stack(spec, session=there.session, clock=there.clock).empty
    arns = [one for one in outputs.values() if one.startswith("arn:")]
    assert len(arns) >= 10 and all(arn.startswith(f"arn:{partition}:") for arn in arns)
    resources = [arn for one in document["Statement"] for arn in one["Resource"] if arn != "*"]
    assert all(arn.startswith(f"arn:{partition}:") for arn in resources)


def test_a_stack_of_the_same_name_in_another_region_is_another_stack(there: AccountFixture) -> None:
    """
    They share no role, and destroying one leaves the other as it was.
    """
    spec = StackSpec(name="movies", image="alpine:3", schedule="rate(1 day)")
    other = boto3.Session("key", "secret", region_name="eu-west-1")
    ensure_stack(spec, session=there.session, clock=there.clock)
    before = inventory(there)
    made = ensure_stack(spec, session=other, clock=there.clock)
    roles = {name for name in made.outputs if name.startswith("Role ")}
    assert len(roles) == 5 and all(name.endswith("-eu-west-1") for name in roles)
    destroy_stack("movies", session=other, clock=there.clock)
    assert inventory(there) == before
    assert plan_stack(spec, session=there.session, clock=there.clock).empty
    assert list_stacks(session=other) == []


def test_no_region_and_no_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With what to set, and without a call.
    """
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(CredentialsError, match="AWS_DEFAULT_REGION"):
        Aws(boto3.Session("key", "secret"), FakeClock()).region
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CredentialsError, match="NoCredentialsError"):
        plan_stack(
            StackSpec(name="movies", image="alpine:3"),
            session=boto3.Session(region_name="us-east-1"),
            clock=FakeClock(),
        )


@pytest.mark.parametrize("name", [None, "", "Movies", 7, "*"])
def test_a_name_that_no_stack_has_is_refused(name: Any, there: AccountFixture) -> None:
    """
    Before anything is asked: a teardown by a wrong name must not find anything.
    """
    with there.calls() as seen, pytest.raises(SpecError, match="name"):
        destroy_stack(name, session=there.session)
    assert seen == []


def test_an_environment_turned_off_is_made_so(there: AccountFixture) -> None:
    """
    AWS takes no other state at creation, so it is turned off after it.
    """
    vpc = there.vpc()
    desired = FargateEnvironment(
        name="films",
        subnets=[there.subnet(vpc)],
        security_groups=[there.group(vpc)],
        service_role=there.role(),
        enabled=False,
    )
    there.ensure(desired)
    (made,) = there.batch.describe_compute_environments()["computeEnvironments"]
    assert made["state"] == "DISABLED" and there.decide(desired).action.value == "keep"
