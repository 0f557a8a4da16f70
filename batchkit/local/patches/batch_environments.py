"""
Patches for AWS Batch: compute environments.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from moto.batch import models
from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend
from moto.batch.responses import BatchResponse

from batchkit.local.patches.batch_errors import ObjectAlreadyExists
from batchkit.local.patches.iam import linked_role
from batchkit.local.patches.patch import Patches
from batchkit.local.runtime.account import announce

PATCHES = Patches()

PATCHES.value(
    models,
    "COMPUTE_ENVIRONMENT_NAME_REGEX",
    re.compile(r"^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$"),
    reason="CreateComputeEnvironment accepts names of one and two characters, but moto refuses "
    "them",
)


_OWN_CHOICE = ("default_x86_64", "default_arm64")
_WITHOUT_INSTANCES = {"instanceTypes": ["optimal"], "desiredvCpus": 0}


def complete(response: Any, **defaults: Any) -> dict[str, Any]:
    """
    The request's body has *defaults* for the fields that it lacked. Returns the body.
    """
    body = {**defaults, **json.loads(response.body)}
    response.body = json.dumps(body)
    return body


@PATCHES(
    BatchResponse,
    "createcomputeenvironment",
    reason="CreateComputeEnvironment uses the service-linked role and ENABLED by default, but "
    "moto requires serviceRole and state",
)
def create_environment(original: Any, self: Any) -> str:
    role = json.loads(self.body).get("serviceRole")
    complete(self, state="ENABLED", serviceRole=role or linked_role(self.batch_backend))
    answer: str = original(self)
    return answer


@PATCHES(
    BatchBackend,
    "create_compute_environment",
    reason="CreateComputeEnvironment refuses a name in use with ClientException 'Object already "
    "exists' and HTTP 409, but moto answers InvalidParameterValue and HTTP 400; for minvCpus it "
    "starts instances, which stay when the environment is gone",
)
def create_once(original: Any, self: Any, **given: Any) -> Any:
    if self.get_compute_environment_by_name(given["compute_environment_name"]) is not None:
        raise ObjectAlreadyExists
    resources = given["compute_resources"]
    if resources:
        self._validate_compute_resources(resources)
        given["compute_resources"] = {**resources, **_WITHOUT_INSTANCES}
    environment = original(self, **given)
    environment.compute_resources = resources
    environment.uuid = str(uuid4())
    return environment


@PATCHES(
    BatchBackend,
    "_validate_compute_resources",
    reason="CreateComputeEnvironment refuses compute resources without security groups or "
    "subnets with ClientException, but moto raises KeyError; it takes default_x86_64 and "
    "default_arm64 for instance types, but moto knows only optimal",
)
def validate_resources(original: Any, self: Any, resources: dict[str, Any]) -> None:
    for name in ("securityGroupIds", "subnets"):
        if not resources.get(name):
            raise ClientException(f"{name} are required.")
    types = [one for one in resources.get("instanceTypes") or () if one not in _OWN_CHOICE]
    original(self, {**resources, "instanceTypes": types or ["optimal"]})


@PATCHES(
    BatchBackend,
    "describe_compute_environments",
    reason="DescribeComputeEnvironments returns uuid, containerOrchestrationType and the status "
    "reason 'ComputeEnvironment Healthy', but moto returns none of them",
)
def describe_environments(original: Any, self: Any, names: Any = None) -> list[dict[str, Any]]:
    return [{**described, **_also(self, described)} for described in original(self, names)]


def _also(backend: Any, described: dict[str, Any]) -> dict[str, Any]:
    environment = backend.get_compute_environment_by_arn(described["computeEnvironmentArn"])
    return {
        "statusReason": "ComputeEnvironment Healthy",
        "containerOrchestrationType": "ECS",
        "uuid": getattr(environment, "uuid", ""),
    }


@PATCHES(
    BatchBackend,
    "update_compute_environment",
    reason="UpdateComputeEnvironment changes computeResources and names a missing environment "
    "in its error, but moto ignores the resources and doesn't fill in the name",
)
def update_environment(original: Any, self: Any, **given: Any) -> Any:
    name = given["compute_environment_name"]
    environment = self.get_compute_environment(name)
    if environment is None:
        raise ClientException(f"{name} does not exist")
    resources = given["compute_resources"]
    if resources:
        changed = {field: value for field, value in resources.items() if value not in (None, [])}
        merged = {**environment.compute_resources, **changed}
        self._validate_compute_resources(merged)
        environment.compute_resources = merged
    answer = original(self, **given)
    announce()
    return answer


@PATCHES(
    BatchBackend,
    "delete_compute_environment",
    reason="DeleteComputeEnvironment refuses an environment that is ENABLED or in a queue and "
    "removes its tags and cluster, but moto deletes it at once, keeps its tags and still "
    "lists its cluster",
)
def delete_environment(original: Any, self: Any, name: str) -> None:
    environment = self.get_compute_environment(name)
    if environment is None:
        return
    if any(environment in queue.environments for queue in self._job_queues.values()):
        raise ClientException("Cannot delete, found existing JobQueue relationship")
    if environment.state == "ENABLED":
        raise ClientException("Cannot delete, compute environment must be DISABLED first")
    original(self, name)
    self.tagger.delete_all_tags_for_resource(environment.arn)
    self.ecs_backend.clusters.pop(environment.ecs_name, None)
