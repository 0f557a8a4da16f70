"""
Deleting: a resource goes once all that depend on it are gone; a failure stops only its own branch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from attrs import evolve, frozen

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.graph import Outcome, met, walk
from batchkit._engine.held import refuse_if_held
from batchkit._engine.outputs import Outputs
from batchkit._engine.steps import Runner
from batchkit._engine.work import Identity, identity
from batchkit._model.calls import WAIT_DELETED, Step
from batchkit._model.resource import Resource
from batchkit.errors import TeardownError
from batchkit.events import Action, Event, Listener, Phase

Dependencies = Mapping[str, Collection[str]]
"""For the name of each resource type, those of the types that its resources depend on."""


@frozen
class Teardown:
    """
    How a teardown ended: what was *deleted*, and what was *kept* because it holds data.
    """

    deleted: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{len(self.deleted)} deleted"]
        lines += [f"kept: {name} (holds data; delete_data=True deletes it)" for name in self.kept]
        return "\n".join(lines)


def find(aws: Aws, resource_types: Collection[type[Resource]], stack: str) -> list[Resource]:
    """
    Everything of *resource_types* that *stack* owns.
    """
    return _reads.observe(aws, (), resource_types, stack).found


def retire(aws: Aws, emit: Listener, kept: Sequence[Resource]) -> None:
    """
    What is *kept* for those who work with it costs nothing of its own.
    """
    runner = Runner(aws, emit, Outputs(aws), lambda resource: None)
    for actual in kept:
        if actual.state not in actual.DELETING:
            runner.run(actual, actual.retire(), Action.DELETE)


def delete(
    aws: Aws,
    emit: Listener,
    found: Sequence[Resource],
    dependencies: Dependencies,
    *,
    workers: int = 16,
    look: Callable[[Resource], object] = lambda resource: None,
) -> Outcome[Identity]:
    """
    Deletes *found*, each once all that depend on it are gone; *look* notices who works against it.
    """
    runner = Runner(aws, emit, Outputs(aws), look)
    by_identity = {identity(actual): actual for actual in found}
    prepared: dict[Identity, Future[None]] = {}
    with ThreadPoolExecutor(workers) as early:
        # At once, beside the deletion of others: Batch takes half a minute to disable a queue.
        for known, actual in by_identity.items():
            if steps := _first_steps(actual):
                prepared[known] = early.submit(_prepare, aws, runner, actual, steps)

        def work(one: Identity) -> None:
            _delete_one(aws, emit, runner, by_identity[one], prepared.get(one))

        dependents = _dependents(found, dependencies)
        outcome = walk(dependents, work, workers=workers, interrupt=aws.stopped.set)
    _raise_interrupts(prepared.values())
    shown = [one for one in outcome.not_started if not by_identity[one].INTERNAL]
    return evolve(outcome, not_started=shown)


def _raise_interrupts(futures: Collection[Future[None]]) -> None:
    """
    Raises what has interrupted one of *futures*; an error of one is raised by its own deletion.
    """
    for error in (future.exception() for future in futures):
        if error is not None and not isinstance(error, Exception):
            raise error


def _first_steps(actual: Resource) -> tuple[Step, ...]:
    return () if actual.state in actual.DELETING else tuple(actual.before_delete())


def _prepare(aws: Aws, runner: Runner, actual: Resource, steps: tuple[Step, ...]) -> None:
    """
    Does what can be done to *actual* while others still depend on it.
    """
    try:
        if actual.UNPREPARED:
            refuse_if_held(aws, actual)
        runner.run(actual, iter(steps), Action.DELETE)
    except BaseException as error:
        if not isinstance(error, Exception):  # an interrupt: nothing else is begun
            aws.stopped.set()
        raise


def _delete_one(
    aws: Aws, emit: Listener, runner: Runner, actual: Resource, prepared: Future[None] | None
) -> None:
    """
    Deletes *actual* once it is prepared.
    """
    began = aws.clock.monotonic()

    def report(phase: Phase, detail: str = "") -> None:
        emit(Event(*actual.key, Action.DELETE, phase, detail, aws.clock.monotonic() - began))

    report(Phase.STARTED)
    try:
        if prepared:
            prepared.result()
        steps = iter((WAIT_DELETED,)) if actual.state in actual.DELETING else actual.delete()
        runner.run(actual, steps, Action.DELETE)
    except Exception as error:
        report(Phase.FAILED, str(error))
        raise
    report(Phase.DONE)


def _dependents(
    found: Sequence[Resource], dependencies: Dependencies
) -> dict[Identity, set[Identity]]:
    """
    For each resource, those that must be gone before it.
    """
    # By resource type and not by reference: what AWS holds says only in part what it refers to, and
    # it refuses the wrong order (DependencyViolation), or gets stuck: a compute environment whose
    # service role is gone is never deleted.
    dependent_types: dict[str, set[str]] = {name: set() for name in dependencies}
    for name in dependencies:
        for below in _closure(dependencies, name):
            dependent_types.setdefault(below, set()).add(name)
    by_type: dict[str, set[Identity]] = {}
    for actual in found:
        by_type.setdefault(actual.type_name(), set()).add(identity(actual))
    graph: dict[Identity, set[Identity]] = {}
    for actual in found:
        first = graph.setdefault(identity(actual), set())
        for name in dependent_types.get(actual.type_name(), ()):
            first |= by_type.get(name, set())
    return graph


def _closure(dependencies: Dependencies, name: str) -> set[str]:
    """
    The resource types that *name* depends on, also by way of others.
    """
    reached: set[str] = set()
    ahead = list(dependencies.get(name, ()))
    while ahead:
        below = ahead.pop()
        if below not in reached:
            reached.add(below)
            ahead.extend(dependencies.get(below, ()))
    return reached - {name}


def failure(stack: str, outcome: Outcome[Identity], verb: str) -> TeardownError:
    """
    The error that says what is left of a stack, and why, and that *verb* goes on.
    """
    done = [f"{resource_type} {name}" for resource_type, name, _ in outcome.done]
    not_started = [f"{resource_type} {name}" for resource_type, name, _ in outcome.not_started]
    failed: list[tuple[str, Exception]] = []
    lines = [f"{len(done)} resources of {stack!r} were deleted; these are left:"]
    for (resource_type, name, known), error in outcome.failed.items():
        failed.append((f"{resource_type} {name}", error))
        lines.append(f"  {resource_type} {name} ({known}): {error}")
    for resource_type, name, known in outcome.not_started:
        lines.append(f"  {resource_type} {name} ({known}): something still uses it")
    lines.append(f"Run {verb} again to go on.")
    if overtaken := met(outcome):
        lines = [
            f"Another caller makes the stack {stack!r} at the same time ({overtaken}): "
            "run destroy_stack again once that has ended."
        ]
    return TeardownError("\n".join(lines), done=done, failed=failed, not_started=not_started)
