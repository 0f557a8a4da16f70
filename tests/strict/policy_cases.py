"""
The specs for which the deployer's policy is enforced, and all that is done with a stack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchkit import (
    Ec2,
    Fargate,
    StackSpec,
    allow,
    destroy_stack,
    ensure_stack,
    plan_stack,
    preflight,
    s3_read,
    stack_policy,
)
from batchkit._engine.policy import Policy

from .broken_stacks import SINGLE
from .simulator import StrictAws
from .simulator.access.evaluation import allows
from .simulator.access.restriction import Restriction
from .simulator.batch.placement import QUOTAS
from .stacks import BUCKET, NAME, SPEC, TABLE

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/edge"
FOREIGN = "210987654321.dkr.ecr.us-east-1.amazonaws.com/paintings:1"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": SINGLE, "layers": []})
OWN = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/pictures"
GRANTS = (s3_read("films-given", "in/one"), allow("sqs:SendMessage"))
STORES = {"schedule": "rate(1 day)", "table": TABLE, "bucket": BUCKET}
FULL = {
    "image": "folder",
    "compute": Fargate(spot=True),
    "boundary": BOUNDARY,
    "grants": GRANTS,
    "tags": {"team": "red"},
    **STORES,
}
HERE = f"us-east-1:{ACCOUNT}"
SECRETS = {
    "PASSWORD": f"arn:aws:secretsmanager:{HERE}:secret:films:user::",
    "TOKEN": f"arn:aws:ssm:{HERE}:parameter/token",
}
SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "linked": {"compute": Fargate(spot=True, service_role="linked")},
    "schedule": {"schedule": "rate(1 day)"},
    "EC2": {"compute": Ec2(), "vcpus": 4},
    "Spot with GPUs": {"compute": Ec2(spot=True, disk=200), "vcpus": 4, "gpus": 1},
    "table": {"table": TABLE},
    "bucket": {"bucket": BUCKET},
    "boundary": {"boundary": BOUNDARY},
    "grants": {"grants": GRANTS},
    "image in ECR": {"image": f"{OWN}:1"},
    "image of another account": {"image": FOREIGN},
    "folder": {"image": "folder"},
    "secrets": {"secrets": SECRETS},
    "everything": FULL,
}


def a_spec(folder: Path, given: dict[str, Any]) -> StackSpec:
    """
    The spec that differs from the plainest by *given*.
    """
    fields = {"name": NAME, "image": SPEC.image, **given}
    if fields["image"] == "folder":
        (folder / "Dockerfile").write_text("FROM scratch\nCMD load\n")
        fields["image"] = folder
    return StackSpec(**fields)


def prepare(aws: StrictAws) -> None:
    """
    What has been in the account for long: a boundary, a bucket that grants name, quotas.
    """
    everything = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    )
    aws.raw.client("iam").create_policy(PolicyName="edge", PolicyDocument=everything)
    s3: Any = aws.raw.client("s3")
    s3.create_bucket(Bucket="films-given")
    s3.put_object(Bucket="films-given", Key="in/one", Body=b"")
    ecr: Any = aws.raw.client("ecr")
    ecr.create_repository(repositoryName="pictures")
    ecr.put_image(repositoryName="pictures", imageManifest=MANIFEST, imageTag="1")
    aws.raw.client("secretsmanager").create_secret(Name="films", SecretString='{"user": "x"}')
    aws.raw.client("ssm").put_parameter(Name="token", Value="x", Type="SecureString")
    for code in QUOTAS.values():
        aws.account.add("quota", code, value=100.0)


def restrict(aws: StrictAws, spec: StackSpec) -> Restriction:
    """
    Has the first process be allowed what the policy of *spec* allows.
    """
    return aws.first.restrict(*policy_of(aws, spec).documents)


def policy_of(aws: StrictAws, spec: StackSpec) -> Policy:
    """
    The policy of *spec*.
    """
    return stack_policy(spec, session=aws.another().session)


def live(aws: StrictAws, spec: StackSpec) -> None:
    """
    Does all that can be done with a stack, as the first process.
    """
    here: dict[str, Any] = {"session": aws.session, "clock": aws.clock}
    found = preflight(spec, **here)
    assert [one for one in found if not one.subject.startswith("image")] == []
    assert not [one for one in found if "not checked" in one.message]
    assert plan_stack(spec, **here).changes
    stack = ensure_stack(spec, **here)
    assert plan_stack(spec, **here).empty
    run = stack.run().wait(check=False)
    assert run.tail() == [] == [*run.logs()]
    assert len(run.explain()) == (spec.image == FOREIGN)
    job = stack.submit(["load"], array_size=2)
    aws.clock.advance(90)
    stack.submit(key="once").cancel("a holiday")
    stack.run().cancel()
    stack.map([str(number) * 3000 for number in range(9)])
    assert stack.runs() and [*job.logs()] == []
    assert len(stack.diagnose()) == (spec.image == FOREIGN)
    aws.clock.advance(600)
    destroy_stack(spec, delete_data=True, **here)


def assert_enough(restriction: Restriction) -> None:
    """
    Nothing was refused but to tell of roles that aren't there, which have no ARN yet.
    """
    refused = {
        (one.action, one.resource)
        for one in restriction.refused
        if not one.resource.startswith("role ")
        or one.action not in ("iam:ListAttachedRolePolicies", "iam:GetRolePolicy")
    }
    assert refused == set()


def needed(restriction: Restriction, without: Callable[[Any], Any]) -> bool:
    """
    Whether something that was allowed is not, if *without* is done to the statements.
    """
    less = [one for one in map(without, restriction.statements) if one["Action"]]
    return not all(allows(less, request) for request in restriction.allowed)
