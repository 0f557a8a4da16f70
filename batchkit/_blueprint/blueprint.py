"""
The blueprint of a stack: the list of its resources, joined by references.

Everything else walks this one list: plan, ensure, destroy, policy, and the tables in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from batchkit._blueprint.roles import Roles
from batchkit._engine.apply import needs
from batchkit._model.names import digest
from batchkit._model.resource import Resource
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.ecr import Repository
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.image import PLATFORMS, Image, ImageSource
from batchkit.resources.image_reference import ImageReference, is_tag_in_ecr
from batchkit.resources.logs import LockGroup, LogGroup, group_name
from batchkit.resources.network import Network, NetworkMembers
from batchkit.resources.queues import JobQueue
from batchkit.resources.schedule import Schedule, ScheduleGroup
from batchkit.resources.states import StateMachine, run_job
from batchkit.spec import StackSpec

Tagger = Callable[[ImageSource, str], str]


def resources(spec: StackSpec, region: str, tagger: Tagger = ImageSource.tag) -> list[Resource]:
    """
    Everything that *spec* asks for, in *region*, with the longest path first.
    """
    common: dict[str, Any] = {"stack": spec.name, "tags": spec.tags}
    network = Network(
        name=spec.name, cidr=spec.cidr, availability_zones=spec.availability_zones, **common
    ).members
    roles = Roles.of(spec, region, common)
    stores = [store for store in (spec.table, spec.bucket) if isinstance(store, Resource)]
    logs = LogGroup(name=group_name(spec.name), retention=spec.log_retention, **common)
    image_uri, images = _image(spec, region, tagger, common)
    environments = _environments(spec, network, roles, common)
    queue = _queue(spec, environments, logs, common)
    definition = _definition(spec, image_uri, roles, logs, common)
    machine = _machine(spec, queue, definition, roles, common)
    return [
        *network.all,
        *roles.all,
        *(_store(store, spec) for store in stores),
        logs,
        *images,
        *environments,
        queue,
        definition,
        machine,
        *_schedule(spec, roles, machine, queue, common),
    ]


def _environments(
    spec: StackSpec, network: NetworkMembers, roles: Roles, common: dict[str, Any]
) -> list[ComputeEnvironment]:
    """
    Where jobs run, the cheapest first.
    """
    return [
        ComputeEnvironment(
            name=_environment_name(spec, resource_type),
            type=resource_type,
            max_vcpus=spec.max_vcpus,
            subnets=[subnet.id for subnet in network.private],
            security_groups=[network.group.id],
            service_role=roles.service.arn if roles.service else None,
            **common,
        )
        for resource_type in (["FARGATE_SPOT", "FARGATE"] if spec.spot else ["FARGATE"])
    ]


def _queue(
    spec: StackSpec,
    environments: Sequence[ComputeEnvironment],
    logs: LogGroup,
    common: dict[str, Any],
) -> JobQueue:
    return JobQueue(
        name=spec.name,
        compute_environments=[environment.arn for environment in environments],
        priority=spec.priority,
        runnable_limit=spec.runnable_limit,
        # Lines that are still on their way when the queue goes must not make the group anew.
        depends_on=(logs.exists,),
        **common,
    )


def _definition(
    spec: StackSpec, image: str, roles: Roles, logs: LogGroup, common: dict[str, Any]
) -> JobDefinition:
    return JobDefinition(
        name=spec.name,
        image=image,
        vcpus=spec.vcpus,
        memory=spec.memory,
        command=spec.command,
        environment=spec.environment,
        secrets=spec.secrets,
        execution_role=roles.execution.arn,
        job_role=roles.job.arn,
        log_group=logs.name,
        timeout=spec.timeout,
        attempts=spec.attempts,
        retry_on_spot=spec.spot,
        architecture=spec.architecture,
        ephemeral_storage=spec.ephemeral_storage,
        depends_on=(logs.exists,),
        **common,
    )


def _machine(
    spec: StackSpec,
    queue: JobQueue,
    definition: JobDefinition,
    roles: Roles,
    common: dict[str, Any],
) -> StateMachine:
    steps = run_job(
        name=spec.name, queue=queue.named, definition=definition.arn, timeout=spec.whole_timeout
    )
    return StateMachine(name=spec.name, role=roles.states.arn, definition=steps, **common)


def _image(
    spec: StackSpec, region: str, tagger: Tagger, common: dict[str, Any]
) -> tuple[str, list[Resource]]:
    if not isinstance(spec.image, ImageSource):
        return _reference(str(spec.image), spec, region)
    platform = PLATFORMS[spec.architecture]
    repository = Repository(name=spec.name, **common)
    image = Image(
        name=repository.name,
        repository=repository.uri,
        source=spec.image,
        platform=platform,
        tag=tagger(spec.image, platform),
        stack=spec.name,
    )
    return image.uri, [repository, image]


def _reference(uri: str, spec: StackSpec, region: str) -> tuple[str, list[Resource]]:
    """
    An image that is there already: by its digest if the stack's region has it in ECR.
    """
    if not is_tag_in_ecr(uri, region):
        return uri, []
    reference = ImageReference(name=uri, stack=spec.name)
    return reference.uri, [reference]


def _environment_name(spec: StackSpec, resource_type: str) -> str:
    """
    A name that holds what AWS can't change: another type is another compute environment.
    """
    return f"{spec.name}-{digest(resource_type, spec.service_role)}"


def _schedule(
    spec: StackSpec,
    roles: Roles,
    machine: StateMachine,
    queue: JobQueue,
    common: dict[str, Any],
) -> list[Resource]:
    if spec.schedule is None:
        return []
    group = ScheduleGroup(name=spec.name, **common)
    schedule = Schedule(
        name=spec.name,
        stack=spec.name,
        group=group.name,
        expression=spec.schedule,
        time_zone=spec.time_zone,
        target=machine.arn,
        role=roles.schedule.arn,
        depends_on=(group.exists, queue.exists),
    )
    return [roles.schedule, group, schedule]


def _store(store: Resource, spec: StackSpec) -> Resource:
    return attrs.evolve(store, stack=spec.name, tags={**spec.tags, **store.tags})


def resource_types() -> dict[type[Resource], set[type[Resource]]]:
    """
    Every kind of a stack, with the kinds that it stands on.
    """
    spec = StackSpec(
        name="all", image=ImageSource("."), schedule="rate(1 day)", table="all", bucket="all"
    )
    everything = resources(spec, "us-east-1", lambda *_: "none")
    resource_type = {resource.key: type(resource) for resource in everything}
    graph: dict[type[Resource], set[type[Resource]]] = {k: set() for k in resource_type.values()}
    for key, below in needs(everything).items():
        graph[resource_type[key]].update(resource_type[other] for other in below)
    return {**graph, LockGroup: set()}
