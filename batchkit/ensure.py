"""
Ensuring resources on their own, without a stack around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

import attrs

from batchkit._engine.apply import Engine
from batchkit._engine.aws import Aws
from batchkit._model.checks import refuse
from batchkit._model.options import check_options
from batchkit._model.resource import Resource
from batchkit.errors import ApplyError
from batchkit.events import listeners
from batchkit.resources.definitions import JobDefinition
from batchkit.resources.dynamodb import Table
from batchkit.resources.ecr import Repository
from batchkit.resources.environment_base import EnvironmentBase
from batchkit.resources.gateways import ElasticIp
from batchkit.resources.iam import Role
from batchkit.resources.image import Image
from batchkit.resources.logs import LogGroup
from batchkit.resources.network import Network
from batchkit.resources.queues import JobQueue
from batchkit.resources.s3 import Bucket
from batchkit.resources.schedule import Schedule
from batchkit.resources.security_group import SecurityGroup
from batchkit.resources.states import StateMachine

if TYPE_CHECKING:
    import boto3
    from typing_extensions import Unpack

    from batchkit.clock import Clock
    from batchkit.events import Listener

R = TypeVar("R", bound=Resource)
E = TypeVar("E", bound=EnvironmentBase)


class Options(TypedDict, total=False):
    """
    What every `ensure_...` of one resource takes.

    Args:
        session: The account and region; the default session's if left out.
        on_event: Called with an `Event` for everything that happens.
        adopt: Whether a resource of that name that isn't the stack's is taken over.
        clock: What waits, instead of the machine's time.
    """

    session: boto3.Session | None
    on_event: Listener | None
    adopt: bool
    clock: Clock | None


def ensure(resource: R, /, **options: Unpack[Options]) -> R:
    """
    Makes, updates or leaves alone the *resource*; the result has its outputs.

    Args:
        options: `session`, `on_event`, `adopt` and `clock`, as `Options` has them.

    Raises:
        NotOwnedError: A resource of that name exists and isn't the stack's.
        ReplacementNeeded: It differs in a way that AWS can't change.
        AwsError: AWS refused a call.
    """
    if not isinstance(resource, Resource):
        refuse("ensure", "resource", resource, "a resource, such as a Role")
    made = ensure_all(resource.companions(), **options)
    return cast(R, next(one for one in made if one.key == resource.key))


def ensure_all(
    resources: Sequence[Resource],
    *,
    session: boto3.Session | None = None,
    on_event: Listener | None = None,
    adopt: bool = False,
    clock: Clock | None = None,
) -> list[Resource]:
    """
    Makes, updates or leaves alone each of *resources*.

    It raises the error itself that stopped it, not an `ApplyError` about it.
    """
    check_options("ensure", session=session, on_event=on_event, adopt=adopt, clock=clock)
    engine = Engine(Aws(session, clock), listeners(on_event), adopt=adopt)
    try:
        return engine.apply(engine.observe(resources))
    except ApplyError as error:
        if error.__cause__ is None:
            raise
        raise error.__cause__ from None


def _ensure(expected: type[R], resource: R, options: Any) -> R:
    if not isinstance(resource, expected):
        refuse("ensure", "resource", resource, f"a {expected.__name__}")
    return ensure(resource, **options)


def ensure_network(network: Network, /, **options: Unpack[Options]) -> Network:
    """
    Makes, repairs or leaves alone the network with all that is in it; the result has its ids.
    """
    if not isinstance(network, Network):
        refuse("ensure", "network", network, "a Network")
    members = network.members
    made = {resource.key: resource for resource in ensure_all(members.all, **options)}
    return attrs.evolve(
        network,
        vpc=str(made[members.vpc.key].identity),
        private_subnets=tuple(str(made[subnet.key].identity) for subnet in members.private),
        security_group=str(made[members.group.key].identity),
        address=next(r.address for r in made.values() if isinstance(r, ElasticIp)),
    )


def ensure_bucket(bucket: Bucket, /, **options: Unpack[Options]) -> Bucket:
    """
    Makes, updates or leaves alone a bucket; as `ensure` does.
    """
    return _ensure(Bucket, bucket, options)


def ensure_compute_environment(environment: E, /, **options: Unpack[Options]) -> E:
    """
    Makes, updates or leaves alone a compute environment, such as a `FargateEnvironment`; as
    `ensure` does.
    """
    return cast(E, _ensure(EnvironmentBase, environment, options))


def ensure_image(image: Image, /, **options: Unpack[Options]) -> Image:
    """
    Makes or leaves alone an image; builds and pushes it if ECR doesn't have it; as `ensure` does.
    """
    return _ensure(Image, image, options)


def ensure_job_definition(
    definition: JobDefinition, /, **options: Unpack[Options]
) -> JobDefinition:
    """
    Makes or leaves alone a job definition; a change is a new revision; as `ensure` does.
    """
    return _ensure(JobDefinition, definition, options)


def ensure_job_queue(queue: JobQueue, /, **options: Unpack[Options]) -> JobQueue:
    """
    Makes, updates or leaves alone a job queue; as `ensure` does.
    """
    return _ensure(JobQueue, queue, options)


def ensure_log_group(log_group: LogGroup, /, **options: Unpack[Options]) -> LogGroup:
    """
    Makes, updates or leaves alone a log group; as `ensure` does.
    """
    return _ensure(LogGroup, log_group, options)


def ensure_repository(repository: Repository, /, **options: Unpack[Options]) -> Repository:
    """
    Makes, updates or leaves alone a repository; as `ensure` does.
    """
    return _ensure(Repository, repository, options)


def ensure_role(role: Role, /, **options: Unpack[Options]) -> Role:
    """
    Makes, updates or leaves alone a role; as `ensure` does.
    """
    return _ensure(Role, role, options)


def ensure_schedule(schedule: Schedule, /, **options: Unpack[Options]) -> Schedule:
    """
    Makes, updates or leaves alone a schedule, with its group; as `ensure` does.
    """
    return _ensure(Schedule, schedule, options)


def ensure_security_group(group: SecurityGroup, /, **options: Unpack[Options]) -> SecurityGroup:
    """
    Makes, updates or leaves alone a security group; as `ensure` does.
    """
    return _ensure(SecurityGroup, group, options)


def ensure_state_machine(machine: StateMachine, /, **options: Unpack[Options]) -> StateMachine:
    """
    Makes, updates or leaves alone a state machine; as `ensure` does.
    """
    return _ensure(StateMachine, machine, options)


def ensure_table(table: Table, /, **options: Unpack[Options]) -> Table:
    """
    Makes, updates or leaves alone a table; as `ensure` does.
    """
    return _ensure(Table, table, options)
