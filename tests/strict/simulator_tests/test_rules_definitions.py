"""
Job definitions.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..helpers import code_of, refusal
from ..simulator import StrictAws
from .batch_helpers import NEEDS, definition

TINY = {"type": "MEMORY", "value": "1"}


@pytest.mark.rule(79)
@pytest.mark.parametrize(
    ("container", "fragment"),
    [
        ({"executionRoleArn": ""}, "executionRoleArn is required for Fargate jobs."),
        ({"privileged": True}, "privileged"),
        ({"ulimits": [{"name": "n", "softLimit": 1, "hardLimit": 1}]}, "ulimits is not applicable"),
        ({"resourceRequirements": [NEEDS[0], TINY]}, "1 MiB) not valid"),
        ({"resourceRequirements": [*NEEDS, NEEDS[0]]}, "Cannot provide duplicates"),
        ({"resourceRequirements": [NEEDS[1]]}, "vCPU is required."),
        ({"logConfiguration": {"logDriver": "json-file"}}, "not valid: json-file"),
        (
            {"logConfiguration": {"logDriver": "awslogs", "options": {"x": "y"}}},
            "disallows options: x",
        ),
        ({"ephemeralStorage": {"sizeInGiB": 20}}, "21 GiB to 200 GiB"),
        ({"volumes": [{"host": {"sourcePath": "/x"}, "name": "v"}]}, "host.sourcePath"),
        ({"linuxParameters": {"swappiness": 1}}, "swappiness is not allowed"),
        ({"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}, ""),
        ({"runtimePlatform": {"operatingSystemFamily": "MACOS"}}, "supports only one from"),
    ],
)
def test_definitions_are_checked(
    strict_aws: StrictAws, container: dict[str, Any], fragment: str
) -> None:
    """
    What Fargate can't run is refused, with AWS's words where they are known.
    """
    batch = strict_aws.session.client("batch")
    code, message = refusal(batch.register_job_definition, **definition(**container))
    assert (code, fragment in message) == ("ClientException", True)


@pytest.mark.rule(79)
@pytest.mark.parametrize(
    "fields",
    [
        {"retryStrategy": {"attempts": 11}},
        {"timeout": {"attemptDurationSeconds": 59}},
        {"jobDefinitionName": "no spaces"},
        {"platformCapabilities": ["EC2"], "containerProperties": {"runtimePlatform": {}}},
    ],
)
def test_definitions_have_limits(strict_aws: StrictAws, fields: dict[str, Any]) -> None:
    """
    Too many attempts, too short a time, and bad names are refused; the plain one is not.
    """
    batch = strict_aws.session.client("batch")
    wrong = {**definition(), **fields}
    assert code_of(batch.register_job_definition, **wrong) == "ClientException"
    assert batch.register_job_definition(**definition())["revision"] == 1


@pytest.mark.rule(136)
def test_definitions_and_submissions_have_a_size(strict_aws: StrictAws) -> None:
    """
    What is too large is refused, whatever makes it so.
    """
    batch = strict_aws.session.client("batch")
    large = definition(environment=[{"name": "A", "value": "x" * 25_000}])
    assert code_of(batch.register_job_definition, **large) == "ClientException"
    job: Any = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}
    overrides = {"environment": [{"name": "A", "value": "x" * 8200}]}
    assert code_of(batch.submit_job, containerOverrides=overrides, **job) == "ClientException"
    assert strict_aws.hits[136] == 2


@pytest.mark.rule(80)
def test_definitions_are_read_back_normalised(strict_aws: StrictAws) -> None:
    """
    Empty values are dropped, empty lists added, actions lower-cased; revisions go on counting.
    """
    batch = strict_aws.session.client("batch")
    retry = {"attempts": 2, "evaluateOnExit": [{"onReason": "x*", "action": "RETRY"}]}
    environment = [{"name": "B", "value": ""}, {"name": "A", "value": "1"}]
    first = {**definition(environment=environment), "retryStrategy": retry}
    batch.register_job_definition(**first)
    assert batch.register_job_definition(**definition())["revision"] == 2
    found = batch.describe_job_definitions(jobDefinitionName="loader")["jobDefinitions"]
    one, two = sorted(found, key=lambda each: each["revision"])
    assert one["containerProperties"]["environment"] == [{"name": "A", "value": "1"}]
    assert one["containerProperties"]["mountPoints"] == []
    assert one["retryStrategy"]["evaluateOnExit"][0]["action"] == "retry"
    assert "retryStrategy" not in two


@pytest.mark.rule(4, 80)
def test_definitions_are_deregistered_by_revision(strict_aws: StrictAws) -> None:
    """
    A bare or unknown name is refused; what is INACTIVE is listed unless asked for ACTIVE ones.
    """
    batch = strict_aws.session.client("batch")
    for _ in range(3):
        batch.register_job_definition(**definition())
    for wrong in ("loader", "loader:9", "other:1"):
        refused = code_of(batch.deregister_job_definition, jobDefinition=wrong)
        assert refused == "ClientException"
    batch.deregister_job_definition(jobDefinition="loader:1")
    pages = batch.get_paginator("describe_job_definitions")
    every = pages.paginate(jobDefinitionName="loader").build_full_result()["jobDefinitions"]
    active = pages.paginate(jobDefinitionName="loader", status="ACTIVE").build_full_result()
    assert (len(every), len(active["jobDefinitions"])) == (3, 2)
