"""
The blueprint of a stack: the list of its resources, joined by references.

Everything else walks this one list: plan, ensure, destroy, policy, and the tables in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
from attrs import frozen

from batchkit._engine import needs
from batchkit._fields import digest
from batchkit._resource import Resource
from batchkit._values import Arn
from batchkit.grants import Grant, allow, flatten
from batchkit.resources.batch import JobQueue
from batchkit.resources.data import Bucket
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.ecr import Repository
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.iam import Role, aws_managed
from batchkit.resources.image import PLATFORMS, Image, ImageSource
from batchkit.resources.logs import ClaimGroup, LogGroup, group_name
from batchkit.resources.network import Network
from batchkit.resources.reference import ImageReference, is_tag_in_ecr
from batchkit.resources.schedule import Schedule, ScheduleGroup
from batchkit.resources.states import StateMachine, run_job
from batchkit.spec import StackSpec

Tagger = Callable[[ImageSource, str], str]
ITEMS: Final = "batchkit/items"
"""Where a stack's bucket keeps the lists of `Stack.map`."""
EVENTS_RULE: Final = "StepFunctionsGetEventsForBatchJobsRule"
"""The rule by which Step Functions learns that a job has ended; AWS makes and keeps it."""


def resources(spec: StackSpec, region: str, tagger: Tagger = ImageSource.tag) -> list[Resource]:
    """
    Everything that *spec* asks for, in *region*, with the longest path first.
    """
    common: dict[str, Any] = {"stack": spec.name, "tags": spec.tags}
    network = Network(
        name=spec.name, cidr=spec.cidr, availability_zones=spec.availability_zones, **common
    ).members
    roles = Roles.of(spec, region, common)
    logs = LogGroup(name=group_name(spec.name), retention=spec.log_retention, **common)
    image_uri, images = _image(spec, region, tagger, common)
    environments = [
        ComputeEnvironment(
            name=_environment_name(spec, kind),
            type=kind,
            max_vcpus=spec.max_vcpus,
            subnets=[subnet.id for subnet in network.private],
            security_groups=[network.group.id],
            service_role=roles.service.arn if roles.service else None,
            **common,
        )
        for kind in (["FARGATE_SPOT", "FARGATE"] if spec.spot else ["FARGATE"])
    ]
    queue = JobQueue(
        name=spec.name,
        compute_environments=[environment.arn for environment in environments],
        priority=spec.priority,
        runnable_limit=spec.runnable_limit,
        # Lines that are still on their way when the queue goes must not make the group anew.
        after=(logs.there,),
        **common,
    )
    definition = JobDefinition(
        name=spec.name,
        image=image_uri,
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
        after=(logs.there,),
        **common,
    )
    machine = StateMachine(
        name=spec.name,
        role=roles.states.arn,
        definition=run_job(
            name=spec.name,
            queue=queue.arn,
            definition=definition.arn,
            timeout=spec.whole_timeout,
        ),
        **common,
    )
    stores = [store for store in (spec.table, spec.bucket) if isinstance(store, Resource)]
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
        *_schedule(spec, roles, machine, common),
    ]


@frozen
class Roles:
    """
    The roles of a stack.  Their names end with the region, since IAM has only one list for all.
    """

    service: Role | None
    execution: Role
    job: Role
    states: Role
    schedule: Role

    @classmethod
    def of(cls, spec: StackSpec, region: str, common: dict[str, Any]) -> Roles:
        """
        A role for Batch, for starting containers, for the job, the state machine and the schedule.
        """

        def role(
            suffix: str, service: str, grants: Iterable[Grant] | None, managed: str = ""
        ) -> Role:
            return Role(
                name=f"{spec.name}-{suffix}-{region}",
                service=f"{service}.amazonaws.com",
                managed=[aws_managed(f"service-role/{managed}")] if managed else None,
                grants=None if grants is None else tuple(grants),
                boundary=spec.boundary,
                **common,
            )

        dedicated = spec.service_role == "dedicated"
        starter = "AmazonECSTaskExecutionRolePolicy"
        return cls(
            service=role("batch", "batch", None, "AWSBatchServiceRole") if dedicated else None,
            execution=role("exec", "ecs-tasks", _secrets(spec), starter),
            job=role("job", "ecs-tasks", [*flatten(spec.grants), *_items(spec)]),
            states=role("states", "states", _states_grants(spec.name)),
            schedule=role("schedule", "scheduler", [_start(spec.name)]),
        )

    @property
    def all(self) -> list[Role]:
        """
        The roles that every stack has.
        """
        return [r for r in (self.service, self.execution, self.job, self.states) if r is not None]


def _items(spec: StackSpec) -> list[Grant]:
    """
    What lets a job read its item, where `Stack.map` had to put the list into the stack's bucket.
    """
    if not isinstance(spec.bucket, Bucket):
        return []
    objects = Arn("s3", f"{spec.bucket.name}/{ITEMS}/*", region=False, account=False)
    return [allow("s3:GetObject", objects)]


def _secrets(spec: StackSpec) -> list[Grant]:
    """
    What lets the execution role read the values of the job's secrets.
    """
    arns = tuple(spec.secrets.values())
    parameters = tuple(arn for arn in arns if ":ssm:" in arn)
    others = tuple(arn for arn in arns if ":ssm:" not in arn)
    readable = {"ssm:GetParameters": parameters, "secretsmanager:GetSecretValue": others}
    return [allow(action, secrets) for action, secrets in readable.items() if secrets]


def _states_grants(name: str) -> list[Grant]:
    """
    What the state machine needs to run a job and to wait for its end
    (https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html).
    """
    definition = Arn("batch", f"job-definition/{name}")
    revisions = Arn("batch", f"job-definition/{name}:*")
    rule = Arn("events", f"rule/{EVENTS_RULE}")
    return [
        allow("batch:SubmitJob", (Arn("batch", f"job-queue/{name}"), definition, revisions)),
        allow("batch:TerminateJob", Arn("batch", "job/*")),
        allow("batch:DescribeJobs"),  # IAM knows no resources for it
        allow(("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule),
    ]


def _start(name: str) -> Grant:
    return allow("states:StartExecution", Arn("states", f"stateMachine:{name}"))


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


def _environment_name(spec: StackSpec, kind: str) -> str:
    """
    A name that holds what AWS can't change: another type is another compute environment.
    """
    return f"{spec.name}-{digest(kind, spec.service_role)}"


def _schedule(
    spec: StackSpec, roles: Roles, machine: StateMachine, common: dict[str, Any]
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
        after=(group.there,),
    )
    return [roles.schedule, group, schedule]


def _store(store: Resource, spec: StackSpec) -> Resource:
    return attrs.evolve(store, stack=spec.name, tags={**spec.tags, **store.tags})


def kinds() -> dict[type[Resource], set[type[Resource]]]:
    """
    Every kind of a stack, with the kinds that it stands on.
    """
    spec = StackSpec(
        name="all", image=ImageSource("."), schedule="rate(1 day)", table="all", bucket="all"
    )
    everything = resources(spec, "us-east-1", lambda *_: "none")
    kind = {resource.key: type(resource) for resource in everything}
    graph: dict[type[Resource], set[type[Resource]]] = {k: set() for k in kind.values()}
    for key, below in needs(everything).items():
        graph[kind[key]].update(kind[other] for other in below)
    return {**graph, ClaimGroup: set()}
