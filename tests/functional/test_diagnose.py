"""
Stuck and failed jobs: each situation is built, found, and mended by what the finding says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.awsrequest import AWSResponse

from batchkit import (
    ComputeEnvironment,
    Fargate,
    JobFailed,
    NatGateway,
    RouteTable,
    Run,
    SecurityGroup,
    Stack,
    Subnet,
    describe_stack,
)
from batchkit.resources.families import FARGATE
from runs_lab import Stand, stand

REGION = "us-east-1"
SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:films"
NOBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
SLOW = "import time; time.sleep(30)"

Break = Callable[[Stand], object]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("job"), secrets={"PASSWORD": SECRET}) as made:
        made.secretsmanager.create_secret(Name="films", SecretString="x")
        yield made


def rules(found: Any) -> list[str]:
    return [one.rule for one in found]


def role(part: str) -> str:
    return f"films_{part}-{REGION}"


def no_role(there: Stand, part: str) -> None:
    name = role(part)
    for policy in there.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        there.iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in there.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        there.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    there.iam.delete_role(RoleName=name)


def no_rights(there: Stand) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    there.iam.detach_role_policy(RoleName=role("exec"), PolicyArn=arn)


def no_image(there: Stand) -> None:
    images = there.ecr.describe_images(repositoryName="films")["imageDetails"]
    ids = [{"imageDigest": image["imageDigest"]} for image in images]
    there.ecr.batch_delete_image(repositoryName="films", imageIds=ids)


def no_egress(there: Stand) -> None:
    group = there.stack.arn(SecurityGroup)
    actual = there.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    there.ec2.revoke_security_group_egress(
        GroupId=group, IpPermissions=actual["IpPermissionsEgress"]
    )


def private_table(there: Stand) -> str:
    tables = [one for one in there.stack.resources if isinstance(one, RouteTable)]
    return next(str(one.id) for one in tables if one.name.endswith("private"))


def no_route(there: Stand) -> None:
    there.ec2.delete_route(RouteTableId=private_table(there), DestinationCidrBlock="0.0.0.0/0")


def distrusted(part: str) -> Break:
    return lambda there: there.iam.update_assume_role_policy(
        RoleName=role(part), PolicyDocument=NOBODY
    )


FAILED: dict[str, tuple[Break, str]] = {
    "queue-disabled": (
        lambda there: there.batch.update_job_queue(jobQueue="films", state="DISABLED"),
        "JobQueue films",
    ),
    "environment-disabled": (
        lambda there: there.batch.update_compute_environment(
            computeEnvironment=there.stack.arn(ComputeEnvironment), state="DISABLED"
        ),
        "ComputeEnvironment films_",
    ),
    "no-egress": (no_egress, "SecurityGroup sg-"),
    "image-missing": (no_image, "image 123456789012.dkr.ecr"),
    "log-group-missing": (
        lambda there: there.logs.delete_log_group(logGroupName="/batchkit/films"),
        "LogGroup /batchkit/films",
    ),
    "execution-role-rights": (no_rights, "Role films_exec"),
    "execution-role-trust": (distrusted("exec"), "Role films_exec"),
    "execution-role-missing": (lambda there: no_role(there, "exec"), "Role films_exec"),
    "job-role-trust": (distrusted("job"), "Role films_job"),
    "job-role-missing": (lambda there: no_role(there, "job"), "Role films_job"),
    "service-role": (distrusted("batch"), "Role films_batch"),
    "secret-unreadable": (
        lambda there: there.iam.delete_role_policy(RoleName=role("exec"), PolicyName="batchkit"),
        "secret PASSWORD",
    ),
}


def test_a_stack_as_it_was_made_has_nothing_wrong(there: Stand) -> None:
    """
    No finding, not even a remark.
    """
    assert there.stack.diagnose() == []
    assert str(there.stack.diagnose()) == "nothing is wrong"


@pytest.mark.parametrize("rule", FAILED)
def test_what_is_broken_is_found_and_mended_by_its_fix(rule: str, there: Stand) -> None:
    """
    One finding, of that rule; its fix is `ensure_stack`, after which there is none.
    """
    break_it, subject = FAILED[rule]
    break_it(there)
    found = there.stack.diagnose()
    assert rules(found) == [rule]
    assert found[0].subject.startswith(subject)
    assert "ensure_stack(spec)" in found[0].fix
    assert found.errors == found
    there.patch()
    assert there.stack.diagnose() == []


def test_a_nat_gateway_that_is_gone_is_named(there: Stand) -> None:
    """
    Its route is a black hole; there are no endpoints instead.
    """
    gateway = there.stack.arn(NatGateway)
    there.ec2.delete_nat_gateway(NatGatewayId=gateway)
    found = there.stack.diagnose()
    assert rules(found) == ["no-way-out"]
    assert gateway in found[0].message and "ecr.dkr" in found[0].message
    there.patch()
    assert there.stack.diagnose() == []


def test_a_missing_route_is_found_unless_there_are_endpoints(there: Stand) -> None:
    """
    A subnet without a way out is in order if ECR, Logs, Secrets Manager and S3 have endpoints.
    """
    no_route(there)
    assert rules(there.stack.diagnose()) == ["no-way-out"]
    subnet = there.ec2.describe_subnets(SubnetIds=[there.stack.arn(Subnet)])["Subnets"][0]
    made = [
        there.ec2.create_vpc_endpoint(
            VpcId=subnet["VpcId"],
            ServiceName=f"com.amazonaws.{REGION}.{name}",
            **(
                {"VpcEndpointType": "Gateway", "RouteTableIds": [private_table(there)]}
                if name == "s3"
                else {"VpcEndpointType": "Interface"}
            ),
        )["VpcEndpoint"]["VpcEndpointId"]
        for name in ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3")
    ]
    assert there.stack.diagnose() == []
    there.ec2.delete_vpc_endpoints(VpcEndpointIds=made)
    there.patch()
    assert there.stack.diagnose() == []


def test_a_queue_that_is_gone_is_found(there: Stand) -> None:
    """
    And made again by the fix.
    """
    there.batch.update_job_queue(jobQueue="films", state="DISABLED")
    there.batch.delete_job_queue(jobQueue="films")
    assert rules(there.stack.diagnose()) == ["queue-missing"]
    there.patch()
    assert there.stack.diagnose() == []


def test_a_job_that_waits_says_why(there: Stand) -> None:
    """
    Too large for its compute environments; so do the stack, and the limit of waiting.
    """
    run = there.stack.submit(vcpus=8, memory=16384)
    there.until(run, lambda one: one.status == "RUNNABLE")
    for found in (run.explain(), there.stack.diagnose()):
        assert rules(found) == ["job-too-large"]
        assert "8 vCPUs" in found[0].message and "max_vcpus=8" in found[0].fix
    run.cancel("too large")
    run.wait(30, check=False)


def test_a_job_behind_others_waits_its_turn(there: Stand) -> None:
    """
    That is no error.
    """
    there.fine()
    running = there.python(SLOW, vcpus=4, memory=8192)
    there.until(running, lambda one: one.status == "RUNNING")
    found = there.stack.diagnose()
    assert rules(found) == ["queue-full"]
    assert found.errors == []
    assert running.explain() == []
    running.cancel("over")
    running.wait(30, check=False)


def test_a_job_that_depends_on_another_names_it(there: Stand) -> None:
    """
    While it waits, and after the other has failed.
    """
    first = there.python(SLOW)
    second = there.python("print(2)", depends_on=[first])
    there.until(second, lambda one: one.status == "PENDING")
    assert rules(second.explain()) == ["waits-for-others"]
    first.cancel("fails")
    with pytest.raises(JobFailed) as caught:
        second.wait(30)
    assert rules(caught.value.findings) == ["dependency-failed"]
    assert first.arn in str(caught.value)


@pytest.mark.parametrize(
    ("program", "rule", "told"),
    [
        ("print('x'); raise SystemExit(3)", "program-failed", "exit code 3: x"),
        ("raise SystemExit(5)", "program-failed", "exit code 5, and wrote nothing"),
        ("import os; os.kill(os.getpid(), 9)", "out-of-memory", "512 MiB"),
        ("print('exec /app: exec format error'); exit(1)", "wrong-architecture", "X86_64"),
        ("raise SystemExit(127)", "command-not-found", "can't be started"),
    ],
)
def test_a_job_that_has_failed_says_why(program: str, rule: str, told: str, there: Stand) -> None:
    """
    From its exit code, reason and last line.
    """
    found = there.ended(program).explain()
    assert rules(found) == [rule]
    assert told in found[0].message


def test_a_command_that_isnt_there_is_found(there: Stand) -> None:
    """
    The container never started.
    """
    found = there.stack.submit(["nonesuch"]).wait(30, check=False).explain()
    assert rules(found) == ["command-not-found"]
    assert "nonesuch" in found[0].message


def test_a_job_that_took_too_long_is_found(there: Stand) -> None:
    """
    With the limit that it had.
    """
    made = there.batch.submit_job(
        jobName="slow",
        jobQueue="films",
        jobDefinition="films",
        containerOverrides={"command": ["python", "-c", SLOW]},
        timeout={"attemptDurationSeconds": 1},
    )
    run = Run.from_arn(made["jobId"], session=there.session)
    found = run.wait(30, check=False).explain()
    assert rules(found) == ["timed-out"]
    assert "1 s" in found[0].message


def test_a_job_that_someone_ended_is_no_error(there: Stand) -> None:
    """
    The finding repeats the reason that was given; the stack has nothing wrong.
    """
    run = there.python(SLOW)
    there.until(run, lambda one: one.status == "RUNNING")
    run.cancel("a holiday")
    found = run.wait(30, check=False).explain()
    assert rules(found) == ["ended-by-someone"] and found.errors == []
    assert "a holiday" in found[0].message
    assert there.stack.diagnose() == []


def test_a_run_that_went_well_has_nothing_to_explain(there: Stand) -> None:
    """
    Also of the state machine.
    """
    assert there.stack.run(wait=True).explain() == []


def test_an_execution_without_a_job_says_why(there: Stand) -> None:
    """
    The state machine could not submit it.
    """
    there.batch.update_job_queue(jobQueue="films", state="DISABLED")
    there.batch.delete_job_queue(jobQueue="films")
    with pytest.raises(JobFailed) as caught:
        there.stack.run().wait(60)
    assert rules(caught.value.findings) == ["not-submitted"]
    there.patch()


@contextmanager
def answering(there: Stand, event: str, answer: Callable[..., Any]) -> Iterator[Stack]:
    """
    The stack, as a caller sees it to whom AWS answers so.
    """
    there.session.events.register(f"before-call.{event}", answer)
    try:
        yield describe_stack(there.spec.name, session=there.session)
    finally:
        there.session.events.unregister(f"before-call.{event}", answer)


def test_the_quota_of_fargate_is_looked_at(there: Stand) -> None:
    """
    Six vCPUs, four in use, four more wanted.
    """
    asked: list[str] = []

    def six(params: Any, **_: Any) -> Any:
        asked.append(json.loads(params["body"])["QuotaCode"])
        return Mock(spec=AWSResponse, status_code=200), {"Quota": {"Value": 6.0}}

    there.fine()
    running = there.python(SLOW, vcpus=4, memory=8192)
    there.until(running, lambda one: one.status == "RUNNING")
    there.patch(vcpus=4, memory=8192, compute=Fargate(max_vcpus=16))
    with answering(there, "service-quotas.GetServiceQuota", six) as stack:
        found = stack.diagnose()
    assert rules(found) == ["fargate-quota"]
    assert "4 vCPUs are in use and the job wants 4" in found[0].message
    assert set(asked) == {(FARGATE.quota or ("", ""))[1]}
    running.cancel("over")
    running.wait(30, check=False)
    there.patch()


def test_a_failed_run_that_was_mended_since_says_what_it_was(there: Stand) -> None:
    """
    The log group is back; the job's reason tells that it wasn't there.
    """
    there.logs.delete_log_group(logGroupName="/batchkit/films")
    run = there.stack.submit().wait(30, check=False)
    there.patch()
    found = run.explain()
    assert rules(found) == ["log-group-missing"]
    assert "run the job again" in found[0].fix


def test_what_may_not_be_seen_is_said(there: Stand) -> None:
    """
    The other rules go on; a remark names the call.
    """

    def refuse(**_: Any) -> Any:
        error = {"Error": {"Code": "AccessDenied", "Message": "not allowed"}}
        return Mock(spec=AWSResponse, status_code=403), error

    there.fine()
    with answering(there, "ecr.DescribeImages", refuse) as stack:
        found = stack.diagnose()
    assert rules(found) == ["not-seen"]
    assert found[0].subject == "ecr:DescribeImages"
    assert found.errors == []
