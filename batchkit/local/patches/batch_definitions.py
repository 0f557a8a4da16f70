"""
Job definitions as AWS Batch keeps them.
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
    reason="moto gives a new revision the first one's platform, and the last one's retries",
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
    reason="AWS tells the orchestration, and says nothing of what was not given",
)
def describe_definition(original: Any, self: Any) -> dict[str, Any]:
    told = {key: value for key, value in original(self).items() if value is not None}
    return {**told, "containerOrchestrationType": "ECS"}


@PATCHES(
    BatchBackend,
    "get_job_definitions",
    reason="AWS finds name:revision too",
)
def find_definitions(original: Any, self: Any, identifier: str) -> list[Any]:
    name, _, revision = identifier.partition(":")
    if revision.isdigit():
        found = self.get_job_definition_by_name_revision(name, revision)
        return [found] if found else []
    known: list[Any] = original(self, identifier)
    return known


@PATCHES(
    BatchResponse,
    "describejobdefinitions",
    reason="moto answers with everything on one page",
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
    reason="a bare name is the latest ACTIVE revision; a DISABLED queue takes no jobs",
)
def submit(original: Any, self: Any, name: str, definition: str, queue: str, **given: Any) -> Any:
    if ":" not in definition:
        definition = _latest_active(self, definition)
    held = self.get_job_queue(queue)
    if held is not None and held.state != "ENABLED":
        raise ClientException(f"{queue} is DISABLED and takes no new jobs")
    return original(self, name, definition, queue, **given)


def _latest_active(backend: Any, name: str) -> str:
    active = [d for d in backend.get_job_definitions(name) if d.status == "ACTIVE"]
    if not active:
        raise ClientException(f"JobDefinition {name} does not exist")
    return str(max(active, key=lambda definition: definition.revision).arn)
