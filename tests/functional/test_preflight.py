"""
Preflight: what is missing is found before anything is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from account_fixture import AccountFixture, account
from batchkit import (
    Nat,
    PreflightError,
    Severity,
    StackSpec,
    allow,
    dynamodb_write,
    ensure_stack,
    kms_decrypt,
    preflight,
    s3_read,
)
from batchkit._diagnosis.finding import Diagnosis, Finding
from fakes import mutating
from inventory import inventory
from serving import answering_daemon

ROLE = "arn:aws:iam::123456789012:role/deployers/deployer"
SESSION = "arn:aws:sts::123456789012:assumed-role/deployer/me"
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def a_spec(**changes: Any) -> StackSpec:
    return StackSpec(**{"name": "films", "image": "public.ecr.aws/x/y:1", **changes})


def told(found: Diagnosis) -> dict[str, Severity]:
    return {one.subject: one.severity for one in found}


def answer(there: AccountFixture, event: str, *answers: Any, status: int = 200) -> list[Any]:
    """
    AWS answers so from now on; returns what it is asked.
    """
    asked: list[Any] = []

    def handler(params: Any, **_: Any) -> Any:
        asked.append(params)
        given = answers[min(len(asked), len(answers)) - 1]
        return Mock(spec=AWSResponse, status_code=status), given

    there.session.events.register(f"before-call.{event}", handler)
    return asked


def test_nothing_stands_in_the_way_of_an_empty_account(there: AccountFixture) -> None:
    """
    No finding, and no call that changes anything.
    """
    with there.calls() as seen:
        assert preflight(a_spec(), session=there.session) == []
    assert mutating(seen) == []


def test_what_the_secrets_name_must_be_there(there: AccountFixture) -> None:
    """
    Whatever is wanted of a secret; one of another region or account isn't looked for.
    """
    secrets, at = there.secretsmanager, "arn:aws:ssm:us-east-1:123456789012:parameter"
    arn = secrets.create_secret(Name="films", SecretString="x")["ARN"]
    there.ssm.put_parameter(Name="/films/key", Value="k", Type="String")
    given = {
        "A": f"{arn}:user::",
        "B": arn.rpartition("-")[0],
        "C": arn.replace("films", "filns"),
        "D": f"{at}/films/key",
        "E": f"{at}/films/other",
        "F": arn.replace("us-east-1", "eu-west-1"),
    }
    found = preflight(a_spec(secrets=given), session=there.session)
    assert told(found) == {"secret C": Severity.ERROR, "secret E": Severity.ERROR}


def test_a_secret_with_a_key_of_its_own_needs_a_grant(there: AccountFixture) -> None:
    """
    The finding says which; the keys of AWS need none.
    """
    keys = {"A": "alias/films", "B": "alias/aws/secretsmanager"}
    secrets = {
        name: there.secretsmanager.create_secret(Name=name, SecretString="x", KmsKeyId=key)["ARN"]
        for name, key in keys.items()
    }
    (one,) = preflight(a_spec(secrets=secrets), session=there.session)
    assert one.subject == "secret A"
    assert one.fix == 'Give execution_grants=[kms_decrypt("alias/films")].'
    granted = a_spec(secrets=secrets, execution_grants=kms_decrypt("alias/films"))
    assert preflight(granted, session=there.session) == []


def test_what_the_grants_name_must_be_there(there: AccountFixture) -> None:
    """
    A bucket, an object, a table; those that the stack makes, and patterns, aren't looked for.
    """
    there.s3.create_bucket(Bucket="films-there")
    grants = [
        *(s3_read("films-gone"), s3_read("films-there", "no/key"), s3_read("films-own")),
        *(dynamodb_write("gone"), dynamodb_write("own"), allow("sqs:SendMessage")),
    ]
    spec = a_spec(grants=grants, bucket="films-own", table="own")
    assert told(preflight(spec, session=there.session)) == {
        "bucket films-gone": Severity.ERROR,
        "table gone": Severity.ERROR,
        "object films-there/no/key": Severity.WARNING,
    }
    there.s3.put_object(Bucket="films-there", Key="no/key", Body=b"")
    spec = a_spec(grants=[s3_read("films-there", "no/key")])
    assert preflight(spec, session=there.session) == []


def test_an_image_of_ecr_must_be_there(there: AccountFixture, tmp_path: Path) -> None:
    """
    Under that tag, in this account.
    """
    spec = a_spec(image=f"{ECR}/films:v1")
    assert told(preflight(spec, session=there.session)) == {f"image {ECR}/films:v1": Severity.ERROR}
    there.ecr.create_repository(repositoryName="films")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    there.session.fake_image(f"{ECR}/films:v1", tmp_path)
    assert preflight(spec, session=there.session) == []
    other = a_spec(image=f"{ECR.replace('1', '9')}/films:v1")
    assert preflight(other, session=there.session) == []


def test_quotas_that_are_used_up_are_found(there: AccountFixture) -> None:
    """
    Of the network as long as the stack has none; of vCPUs.
    """
    answer(there, "service-quotas.GetServiceQuota", {"Quota": {"Value": 1.0}})
    there.vpc()
    found = preflight(a_spec(vcpus=2, memory=4096), session=there.session)
    assert {one.subject for one in found} == {"quota L-F678F1CE", "quota L-3032A538"}
    small = preflight(a_spec(vcpus=0.5, memory=1024), session=there.session)
    assert told(small)["quota L-3032A538"] is Severity.WARNING
    ensure_stack(a_spec(), session=there.session, clock=there.clock)
    again = preflight(a_spec(), session=there.session)
    assert {one.subject for one in again} == {"quota L-3032A538"}


@pytest.mark.parametrize(
    ("states", "used_up"),
    [
        ({"available": 4, "failed": 3, "deleted": 3}, False),
        ({"available": 3, "pending": 1, "deleting": 1}, True),
    ],
)
def test_nat_gateways_are_counted_in_the_zone_of_the_stack(
    there: AccountFixture, states: dict[str, int], used_up: bool
) -> None:
    """
    Each zone has a quota of its own, and those that failed or are gone don't count.
    """
    answer(there, "service-quotas.GetServiceQuota", {"Quota": {"Value": 5.0}})
    subnets = there.ec2.describe_subnets()["Subnets"]
    first, other = sorted(subnets, key=lambda one: str(one["AvailabilityZone"]))[:2]
    mine = [
        {"SubnetId": first["SubnetId"], "State": state}
        for state, many in states.items()
        for _ in range(many)
    ]
    others = [{"SubnetId": other["SubnetId"], "State": "available"}] * 4
    answer(there, "ec2.DescribeNatGateways", {"NatGateways": [*mine, *others]})
    found = preflight(a_spec(), session=there.session)
    assert ("quota L-FE5A380F" in told(found)) is used_up


def test_permissions_are_simulated(there: AccountFixture) -> None:
    """
    For the role behind the session, path and all; what is denied is named.
    """
    answer(there, "sts.GetCallerIdentity", {"Account": "123456789012", "Arn": SESSION})
    answer(there, "iam.GetRole", {"Role": {"Arn": ROLE}})
    denied = {"EvalActionName": "batch:SubmitJob", "EvalDecision": "implicitDeny"}
    allowed = {"EvalActionName": "batch:ListJobs", "EvalDecision": "allowed"}
    simulated = {"EvaluationResults": [denied, allowed]}
    asked = answer(there, "iam.SimulatePrincipalPolicy", simulated)
    (one,) = preflight(a_spec(), session=there.session)
    assert one.subject == f"caller {ROLE}" and "batch:SubmitJob" in one.message
    assert "batch:ListJobs" not in one.message
    assert all(params["body"]["PolicySourceArn"] == ROLE for params in asked)


def test_what_may_not_be_looked_at_is_a_warning(there: AccountFixture) -> None:
    """
    The other checks go on.
    """
    error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    answer(there, "service-quotas.GetServiceQuota", error, status=403)
    found = preflight(a_spec(grants=[s3_read("films-gone")]), session=there.session)
    assert told(found) == {
        "bucket films-gone": Severity.ERROR,
        "network quotas": Severity.WARNING,
        "fargate quota": Severity.WARNING,
    }


def test_without_credentials_that_is_all_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    And how to get some.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    session = boto3.Session(region_name="us-east-1")
    (one,) = preflight(a_spec(), session=session)
    assert one.subject == "credentials" and "AWS_PROFILE" in one.fix


@pytest.mark.parametrize(
    ("named", "told_so"),
    [
        (["us-west-1a"], "Fargate isn't in us-west-1a (usw1-az2); there are us-west-1b"),
        (["us-west-1b", "usw1-az1"], "two of them are the same zone"),
    ],
)
def test_zones_that_do_not_serve_stop_a_stack_before_it_begins(
    named: list[str], told_so: str
) -> None:
    """
    One without Fargate, and one that is named twice: by name and by id.
    """
    with account("us-west-1") as there:
        listed = [
            {"ZoneName": "us-west-1a", "ZoneId": "usw1-az2"},
            {"ZoneName": "us-west-1b", "ZoneId": "usw1-az1"},
        ]
        answer(there, "ec2.DescribeAvailabilityZones", {"AvailabilityZones": listed})
        spec = a_spec(network=Nat(zones=named))
        found = preflight(spec, session=there.session)
        assert any(one.subject == "network.zones" and told_so in one.message for one in found)
        before = inventory(there)
        with pytest.raises(PreflightError, match="network.zones"):
            ensure_stack(spec, session=there.session, clock=there.clock)
        assert inventory(there) == before


def test_too_few_zones_stop_a_stack_before_it_begins(there: AccountFixture) -> None:
    """
    The account is left as it was.
    """
    one_zone = {"AvailabilityZones": [{"ZoneName": "us-east-1a"}]}
    answer(there, "ec2.DescribeAvailabilityZones", one_zone)
    before = inventory(there)
    with pytest.raises(PreflightError, match="network.zones") as caught:
        ensure_stack(a_spec(network=Nat(zones=2)), session=there.session, clock=there.clock)
    assert len(caught.value.findings) == 1
    assert inventory(there) == before
    assert "network.zones" in told(preflight(a_spec(network=Nat(zones=2)), session=there.session))


class NeedsDocker(boto3.Session):
    """
    A session onto an account where an image must really be built.
    """


def test_without_docker_nothing_is_made(
    there: AccountFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the image must be built; a plan that changes nothing needs no Docker.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    session = NeedsDocker(region_name="us-east-1")
    before = inventory(there)
    with pytest.raises(PreflightError, match="Docker"):
        ensure_stack(a_spec(image=tmp_path), session=session, clock=there.clock)
    assert inventory(there) == before
    ensure_stack(a_spec(image=tmp_path), session=there.session, clock=there.clock)
    again = ensure_stack(a_spec(image=tmp_path), session=session, clock=there.clock)
    assert again.plan.empty


def test_a_credential_helper_that_is_not_installed_is_told(
    there: AccountFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With the file and key that name it; most images are built without, so it stops nothing.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    file = tmp_path / "config.json"
    file.write_text('{"credsStore": "desktop.exe", "credHelpers": {"gcr.io": "gcloud-none"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    session = NeedsDocker(region_name="us-east-1")
    with answering_daemon() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        found = preflight(a_spec(image=tmp_path), session=session)
    told_of = {one.subject: one.severity for one in found if "Docker" not in one.subject}
    assert told_of == {
        f"credsStore in {file}": Severity.WARNING,
        f"credHelpers.gcr.io in {file}": Severity.WARNING,
    }


def test_a_dockerfile_that_needs_buildkit_is_refused_before_anything_is_made(
    there: AccountFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where docker's buildx, which would build it, isn't installed; the word and line are told.
    """
    (tmp_path / "Dockerfile").write_text("FROM scratch\nRUN <<EOF\ntrue\nEOF\n")
    session = NeedsDocker(region_name="us-east-1")
    monkeypatch.setenv("PATH", "/nowhere")
    before = inventory(there)
    with answering_daemon() as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(PreflightError, match="BuildKit .RUN <<EOF in line 2.") as caught:
            ensure_stack(a_spec(image=tmp_path), session=session, clock=there.clock)
    (found,) = caught.value.findings
    assert isinstance(found, Finding) and found.subject == "Dockerfile"
    assert inventory(there) == before
