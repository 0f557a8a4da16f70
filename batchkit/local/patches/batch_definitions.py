"""
Patches for AWS Batch: job definitions.
"""

from __future__ import annotations

import json
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobDefinition
from moto.batch.responses import BatchResponse

from batchkit.local.patches.patch import Patches

PATCHES = Patches()

_PAGE = 100
_NEW: Any = JobDefinition


@PATCHES(
    BatchBackend,
    "register_job_definition",
    reason="RegisterJobDefinition keeps only what the new revision was given, but moto copies "
    "the platform of the previous revision and its retries",
)
def register(original: Any, self: Any, **given: Any) -> Any:
    name = given.pop("def_name")
    latest = self.get_job_definition_by_name(name)
    if latest is None:
        return original(self, def_name=name, **given)
    for rule in (given["retry_strategy"] or {}).get("evaluateOnExit", ()):
        rule["action"] = rule["action"].lower()
    definition = _NEW(name=name, revision=latest.revision, backend=self, **given)
    self._job_definitions[definition.arn] = definition
    return definition


@PATCHES(
    JobDefinition,
    "describe",
    reason="DescribeJobDefinitions returns containerOrchestrationType and leaves out what was "
    "not given, but moto returns no orchestration and returns nulls",
)
def describe_definition(original: Any, self: Any) -> dict[str, Any]:
    described = {key: value for key, value in original(self).items() if value is not None}
    return {**described, "containerOrchestrationType": "ECS"}


@PATCHES(
    BatchBackend,
    "get_job_definitions",
    reason="DescribeJobDefinitions accepts name:revision, but moto finds definitions only by "
    "name or ARN",
)
def find_definitions(original: Any, self: Any, identifier: str) -> list[Any]:
    name, _, revision = identifier.partition(":")
    if revision.isdigit():
        found = self.get_job_definition_by_name_revision(name, revision)
        return [found] if found else []
    every: list[Any] = original(self, identifier)
    return every


@PATCHES(
    BatchResponse,
    "describejobdefinitions",
    reason="DescribeJobDefinitions answers in pages, but moto ignores maxResults and nextToken",
)
def describe_definitions(original: Any, self: Any) -> str:
    body = json.loads(self.body or "{}")
    found = json.loads(original(self))["jobDefinitions"]
    start = int(body.get("nextToken") or 0)
    end = start + int(body.get("maxResults") or _PAGE)
    page: dict[str, Any] = {"jobDefinitions": found[start:end]}
    if end < len(found):
        page["nextToken"] = str(end)
    return json.dumps(page)


@PATCHES(
    BatchBackend,
    "submit_job",
    reason="SubmitJob takes the latest ACTIVE revision for a bare name and refuses a DISABLED "
    "queue, but moto takes INACTIVE revisions and any queue",
)
def submit(original: Any, self: Any, name: str, definition: str, queue: str, **given: Any) -> Any:
    if ":" not in definition:
        definition = _latest_active(self, definition)
    target = self.get_job_queue(queue)
    if target is not None and target.state != "ENABLED":
        raise ClientException(f"{queue} is DISABLED and takes no new jobs")
    return original(self, name, definition, queue, **given)


def _latest_active(backend: Any, name: str) -> str:
    active = [d for d in backend.get_job_definitions(name) if d.status == "ACTIVE"]
    if not active:
        raise ClientException(f"JobDefinition {name} does not exist")
    return str(max(active, key=lambda definition: definition.revision).arn)
