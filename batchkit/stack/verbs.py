"""
Stacks: make one, see what would change, run it, take it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import boto3

from batchkit._blueprint.blueprint import resources
from batchkit._engine import plan as _plan, policy as _policy, teardown as _teardown
from batchkit._engine.apply import Engine
from batchkit._engine.aws import Aws
from batchkit._engine.plan import Plan
from batchkit._engine.policy import Policy
from batchkit._engine.teardown import Teardown
from batchkit._model import tags as _tags
from batchkit._model.checks import require
from batchkit._model.resource import Resource
from batchkit._model.values import resolve
from batchkit._preflight import preflight as _preflight
from batchkit._preflight.deployer import deployer
from batchkit.clock import Clock
from batchkit.errors import StackNotFound
from batchkit.events import Listener, listeners
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.queues import JobQueue
from batchkit.resources.resource_types import RESOURCE_TYPES, dependencies
from batchkit.resources.states import StateMachine, submitted
from batchkit.resources.vpc import Vpc
from batchkit.spec import STACK_NAME, StackSpec
from batchkit.stack.stack import Stack

WORKERS: Final = 16


def ensure_stack(
    spec: StackSpec,
    *,
    session: boto3.Session | None = None,
    on_event: Listener | None = None,
    adopt: bool = False,
    timeout: float | None = None,
    clock: Clock | None = None,
    workers: int = WORKERS,
) -> Stack:
    """
    Creates, updates or leaves alone everything that *spec* asks for; safe to repeat.

    What the stack owns and the spec no longer asks for is deleted, but no table and no bucket.
    As long as jobs run on a compute environment that is to be deleted, all of it stays for a later
    call.

    Args:
        session: The account and region; the default session's if None.
        on_event: Called with an `Event` for everything that happens, from several threads.
        adopt: Whether resources of the stack's names that aren't the stack's are taken over.
        timeout: Seconds after which it gives up; the next call goes on from what exists then.
        clock: What waits, instead of the machine's time.

    Raises:
        NotOwnedError: A resource of that name exists and isn't the stack's; nothing was done.
        ReplacementNeeded: A change that AWS can't make in place; nothing was done.
        PreflightError: Something that it needs is missing, such as Docker; nothing was done.
        ApplyError: Some could not be made.  Calling it again goes on from there.
    """
    aws, emit = Aws(session, clock, timeout), listeners(on_event)
    engine = Engine(aws, emit, adopt=adopt, workers=workers)
    decisions = _observe(engine, aws, spec)
    plan = _plan.make(spec.name, decisions, engine.orphans(decisions))
    _preflight.require(aws, spec, plan)
    made = engine.apply(decisions)
    left = engine.orphans(decisions)
    orphans = _teardown.unused(aws, emit, left)
    if not orphans:
        _teardown.retire(aws, emit, left)
    else:
        outcome = _teardown.delete(aws, emit, orphans, dependencies(), workers=workers)
        if outcome.failed:
            raise _teardown.failure(spec.name, outcome)
    return Stack(spec.name, tuple(made), aws.without_deadline(), plan)


def plan_stack(
    spec: StackSpec,
    *,
    session: boto3.Session | None = None,
    adopt: bool = False,
    clock: Clock | None = None,
) -> Plan:
    """
    What `ensure_stack` would do; changes nothing.

    Raises:
        NotOwnedError: A resource of that name exists and isn't the stack's.
        ReplacementNeeded: A change that AWS can't make in place.
    """
    aws = Aws(session, clock)
    engine = Engine(aws, listeners(None), adopt=adopt)
    decisions = _observe(engine, aws, spec)
    return _plan.make(spec.name, decisions, engine.orphans(decisions))


def _observe(engine: Engine, aws: Aws, spec: StackSpec) -> Sequence[Any]:
    prunable = [one for one in RESOURCE_TYPES if not (one.RETAIN or one.INTERNAL)]
    return engine.observe(resources(spec, aws.region), prunable, spec.name)


def destroy_stack(
    spec_or_name: StackSpec | str,
    *,
    session: boto3.Session | None = None,
    delete_data: bool = False,
    on_event: Listener | None = None,
    timeout: float | None = None,
    clock: Clock | None = None,
    workers: int = WORKERS,
) -> Teardown:
    """
    Deletes everything that the stack owns, each resource before those that it depends on.

    It finds the resources by their tags, so a name is enough.  Tables and buckets stay.

    Args:
        delete_data: Whether the stack's own tables and buckets go too, with all that is in them.

    Raises:
        TeardownError: Some could not be deleted; says what is left and why.  The rest is gone.
    """
    name = spec_or_name.name if isinstance(spec_or_name, StackSpec) else _name(spec_or_name)
    aws, emit = Aws(session, clock, timeout), listeners(on_event)
    found = _teardown.find(aws, RESOURCE_TYPES, name)
    to_delete = [actual for actual in found if delete_data or not actual.RETAIN]
    outcome = _teardown.delete(aws, emit, to_delete, dependencies(), workers=workers)
    if outcome.failed:
        raise _teardown.failure(name, outcome)
    return Teardown(
        deleted=tuple(f"{resource_type} {one}" for resource_type, one, _ in outcome.done),
        kept=tuple(str(actual) for actual in found if actual not in to_delete),
    )


def describe_stack(
    name: str, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> Stack:
    """
    The stack as it is in the account.

    Raises:
        StackNotFound: Nothing carries its tag here.
    """
    aws = Aws(session, clock)
    shown = [one for one in RESOURCE_TYPES if not one.INTERNAL]
    found = _teardown.find(aws, shown, _name(name))
    if not found:
        msg = f"there is no stack {name!r} in this account in {aws.region}"
        raise StackNotFound(msg)
    return Stack(name, tuple(_current_first(found)), aws, Plan(name, ()))


def _current_first(found: Sequence[Resource]) -> list[Resource]:
    """
    The same resources, the queue before older ones that only run dry.
    """
    machines = [one for one in found if isinstance(one, StateMachine)]
    current = [arn for machine in machines for arn in submitted(machine.definition)]
    older = {one.key for one in found if isinstance(one, JobQueue) and one.arn not in current}
    return sorted(found, key=lambda one: one.key in older)


def list_stacks(*, session: boto3.Session | None = None, clock: Clock | None = None) -> list[str]:
    """
    The names of all stacks that have a network or a compute environment in this account and region.
    """
    aws = Aws(session, clock)
    tagged = [{"Name": "tag-key", "Values": [_tags.OWNER]}]
    vpcs = aws.call(Vpc.DESCRIBE(Filters=tagged))["Vpcs"]
    environments = aws.call(ComputeEnvironment.DESCRIBE())["computeEnvironments"]
    tags = [*(vpc.get("Tags") for vpc in vpcs), *(one.get("tags") for one in environments)]
    return sorted({_tags.owner(_tags.parse(each)) for each in tags} - {""})


def stack_policy(
    spec: StackSpec, *, session: boto3.Session | None = None, clock: Clock | None = None
) -> Policy:
    """
    The policy that whoever ensures, plans, runs and destroys *spec* needs, as a document.

    Every statement is needed, and limited to what is the stack's.  It allows to make roles and to
    say what they may do, so without `boundary` in the spec whoever has it can become administrator.
    IAM's limit for a managed policy is 6,144 characters: where names are very long, `documents` of
    the result are several policies that keep to it.
    """
    aws = Aws(session, clock)
    grants = deployer(aws, spec, resources(spec, aws.region)).grants()
    statements = resolve([grant.statement() for grant in grants], aws.resolve)
    return Policy(_policy.document(statements))


def _name(name: str) -> str:
    require("stack", "name", name, STACK_NAME)
    return name
