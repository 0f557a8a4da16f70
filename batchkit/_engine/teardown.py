"""
Deleting: what depends goes before what it depends on, and one failure stops only its own branch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from attrs import evolve, frozen

from batchkit._engine import reads as _reads
from batchkit._engine.aws import Aws
from batchkit._engine.compare import Outputs
from batchkit._engine.graph import Outcome, walk
from batchkit._engine.steps import Runner
from batchkit._model.calls import WAIT_DELETED, Step
from batchkit._model.resource import Resource
from batchkit.errors import TeardownError
from batchkit.events import Action, Event, Listener, Phase

Dependencies = Mapping[str, Collection[str]]
"""For the name of each resource type, those that its resources stand on."""
Identity = tuple[str, str, str]


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
    Everything of *kinds* that *stack* owns.
    """
    return _reads.observe(aws, (), resource_types, stack).found


def unused(aws: Aws, emit: Listener, found: Sequence[Resource]) -> list[Resource]:
    """
    *found*, or nothing as long as one of it is at work, which may need all the others.
    """
    active_users = [user for actual in found for user in _reads.active_users(aws, actual)]
    for actual in found if active_users else ():
        detail = f"stays until a later run, as {', '.join(active_users)} may need it"
        emit(Event(*actual.key, Action.DELETE, Phase.WAITING, detail, 0.0))
    return [] if active_users else list(found)


def delete(
    aws: Aws,
    emit: Listener,
    found: Sequence[Resource],
    dependencies: Dependencies,
    *,
    workers: int = 16,
) -> Outcome[Identity]:
    """
    Deletes *found*, each once all that stand on it are gone.
    """
    runner = Runner(aws, emit, Outputs(aws))
    by_key = {_identity(actual): actual for actual in found}
    with ThreadPoolExecutor(workers) as early:
        prepared = {
            key: early.submit(_prepare, aws, runner, actual, steps)
            for key, actual in by_key.items()
            if (steps := _first_steps(actual))
        }
        outcome = walk(
            _dependents(found, dependencies),
            lambda key: _remove(aws, emit, runner, by_key[key], prepared.get(key)),
            workers=workers,
            interrupt=aws.stopped.set,
        )
    for error in (future.exception() for future in prepared.values()):
        if error is not None and not isinstance(error, Exception):
            raise error
    left = [key for key in outcome.not_started if not by_key[key].INTERNAL]
    return evolve(outcome, not_started=left)


def _first_steps(actual: Resource) -> tuple[Step, ...]:
    return () if actual.state in actual.DELETING else tuple(actual.before_delete())


def _prepare(aws: Aws, runner: Runner, actual: Resource, steps: tuple[Step, ...]) -> None:
    """
    Does what can be done to *held* while others still stand on it.
    """
    try:
        runner.run(actual, iter(steps), Action.DELETE)
    except BaseException as error:
        if not isinstance(error, Exception):  # an interrupt: nothing else is begun
            aws.stopped.set()
        raise


def _remove(
    aws: Aws, emit: Listener, runner: Runner, actual: Resource, prepared: Future[None] | None
) -> None:
    """
    Deletes *held* once it is prepared.
    """
    began = aws.clock.monotonic()

    def tell(phase: Phase, detail: str = "") -> None:
        emit(Event(*actual.key, Action.DELETE, phase, detail, aws.clock.monotonic() - began))

    tell(Phase.STARTED)
    try:
        if prepared:
            prepared.result()
        steps = iter((WAIT_DELETED,)) if actual.state in actual.DELETING else actual.delete()
        runner.run(actual, steps, Action.DELETE)
    except Exception as error:
        tell(Phase.FAILED, str(error))
        raise
    tell(Phase.DONE)


def _identity(actual: Resource) -> Identity:
    return (*actual.key, str(actual.identity))


def _dependents(
    found: Sequence[Resource], dependencies: Dependencies
) -> dict[Identity, set[Identity]]:
    """
    For each resource, those that must be gone before it.
    """
    above: dict[str, set[str]] = {name: set() for name in dependencies}
    for name in dependencies:
        for below in _closure(dependencies, name):
            above.setdefault(below, set()).add(name)
    by_type: dict[str, set[Identity]] = {}
    for actual in found:
        by_type.setdefault(actual.type_name(), set()).add(_identity(actual))
    return {
        _identity(actual): {
            identity
            for name in above.get(actual.type_name(), ())
            for identity in by_type.get(name, ())
        }
        for actual in found
    }


def _closure(dependencies: Dependencies, name: str) -> set[str]:
    reached: set[str] = set()
    ahead = list(dependencies.get(name, ()))
    while ahead:
        below = ahead.pop()
        if below not in reached:
            reached.add(below)
            ahead.extend(dependencies.get(below, ()))
    return reached - {name}


def failure(stack: str, outcome: Outcome[Identity]) -> TeardownError:
    """
    The error that tells what is left of a stack, and why.
    """
    lines = [f"{len(outcome.done)} resources of {stack!r} were deleted; these are left:"]
    lines += [
        f"  {resource_type} {name} ({i}): {e}"
        for (resource_type, name, i), e in outcome.failed.items()
    ]
    lines += [
        f"  {resource_type} {name} ({i}): something still uses it"
        for resource_type, name, i in outcome.not_started
    ]
    lines.append("Run destroy_stack again to go on.")
    return TeardownError(
        "\n".join(lines),
        done=[f"{resource_type} {name}" for resource_type, name, _ in outcome.done],
        failed=[
            (f"{resource_type} {name}", error)
            for (resource_type, name, _), error in outcome.failed.items()
        ],
        not_started=[f"{resource_type} {name}" for resource_type, name, _ in outcome.not_started],
    )
