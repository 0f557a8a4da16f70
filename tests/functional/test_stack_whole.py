"""
A whole stack: made, left alone, planned, described, run, taken down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from account_fixture import AccountFixture
from batchkit import (
    Action,
    StackNotFound,
    StackSpec,
    Table,
    allow,
    describe_stack,
    destroy_stack,
    ensure_stack,
    list_stacks,
    plan_stack,
    s3_read,
)
from batchkit._model.values import references
from batchkit.local.patches.patch import Patches, apply_all
from fakes import mutating
from inventory import furnish, inventory
from round_trips import round_trips

MOST_CALLS = 42
ATTEMPTS = 2
CHAIN = (
    "CreateVpc",
    "CreateLogGroup",
    "ModifyVpcAttribute",
    "CreateSubnet",
    "DescribeSubnets",
    "CreateComputeEnvironment",
    "DescribeComputeEnvironments",
    "CreateJobQueue",
    "DescribeJobQueues",
    "CreateStateMachine",
)
"""The longest chain of calls of which each needs the one before it."""


def a_spec(folder: Path, **changes: Any) -> StackSpec:
    """
    A stack with everything that there is.
    """
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(
        "FROM python:3\nWORKDIR /app\nCOPY . .\nCMD python main.py\n"
    )
    (folder / "main.py").write_text("import os\nprint('hello', os.environ['WHO'])\n")
    everything: dict[str, Any] = {
        "name": "movies",
        "image": folder,
        "environment": {"WHO": "world"},
        "grants": [s3_read("films"), allow("sqs:SendMessage")],
        "schedule": "rate(1 day)",
        "table": Table(name="movies"),
        "bucket": "films-1",
        "tags": {"team": "data"},
    }
    return StackSpec(**{**everything, **changes})


@pytest.fixture
def spec(tmp_path: Path) -> StackSpec:
    return a_spec(tmp_path / "job")


@pytest.mark.parametrize("workers", [1, 8])
def test_made_once_with_all_outputs(workers: int, there: AccountFixture, spec: StackSpec) -> None:
    """
    Everything of the spec is made, exactly once each, and every identity is known.
    """
    stack = ensure_stack(spec, session=there.session, clock=there.clock, workers=workers)
    assert {item.action for item in stack.plan.items} == {Action.CREATE}
    assert len(stack.plan.items) == len(stack.resources) == len(stack.outputs)
    assert not any(list(references(one.identity)) for one in stack.resources)
    counts = {sort: len(actual) for sort, actual in inventory(there).items()}
    for sort in ("environments", "queues", "definitions", "machines", "schedules", "nats"):
        assert (sort, counts[sort]) == (sort, 1)


@pytest.mark.parametrize("workers", [1, 8])
def test_again_changes_nothing(workers: int, there: AccountFixture, spec: StackSpec) -> None:
    """
    No mutating call, the same outputs, and AWS holds what it held.
    """
    first = ensure_stack(spec, session=there.session, clock=there.clock)
    before = inventory(there)
    with there.calls() as seen:
        again = ensure_stack(spec, session=there.session, clock=there.clock, workers=workers)
    assert mutating(seen) == [] and again.plan.empty
    assert again.outputs == first.outputs
    assert inventory(there) == before


@pytest.mark.parametrize(
    "changes", [{"tags": {}}, {"schedule": None}], ids=["untagged", "no schedule"]
)
def test_again_takes_few_calls(changes: Any, there: AccountFixture, tmp_path: Path) -> None:
    """
    No more than 40 calls, and none twice with the same parameters.
    """
    spec = a_spec(tmp_path / "job", **changes)
    ensure_stack(spec, session=there.session, clock=there.clock)
    with there.calls() as seen:
        ensure_stack(spec, session=there.session, clock=there.clock)
    assert len(seen) <= MOST_CALLS, sorted(call.name for call in seen)
    assert len(set(map(repr, seen))) == len(seen)


def test_again_is_two_round_trips_deep(there: AccountFixture, tmp_path: Path) -> None:
    """
    Reads that don't need one another's answers are made at the same time.
    """
    spec = a_spec(tmp_path / "job", table=None, bucket=None)
    ensure_stack(spec, session=there.session, clock=there.clock)
    sizes = []
    for _ in range(3):  # a machine under load may make a thread look as if it waited
        with round_trips(there.session) as counted:
            ensure_stack(spec, session=there.session, clock=there.clock)
        sizes.append(counted.sizes)
    assert min(map(len, sizes)) <= ATTEMPTS, sizes


def test_making_it_is_as_deep_as_its_longest_chain(there: AccountFixture, tmp_path: Path) -> None:
    """
    Two round trips of reads, then one for each call from the VPC to the machine: nothing waits for
    what it doesn't need.
    """
    spec = a_spec(tmp_path / "job", image="alpine:3", schedule=None, table=None, bucket=None)
    with round_trips(there.session) as counted:
        ensure_stack(spec, session=there.session, clock=there.clock)
    assert counted.depth <= ATTEMPTS + len(CHAIN), counted.sizes


def test_planning_changes_nothing_and_tells_all(there: AccountFixture, spec: StackSpec) -> None:
    """
    Before, a plan creates all of it in order; afterwards it is empty; AWS is never changed.
    """
    before = inventory(there)
    with there.calls() as seen:
        plan = plan_stack(spec, session=there.session, clock=there.clock)
    assert mutating(seen) == [] and inventory(there) == before
    assert {item.action for item in plan.changes} == {Action.CREATE}
    with there.calls() as seen:
        stack = ensure_stack(spec, session=there.session, clock=there.clock)
    assert str(stack.plan) == str(plan)
    planned = {str(call.operation.name) for item in plan.items for call in item.calls}
    assert set(mutating(seen)) <= planned | {"PutImage"}
    assert plan_stack(spec, session=there.session, clock=there.clock).empty


@pytest.mark.parametrize("workers", [1, 8])
def test_destroying_leaves_what_was_there(
    workers: int, there: AccountFixture, spec: StackSpec, tmp_path: Path
) -> None:
    """
    Foreign resources and another stack are as they were; nothing of the stack is left.
    """
    furnish(there)
    other = a_spec(tmp_path / "other", name="movies-2", table=None, bucket=None, image="alpine:3")
    with pytest.raises(Exception, match="movies-2"):
        ensure_stack(other, session=there.session, clock=there.clock)
    other = a_spec(tmp_path / "other", name="movies-b", table=None, bucket=None, image="alpine:3")
    ensure_stack(other, session=there.session, clock=there.clock)
    before = inventory(there)
    ensure_stack(spec, session=there.session, clock=there.clock)
    assert list_stacks(session=there.session, clock=there.clock) == ["movies", "movies-b"]
    teardown = destroy_stack(
        "movies", session=there.session, clock=there.clock, delete_data=True, workers=workers
    )
    assert inventory(there) == before
    assert teardown.kept == () and "JobQueue movies" in teardown.deleted
    assert plan_stack(other, session=there.session, clock=there.clock).empty


def test_destroying_again_finds_nothing(there: AccountFixture, spec: StackSpec) -> None:
    """
    A stack that is gone, or never was, is no error: there is nothing to delete.
    """
    ensure_stack(spec, session=there.session, clock=there.clock)
    destroy_stack(spec, session=there.session, clock=there.clock, delete_data=True)
    with there.calls() as seen:
        teardown = destroy_stack(spec, session=there.session, clock=there.clock)
    assert teardown.deleted == () and mutating(seen) == []
    with pytest.raises(StackNotFound, match="movies"):
        describe_stack("movies", session=there.session, clock=there.clock)


def test_a_stack_is_described_without_its_spec(there: AccountFixture, spec: StackSpec) -> None:
    """
    Its name is enough to find what it has, and to run it.
    """
    made = ensure_stack(spec, session=there.session, clock=there.clock)
    with there.calls() as seen:
        found = describe_stack("movies", session=there.session, clock=there.clock)
    assert mutating(seen) == []
    listed = {key: value for key, value in made.outputs.items() if key in found.outputs}
    assert {key.split()[0] for key in made.outputs.keys() - found.outputs.keys()} <= {
        "Image",
        "Route",
    }
    assert found.outputs == listed


def test_a_run_succeeds_and_gives_its_lines(there: AccountFixture, spec: StackSpec) -> None:
    """
    The job runs with the environment of its definition and the overrides of the run.
    """
    stack = ensure_stack(spec, session=there.session, clock=there.clock)
    running = describe_stack(stack.name, session=there.session)
    run = running.run()
    assert run.wait(30).status == "SUCCEEDED"
    assert [line.text for line in run.logs()] == ["hello world"]
    again = running.run({"WHO": "you"}, wait=True)
    assert [line.text for line in again.logs()] == ["hello you"]


def test_every_client_comes_from_the_callers_session(
    there: AccountFixture, spec: StackSpec
) -> None:
    """
    A hook on the session that is passed sees each request that reaches AWS.
    """
    reached: list[str] = []
    hooked: list[str] = []
    patches = Patches()

    @patches(BotocoreStubber, "__call__", reason="every request of this process passes through it")
    def count(original: Any, self: Any, event_name: str, request: Any, **given: Any) -> Any:
        reached.append(event_name)
        return original(self, event_name, request, **given)

    there.session.events.register("before-send", lambda event_name, **_: hooked.append(event_name))
    with apply_all(patches):
        ensure_stack(spec, session=there.session, clock=there.clock)
        destroy_stack(spec, session=there.session, clock=there.clock, delete_data=True)
    assert len(reached) > 100 and sorted(reached) == sorted(hooked)
