"""
Rules on crafted facts: situations of AWS that the embedded one doesn't come to.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchkit._diagnosis import explain, troubleshooting as _troubleshooting
from batchkit._diagnosis.facts import JobFacts
from batchkit._diagnosis.finding import Finding, Rule
from batchkit._diagnosis.images import platforms
from batchkit._diagnosis.roles import RoleFacts
from batchkit._jobs.jobs import parse
from batchkit._jobs.state import State
from batchkit.errors import AwsError
from fakes import FakeClock

ENVIRONMENT: dict[str, Any] = {
    "computeEnvironmentName": "films-1",
    "computeEnvironmentArn": "arn:ce",
    "state": "ENABLED",
    "status": "VALID",
    "computeResources": {
        "type": "FARGATE",
        "maxvCpus": 4,
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
    },
}
QUEUE: dict[str, Any] = {
    "jobQueueName": "films",
    "jobQueueArn": "arn:queue/films",
    "state": "ENABLED",
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "arn:ce"}],
}
SUBNET = {"SubnetId": "subnet-1", "VpcId": "vpc-1"}
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/films@sha256:1"


class FakeAnswers:
    """
    Answers from a table by the operation's name, or refuses; what isn't in it is absent.
    """

    region = "us-east-1"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.clock = FakeClock()

    def call(self, call: Any, resource: str = "") -> Any:
        answer = self.answers.get(call.operation.name)
        if isinstance(answer, AwsError):
            raise answer
        return answer


def facts(
    job: dict[str, Any] | None = None, state: State | None = None, **answers: Any
) -> JobFacts:
    """
    A queue with an environment, and what AWS answers besides.
    """
    usual = {
        "DescribeJobQueues": {"jobQueues": [QUEUE]},
        "DescribeComputeEnvironments": {"computeEnvironments": [ENVIRONMENT]},
        "ListJobs": {"jobSummaryList": []},
        "DescribeJobs": {"jobs": []},
    }
    given = parse({"jobId": "1", "jobName": "films", "status": "FAILED", **job}) if job else None
    aws: Any = FakeAnswers({**usual, **answers})
    return JobFacts(aws, "films", "films", given, state)


def rule(name: str) -> Rule:
    return next(one for one in explain.RULES if one.name == name)


def found(name: str, given: JobFacts) -> list[Finding]:
    chosen = rule(name)
    return list(chosen.check(given, chosen))


def subnets(*routes: dict[str, Any], main: bool = False, **answers: Any) -> dict[str, Any]:
    """
    What EC2 answers for a subnet with these routes.
    """
    association = {"Main": True} if main else {"SubnetId": "subnet-1"}
    table = {"VpcId": "vpc-1", "Associations": [association], "Routes": list(routes)}
    return {
        "DescribeSubnets": {"Subnets": [SUBNET]},
        "DescribeRouteTables": {"RouteTables": [table]},
        **answers,
    }


def route(**target: str) -> dict[str, str]:
    return {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-capacity", "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill"),
        ("no-capacity", "Capacity is unavailable at this time. Please try again later"),
        ("registry-refuses", "CannotPullContainerError: toomanyrequests: You have reached"),
        ("registry-refuses", "CannotPullContainerError: pull access denied for x, may not exist"),
        ("undetermined", "UNDETERMINED - Batch job is blocked, root cause is undetermined."),
        ("spot-reclaimed", "Your Spot Task was interrupted."),
        ("spot-reclaimed", "Host EC2 (instance i-1) terminated."),
        ("out-of-memory", "OutOfMemoryError: Container killed due to memory usage"),
        ("timed-out", "Job attempt duration exceeded timeout"),
        ("dependency-failed", "Dependent Job failed"),
        ("image-missing", "CannotPullContainerError: repo: manifest unknown"),
        ("wrong-architecture", "image Manifest does not contain descriptor matching platform 'x'"),
        ("secret-unreadable", "ResourceInitializationError: secretsmanager:GetSecretValue denied"),
        (
            "registry-unreachable",
            "ResourceInitializationError: unable to pull secrets or registry auth: no route",
        ),
        ("registry-unreachable", "CannotPullContainerError: dial tcp: i/o timeout"),
        ("unknown-reason", "Something that nobody knows"),
    ],
)
def test_a_reason_alone_is_enough(name: str, reason: str) -> None:
    """
    Of the job, of its container or of an attempt.
    """
    where: list[dict[str, Any]] = [
        {"statusReason": reason},
        {"container": {"reason": reason}},
        {"attempts": [{"container": {"reason": reason}}]},
    ]
    assert [len(found(name, facts(job))) for job in where] == [1, 1, 1]
    assert found(name, facts({"statusReason": "all is well", "status": "RUNNING"})) == []


def test_more_memory_is_named() -> None:
    """
    A size that Fargate has for so many vCPUs, twice as large.
    """
    wanted = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    job = {"container": {"exitCode": 137, "resourceRequirements": wanted}}
    (one,) = found("out-of-memory", facts(job))
    assert "memory=4096" in one.fix


def test_the_execution_that_took_too_long_is_found() -> None:
    """
    Although its job has no such reason.
    """
    assert found("timed-out", facts(None, State("TIMED_OUT")))


@pytest.mark.parametrize(
    ("routes", "answers", "told"),
    [
        ([], {}, "no route"),
        ([{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}], {}, "no route"),
        ([route(NatGatewayId="nat-1", State="blackhole")], {}, "nat-1 is gone"),
        ([route(NatGatewayId="nat-1")], {}, "nat-1 is gone"),
        (
            [route(NatGatewayId="nat-1")],
            {
                "DescribeNatGateways": {
                    "NatGateways": [{"NatGatewayId": "nat-1", "State": "failed"}]
                }
            },
            "nat-1 is failed",
        ),
        ([route(GatewayId="igw-1")], {}, "no public address"),
    ],
)
@pytest.mark.parametrize("main", [True, False])
def test_a_way_that_leads_nowhere_is_found(
    routes: list[dict[str, Any]], answers: dict[str, Any], told: str, main: bool
) -> None:
    """
    In the subnet's own table, or the VPC's main one.
    """
    (one,) = found("no-way-out", facts(**subnets(*routes, main=main, **answers)))
    assert told in one.message


def test_a_way_out_is_in_order() -> None:
    """
    Through a NAT gateway that is available, or with a public address.
    """
    gateways = {"NatGateways": [{"NatGatewayId": "nat-1", "State": "available"}]}
    nat = subnets(route(NatGatewayId="nat-1"), DescribeNatGateways=gateways)
    assert found("no-way-out", facts(**nat)) == []
    public = {"container": {"networkConfiguration": {"assignPublicIp": "ENABLED"}}}
    assert found("no-way-out", facts(public, **subnets(route(GatewayId="igw-1")))) == []
    assert found("subnet-missing", facts(**nat)) == []


def test_a_subnet_that_is_gone_is_found() -> None:
    """
    The other one is there.
    """
    two = {**ENVIRONMENT["computeResources"], "subnets": ["subnet-1", "subnet-2"]}
    answer = {"computeEnvironments": [{**ENVIRONMENT, "computeResources": two}]}
    given = facts(DescribeComputeEnvironments=answer, **subnets())
    assert [one.subject for one in found("subnet-missing", given)] == ["Subnet subnet-2"]


def test_port_443_must_be_let_out() -> None:
    """
    By any protocol or TCP, to somewhere.
    """
    anywhere = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    cases = {
        True: [
            {"IpProtocol": "-1", **anywhere},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **anywhere},
        ],
        False: [
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **anywhere},
            {"IpProtocol": "-1"},
            {"IpProtocol": "udp", **anywhere},
        ],
    }
    for lets_out, permissions in cases.items():
        for permission in permissions:
            group = {"GroupId": "sg-1", "IpPermissionsEgress": [permission]}
            given = facts(DescribeSecurityGroups={"SecurityGroups": [group]})
            assert bool(found("no-egress", given)) is not lets_out


def test_an_index_that_lacks_the_platform_is_found() -> None:
    """
    Before the job has run; attestations don't count.
    """
    listed = [{"platform": {"architecture": name}} for name in ("arm64", "unknown")]
    answers: dict[str, Any] = {
        "DescribeImages": {"imageDetails": [{"imageDigest": "sha256:1"}]},
        "BatchGetImage": {"images": [{"imageManifest": json.dumps({"manifests": listed})}]},
    }
    job = {"container": {"image": IMAGE}}
    (one,) = found("wrong-architecture", facts(job, **answers))
    assert "arm64" in one.message and "X86_64" in one.message
    arm = {"container": {"image": IMAGE, "runtimePlatform": {"cpuArchitecture": "ARM64"}}}
    assert found("wrong-architecture", facts(arm, **answers)) == []


def test_what_a_role_allows_is_read_from_its_policies() -> None:
    """
    Wildcards, lists, NotAction; a Deny without a condition wins.
    """

    def role(*statements: dict[str, Any]) -> RoleFacts:
        return RoleFacts("arn:role/x", True, {}, [{"Statement": list(statements)}])

    allow = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}
    assert role(allow).allows("ecr:BatchGetImage")
    assert not role(allow).allows("logs:PutLogEvents")
    assert not role(allow, {**allow, "Effect": "Deny"}).allows("ecr:BatchGetImage")
    assert role(allow, {**allow, "Effect": "Deny", "Condition": {"x": 1}}).allows("ecr:X")
    assert role({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}).allows("ecr:X")
    one = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": ["arn:aws:s3:::a/*"]}
    assert role(one).allows("s3:GetObject", "arn:aws:s3:::a/b")
    assert not role(one).allows("s3:GetObject", "arn:aws:s3:::b/b")
    but = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::a/*"}
    assert role(one, but).allows("s3:GetObject", "arn:aws:s3:::a/b")
    assert not role(one, {**but, "NotResource": "x"}).allows("s3:GetObject", "arn:aws:s3:::a/b")


def test_a_role_of_the_same_name_elsewhere_is_another_one() -> None:
    """
    Its path is part of its ARN; a bare name has none.
    """
    document: dict[str, Any] = {"Statement": []}
    actual = {"Arn": "arn:aws:iam::1:role/b/x", "AssumeRolePolicyDocument": document}
    answers: dict[str, Any] = {"GetRole": {"Role": actual}}
    given = facts(**answers)
    arns = ("arn:aws:iam::1:role/b/x", "x", "arn:aws:iam::1:role/a/x")
    there = {arn: given.role(arn).there for arn in arns}
    assert list(there.values()) == [True, True, False]


def test_a_log_group_of_another_region_is_not_looked_for() -> None:
    """
    Nor one that the job makes by itself, nor one for another driver.
    """
    answers: dict[str, Any] = {"DescribeLogGroups": {"logGroups": []}}

    def lost(driver: str = "awslogs", **options: str) -> bool:
        logs = {"logDriver": driver, "options": {"awslogs-group": "/x", **options}}
        given = facts({"container": {"logConfiguration": logs}}, **answers)
        return bool(found("log-group-missing", given))

    assert lost() and lost(**{"awslogs-region": "us-east-1"})
    assert not lost(**{"awslogs-region": "eu-west-1"})
    assert not lost(**{"awslogs-create-group": "true"}) and not lost(driver="splunk")


def test_a_reason_that_no_rule_knows_is_repeated() -> None:
    """
    Of a job that waits, too; not the one of an attempt that was made before.
    """
    job = {"status": "RUNNABLE", "statusReason": "MISCONFIGURATION:NEW - something"}
    (one,) = found("unknown-reason", facts(job))
    assert one.message == "Batch holds it back: MISCONFIGURATION:NEW - something"
    assert found("unknown-reason", facts({**job, "attempts": [{}]})) == []


def test_a_manifest_that_is_no_index_names_no_platforms() -> None:
    """
    Nor does what is no manifest at all.
    """
    assert platforms("no JSON") == platforms("[]") == platforms("") == set()


def test_what_may_not_be_asked_is_kept_in_mind() -> None:
    """
    Jobs and lines, too: they count as none.
    """
    refused = AwsError("batch:x", "AccessDenied", "no")
    logs = facts(
        {"container": {"exitCode": 1, "logStreamName": "x"}},
        GetLogEvents=AwsError("logs:GetLogEvents", "AccessDenied", "no"),
    )
    (one,) = found("program-failed", logs)
    assert "wrote nothing" in one.message and len(logs.reader.refused) == 1
    asked = facts({"dependsOn": [{"jobId": "2"}]}, ListJobs=refused, DescribeJobs=refused)
    assert asked.queues.busy == 0 and asked.others == [] and len(asked.reader.refused) == 2


@pytest.mark.parametrize(
    ("role", "told"), [(None, "isn't there"), ("ec2.amazonaws.com", "doesn't trust batch")]
)
def test_a_service_role_that_batch_has_not_tried_yet_is_found(role: str | None, told: str) -> None:
    """
    The compute environment is still VALID.
    """
    allowed = {"Effect": "Allow", "Principal": {"Service": role}, "Action": "sts:AssumeRole"}
    actual = {"Role": {"AssumeRolePolicyDocument": {"Statement": [allowed]}}} if role else None
    environment = {**ENVIRONMENT, "serviceRole": "arn:aws:iam::1:role/batch"}
    answer = {"computeEnvironments": [environment]}
    (one,) = found("service-role", facts(DescribeComputeEnvironments=answer, GetRole=actual))
    assert one.subject == "Role batch" and told in one.message


def test_the_page_of_troubles_is_made_of_the_rules(request: pytest.FixtureRequest) -> None:
    """
    `python -m batchkit._diagnosis.troubleshooting > docs/troubleshooting.md` writes it.
    """
    page = (request.config.rootpath / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert page == _troubleshooting.page()
    assert [page.count(f"### {one.name}\n") for one in explain.RULES] == [1] * len(explain.RULES)
