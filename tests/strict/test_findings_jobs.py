"""
Each rule about a job's own way and end: built, found in `run.explain()`, and mended.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import frozen

from batchkit import Run, Severity

from . import broken_stacks as the
from .broken_stacks import Scene
from .simulator.batch.lifecycle import reclaim
from .simulator.batch.programs import Program

SEED = 6
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


@frozen(kw_only=True)
class JobFindingCase:
    """
    How a run came to what is found of it, what that *says*, and how another run does better.
    """

    build: Callable[[Scene], Run]
    says: str
    fix: str
    better: Callable[[Scene], object] = Scene.submit
    subject: str = "job films-"
    severity: Severity = ERROR


def does(program: Program, **given: object) -> Callable[[Scene], Run]:
    """
    A job with that program.
    """

    def build(at: Scene) -> Run:
        at.program("load", program)
        return at.submit("load", **given)

    return build


def with_more(at: Scene) -> Run:
    return at.submit("load", memory=4096)


def with_time(at: Scene) -> Run:
    run = at.submit("load", timeout=600)
    at.later(400)
    return run


def too_slow(at: Scene) -> Run:
    at.program("load", Program(seconds=300))
    run = at.submit("load", timeout=100)
    at.later(200)
    return run


def ended(at: Scene) -> Run:
    at.program("load", the.LONG)
    run = at.submit("load")
    run.cancel("a holiday")
    return run


def reclaimed(at: Scene) -> Run:
    at.mend(compute="fargate-spot", attempts=2)
    at.program("load", the.LONG)
    run = at.submit("load")
    job = at.aws.account.find("job", run.arn)
    assert job is not None
    for _ in range(2):
        reclaim(at.aws.account, job, 137)
        at.later()
    return run


def tried_again(at: Scene) -> Run:
    """
    With attempts=3 the job survives that AWS takes its task back twice.
    """
    at.mend(compute="fargate-spot", attempts=3)
    run = at.submit("load")
    job = at.aws.account.find("job", run.arn)
    assert job is not None
    for _ in range(2):
        reclaim(at.aws.account, job)
        at.later()
    at.program("load", Program())
    at.later()
    return run


def after_a_failure(at: Scene) -> Run:
    at.program("load", Program(exit=1))
    return at.submit(depends_on=[at.submit("load")])


def after_a_long_one(at: Scene) -> Run:
    at.program("load", the.LONG)
    return at.submit(depends_on=[at.submit("load")])


def after_a_good_one(at: Scene) -> Run:
    return at.submit(depends_on=[at.submit()])


def refused(at: Scene) -> Run:
    the.definition_deregistered(at)
    at.later()
    run = at.stack.run()
    at.later()
    return run


def ran(at: Scene) -> Run:
    at.mend()
    run = at.stack.run()
    at.later()
    return run


def unreached(at: Scene) -> Run:
    the.gateway_deleted(at)
    at.later()
    run = at.submit()
    at.mend()
    return run


def queue_went(at: Scene) -> Run:
    at.program("load", the.LONG)
    run = at.submit("load")
    the.queue_deleted(at)
    at.later()
    at.mend()
    return run


CASES = {
    "out-of-memory": JobFindingCase(
        build=does(Program(memory=3000)),
        says="it used up its 2048 MiB of memory",
        fix="memory=4096",
        better=with_more,
    ),
    "timed-out": JobFindingCase(
        build=too_slow,
        says="longer than its timeout of 100 s",
        fix="timeout",
        better=with_time,
    ),
    "spot-reclaimed": JobFindingCase(
        build=reclaimed,
        says="AWS took its Spot capacity back",
        fix="a larger one helps",
        better=tried_again,
    ),
    "ended-by-someone": JobFindingCase(
        build=ended, says="it was ended: a holiday", fix="Start it again", severity=INFO
    ),
    "dependency-failed": JobFindingCase(
        build=after_a_failure,
        says="a job that it depends on has failed: films-",
        fix="Run.from_arn(id).explain()",
        better=after_a_good_one,
    ),
    "command-not-found": JobFindingCase(
        build=does(Program(there=False)), says="can't be started: load", fix="Correct command"
    ),
    "program-failed": JobFindingCase(
        build=does(Program(exit=3, lines=["begin", "KeyError: 'title'"])),
        says="ended with exit code 3: KeyError: 'title'",
        fix="run.logs()",
    ),
    "waits-for-others": JobFindingCase(
        build=after_a_long_one,
        says="which is RUNNING",
        fix="Wait",
        severity=INFO,
        better=after_a_good_one,
    ),
    "on-its-way": JobFindingCase(
        build=lambda at: at.stack.submit(), says="Batch has taken it", fix="Wait", severity=INFO
    ),
    "not-submitted": JobFindingCase(
        build=refused,
        subject="the state machine",
        says="it submitted no job: Job definition arn:aws:batch:",
        fix="ensure_stack(spec)",
        better=ran,
    ),
    "registry-unreachable": JobFindingCase(
        build=unreached, says="could not reach the registry", fix="Run the job again"
    ),
    "unknown-reason": JobFindingCase(
        build=queue_went,
        says="it failed: Terminated because its job queue was deleted",
        fix="Search AWS's documentation",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_run_is_explained_and_another_goes_well(scene: Scene, name: str) -> None:
    """
    It has exactly that finding; a run with its fix succeeds, and then nothing is wrong.
    """
    case = CASES[name]
    found = case.build(scene).explain()
    assert [one.rule for one in found] == [name], found
    assert found[0].severity is case.severity
    assert found[0].subject.startswith(case.subject)
    assert case.says in found[0].message and case.fix in found[0].fix
    better = case.better(scene)
    assert isinstance(better, Run)
    assert better.status == "SUCCEEDED" and better.explain() == []
    scene.restore()
    assert scene.stack.diagnose() == []
