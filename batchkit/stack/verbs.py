"""
Stacks: make one, see what would change, run it, take it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import boto3

from batchkit._blueprint.blueprint import resources
from batchkit._engine import plan as _plan, policy as _policy, teardown as _teardown, work as _work
from batchkit._engine.apply import Engine
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Decision
from batchkit._engine.lookout import check_nothing_new, unless_overtaken
from batchkit._engine.plan import Plan
from batchkit._engine.policy import Policy
from batchkit._engine.teardown import Teardown
from batchkit._engine.work import Workload
from batchkit._model import tags as _tags
from batchkit._model.checks import instance, require
from batchkit._model.options import check_options
from batchkit._model.resource import Resource
from batchkit._model.values import resolve
from batchkit._preflight import preflight as _preflight
from batchkit._preflight.deployer import deployer
from batchkit.clock import Clock
from batchkit.errors import StackNotFound
from batchkit.events import Action, Listener, listeners
from batchkit.resources.environments import ComputeEnvironment
from batchkit.resources.queues import JobQueue
from batchkit.resources.resource_types import RESOURCE_TYPES, dependencies
from batchkit.resources.states import StateMachine, submitted
from batchkit.resources.vpc import Vpc
from batchkit.spec import STACK_NAME, StackSpec
from batchkit.stack.stack import Stack

WORKERS: Final = 16
_SPEC: Final = instance(StackSpec, expects="a StackSpec(...)")


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
    It ends no job: what one that hasn't ended works with, or an execution, is neither deleted nor
    narrowed until a later call finds it idle.  Events and the plan say what waits, and for whom.

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
    require("ensure_stack", "spec", spec, _SPEC)
    given = {"session": session, "on_event": on_event, "adopt": adopt, "timeout": timeout}
    check_options("ensure_stack", **given, clock=clock, workers=workers)
    aws, emit = Aws(session, clock, timeout), listeners(on_event)

    def stays() -> bool:
        engine = Engine(aws, listeners(None), adopt=adopt)
        decisions = _decide(engine, aws, spec)[0]
        return all(decision.action is Action.KEEP for decision in decisions)

    # It may begin once more than a deletion: of an ensure and a destroy that meet, one is to win.
    return unless_overtaken(aws, lambda: _ensure(aws, emit, spec, adopt, workers), 4, stays)


def _ensure(aws: Aws, emit: Listener, spec: StackSpec, adopt: bool, workers: int) -> Stack:
    engine = Engine(aws, emit, adopt=adopt, workers=workers)
    decisions, plan, work = _decide(engine, aws, spec)
    _preflight.require(aws, spec, plan)
    made = engine.apply(decisions)
    if orphans := engine.orphans(decisions):
        work = work.joined(engine.work_now())  # a job may have begun meanwhile
    idle, held = work.part(orphans)
    _work.tell(emit, [*plan.narrower, *held])
    _teardown.retire(aws, emit, [one.actual for one in held if one.actual])
    if idle:
        outcome = _teardown.delete(aws, emit, idle, dependencies(), workers=workers)
        if outcome.failed:
            raise _teardown.failure(spec.name, outcome, "ensure_stack")
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
    require("plan_stack", "spec", spec, _SPEC)
    check_options("plan_stack", session=session, adopt=adopt, clock=clock)
    aws = Aws(session, clock)
    engine = Engine(aws, listeners(None), adopt=adopt)
    return _decide(engine, aws, spec)[1]


def _decide(engine: Engine, aws: Aws, spec: StackSpec) -> tuple[Sequence[Decision], Plan, Workload]:
    """
    What has to be done, as decisions and as a plan, and what is at work meanwhile.
    """
    prunable = [one for one in RESOURCE_TYPES if not (one.RETAIN or one.INTERNAL)]
    decisions = engine.observe(resources(spec, aws.region), prunable, spec.name)
    work = engine.work(decisions)
    decisions, narrower = engine.hold(decisions, work)
    idle, held = work.part(engine.orphans(decisions))
    return decisions, _plan.make(spec.name, decisions, idle, [*narrower, *held]), work


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
    given = {"session": session, "on_event": on_event, "timeout": timeout, "clock": clock}
    check_options("destroy_stack", **given, delete_data=delete_data, workers=workers)
    name = spec_or_name.name if isinstance(spec_or_name, StackSpec) else _name(spec_or_name)
    aws, emit = Aws(session, clock, timeout), listeners(on_event)
    deleted: list[str] = []
    return unless_overtaken(
        aws, lambda: _destroy(aws, emit, name, delete_data, workers, deleted), 2
    )


def _destroy(
    aws: Aws, emit: Listener, name: str, delete_data: bool, workers: int, deleted: list[str]
) -> Teardown:
    """
    How the teardown ended; what it has *deleted* is added to that.
    """
    found = _teardown.find(aws, RESOURCE_TYPES, name)
    known = {actual.identity for actual in found}
    to_delete = [actual for actual in found if delete_data or not actual.RETAIN]

    def look(resource: Resource) -> None:
        check_nothing_new(aws, RESOURCE_TYPES, name, known)

    outcome = _teardown.delete(aws, emit, to_delete, dependencies(), workers=workers, look=look)
    deleted += [f"{resource_type} {one}" for resource_type, one, _ in outcome.done]
    if outcome.failed:
        raise _teardown.failure(name, outcome, "destroy_stack")
    return Teardown(
        deleted=tuple(deleted),
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
    check_options("describe_stack", session=session, clock=clock)
    name, aws = _name(name), Aws(session, clock)
    shown = [one for one in RESOURCE_TYPES if not one.INTERNAL]
    found = _teardown.find(aws, shown, name)
    if not found:
        msg = f"there is no stack {name!r} in this account in {aws.region}"
        raise StackNotFound(msg)
    current = [actual for actual in found if not actual.superseded]
    return Stack(name, tuple(_current_first(current)), aws, Plan(name, ()))


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
    check_options("list_stacks", session=session, clock=clock)
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
    require("stack_policy", "spec", spec, _SPEC)
    check_options("stack_policy", session=session, clock=clock)
    aws = Aws(session, clock)
    grants = deployer(aws, spec, resources(spec, aws.region)).grants()
    statements = resolve([grant.statement() for grant in grants], aws.resolve)
    return Policy(_policy.document(statements))


def _name(name: str) -> str:
    require("stack", "name", name, STACK_NAME)
    return name
