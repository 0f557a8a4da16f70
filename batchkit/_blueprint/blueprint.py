"""
The blueprint of a stack: the list of its resources, joined by references.

Plan, ensure, policy and the tables in the docs all walk this one list.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from batchkit._blueprint.image import image_of
from batchkit._blueprint.roles import Roles
from batchkit._model.resource import Resource
from batchkit._model.values import Ref
from batchkit._parts import NOWHERE, Ground, Place, Site
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.dynamodb import Table
from batchkit.resources.image import ImageSource
from batchkit.resources.logs import LogGroup, group_name
from batchkit.resources.platforms import EC2
from batchkit.resources.queues import JobQueue
from batchkit.resources.retries import retry_strategy
from batchkit.resources.s3 import Bucket
from batchkit.resources.schedule import Schedule, ScheduleGroup
from batchkit.resources.states import StateMachine, run_job
from batchkit.spec import StackSpec

Tagger = Callable[[ImageSource, str], str]


def resources(spec: StackSpec, region: str, tagger: Tagger = ImageSource.tag) -> list[Resource]:
    """
    Everything that *spec* asks for, in *region*, with the longest path first.
    """
    ground = Ground(spec.name, region, spec.boundary, spec.tags)
    site = NOWHERE
    if spec.network is not None:
        site = spec.network.site(ground, spec.compute.demand([spec]))
    place = spec.compute.place(ground, site, [spec])
    roles = Roles.of(spec, ground)
    logs = LogGroup(name=group_name(spec.name), retention=spec.log_retention, **ground.common)
    image, images = image_of(spec, ground, tagger)
    definition = _definition(spec, ground, site, place, image, roles, logs)
    queue = _queue(spec, ground, place, definition, logs)
    machine = _machine(spec, ground, queue, definition, roles)
    return [
        *site.resources,
        *place.resources,
        *roles.all,
        *_stores(spec),
        logs,
        *images,
        *place.environments,
        queue,
        definition,
        machine,
        *_schedule(spec, ground, roles, machine, queue),
    ]


def _stores(spec: StackSpec) -> list[Table | Bucket]:
    """
    The table and the bucket, with the stack's tags beneath their own.
    """
    return [
        attrs.evolve(store, stack=spec.name, tags={**spec.tags, **store.tags})
        for store in (spec.table, spec.bucket)
        if store is not None
    ]


def _queue(
    spec: StackSpec, ground: Ground, place: Place, definition: JobDefinition, logs: LogGroup
) -> JobQueue:
    return JobQueue(
        name=_lane(ground, definition),
        compute_environments=[environment.arn for environment in place.environments],
        priority=spec.priority,
        runnable_limit=spec.runnable_limit,
        on_instances=definition.platform == EC2.WORD,
        # A log line that arrives after its group is deleted makes the group again, so the queue and
        # its jobs are deleted first.
        depends_on=(logs.exists,),
        **ground.common,
    )


def _lane(ground: Ground, definition: JobDefinition) -> str:
    """
    The name of the queue: the stack's, with what a waiting job asks of where it runs.

    A job can't move to another queue, and one that waits for a private x86 environment could never
    start on a public one, or on ARM.  So such a change makes another queue; the state machine
    submits to it from then on, and the old one goes when it is empty.
    """
    asked = {
        "platform": definition.platform.lower(),
        "architecture": definition.architecture.lower(),
        "public_ip": "public",
    }
    plain = attrs.fields_dict(JobDefinition)
    words = [
        word for name, word in asked.items() if getattr(definition, name) != plain[name].default
    ]
    return ground.name("-".join(words)) if words else ground.stack


def _definition(
    spec: StackSpec,
    ground: Ground,
    site: Site,
    place: Place,
    image: str | Ref,
    roles: Roles,
    logs: LogGroup,
) -> JobDefinition:
    return JobDefinition(
        name=spec.name,
        platform=spec.compute.PLATFORM.WORD,
        image=image,
        execution_role=roles.execution.arn,
        job_role=roles.job.arn,
        log_group=logs.name,
        public_ip=site.public,
        reclaims=_reclaims(place),
        depends_on=(logs.exists,),
        **spec.settings,
        **ground.common,
    )


def _reclaims(place: Place) -> list[str]:
    """
    The reasons of attempts whose capacity is taken back, each once.
    """
    families = [one.family for one in place.environments if one.family.spot]
    return list(dict.fromkeys(family.reclaim for family in families))


def _machine(
    spec: StackSpec, ground: Ground, queue: JobQueue, definition: JobDefinition, roles: Roles
) -> StateMachine:
    tries = retry_strategy(definition.attempts, definition.reclaims)["attempts"]
    steps = run_job(
        name=spec.name,
        queue=queue.arn,
        definition=definition.arn,
        timeout=spec.run_timeout or spec.runnable_limit + tries * spec.timeout,
    )
    return StateMachine(name=spec.name, role=roles.states.arn, definition=steps, **ground.common)


def _schedule(
    spec: StackSpec, ground: Ground, roles: Roles, machine: StateMachine, queue: JobQueue
) -> list[Resource]:
    if spec.schedule is None or roles.schedule is None:
        return []
    group = ScheduleGroup(name=spec.name, **ground.common)
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
    return [group, schedule]
