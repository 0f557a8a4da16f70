"""
Rule 109: what AWS can't change is made anew beside the old, or refused before anything is done.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from batchkit import Fargate, Nat, StackSpec, plan_stack
from batchkit.errors import ReplacementNeeded
from batchkit.events import Action, Event

from .broken_stacks import Scene
from .simulator import StrictAws
from .simulator.batch.programs import Program
from .stacks import (
    BARE,
    NAME,
    crashing,
    destroy,
    make,
    new_mutations,
    operations,
    unchanged,
)

SPOT = attrs.evolve(BARE, compute="fargate-spot")
LINKED = attrs.evolve(BARE, compute=Fargate(service_role="linked"))


class Watch:
    """
    Looks at the queue whenever time passes, and remembers when it had no VALID environment.
    """

    def __init__(self, aws: StrictAws) -> None:
        self._aws = aws
        self.gaps: list[float] = []
        self.looks = 0
        aws.clock.watchers.append(self.look)

    def look(self, _: float) -> None:
        """
        Note the time if no compute environment of the queue can run jobs.
        """
        account = self._aws.account
        with account.lock:
            account.tick()
            queue = account.find("queue", NAME)
            environments = [thing["shown"] for thing in account.all("environment")]
        self.looks += 1
        assert queue is not None
        arns = [one["computeEnvironment"] for one in queue["shown"]["computeEnvironmentOrder"]]
        if not any(one["computeEnvironmentArn"] in arns and able(one) for one in environments):
            self.gaps.append(self._aws.clock.monotonic())


def able(environment: dict[str, Any]) -> bool:
    """
    Whether a compute environment can run jobs; one that is updated in place can, too.
    """
    return environment["state"] == "ENABLED" and environment["status"] in ("VALID", "UPDATING")


@pytest.mark.parametrize(("old", "new"), [(BARE, SPOT), (SPOT, BARE), (BARE, LINKED)])
def test_another_kind_of_compute_environment(old: StackSpec, new: StackSpec) -> None:
    """
    Another type, or another sort of role: the new one is made first, the queue is pointed at it,
    and only then the old one goes; at no time is the queue without a VALID one.
    """
    with StrictAws(seed=5) as aws:
        before = aws.snapshot()
        first = make(aws, old)
        assert first.plan.changes
        aws.clock.advance(60)
        plan = plan_stack(new, session=aws.session, clock=aws.clock)
        assert Action.UPDATE in {
            item.action for item in plan.changes if item.resource_type == "JobQueue"
        }
        watch = Watch(aws)
        with new_mutations(aws) as changed:
            make(aws, new, by=aws.another())
        aws.clock.watchers.clear()
        assert watch.looks > 10 and watch.gaps == []
        assert in_order(operations(changed), old, new)
        with unchanged(aws):
            make(aws, new, by=aws.another())
        destroy(aws)
        assert aws.snapshot() == before


def in_order(done: list[str], old: StackSpec, new: StackSpec) -> bool:
    """
    Whether the new was made before the queue changed, and the old deleted after that.
    """
    queue = done.index("UpdateJobQueue")
    made = "CreateComputeEnvironment" not in done or done.index("CreateComputeEnvironment") < queue
    gone = [place for place, name in enumerate(done) if name == "DeleteComputeEnvironment"]
    assert isinstance(new.compute, Fargate) and isinstance(old.compute, Fargate)
    assert bool(gone) == (not new.compute.spot)
    assert ("CreateComputeEnvironment" in done) == (not old.compute.spot)
    return made and all(place > queue for place in gone)


@pytest.mark.parametrize("after", [1, 4, 5])
def test_a_crash_while_it_is_replaced(after: int) -> None:
    """
    Wherever it crashes, the next run ends with the new one alone.
    """
    with StrictAws(seed=after) as aws:
        make(aws, BARE)
        crashing(aws, lambda process: make(aws, LINKED, by=process), after)
        watch = Watch(aws)
        make(aws, LINKED, by=aws.another())
        aws.clock.watchers.clear()
        assert watch.gaps == []
        held = aws.snapshot()
        assert sum(key.startswith("compute-environment/") for key in held) == 1
        assert f"role/{NAME}_batch-us-east-1" not in held
        with unchanged(aws):
            make(aws, LINKED, by=aws.another())


def test_another_network_is_refused(strict_aws: StrictAws) -> None:
    """
    A VPC can't be replaced under running jobs: it says so, and nothing is done.
    """
    make(strict_aws, BARE)
    moved = attrs.evolve(BARE, network=Nat(cidr="10.2.0.0/16"))
    before = strict_aws.snapshot()
    with unchanged(strict_aws):
        with pytest.raises(ReplacementNeeded, match="Vpc films.*10.1.0.0/16.*10.2.0.0/16"):
            make(strict_aws, moved, by=strict_aws.another())
        with pytest.raises(ReplacementNeeded):
            plan_stack(moved, session=strict_aws.session, clock=strict_aws.clock)
    assert strict_aws.snapshot() == before


def test_the_other_way_round_the_role_comes_back(strict_aws: StrictAws) -> None:
    """
    From Batch's own role to a dedicated one: the role is there when the environment needs it.
    """
    make(strict_aws, LINKED)
    make(strict_aws, BARE, by=strict_aws.another())
    assert f"role/{NAME}_batch-us-east-1" in strict_aws.snapshot()
    with unchanged(strict_aws):
        make(strict_aws, BARE, by=strict_aws.another())


def test_the_old_one_stays_while_a_job_runs_on_it() -> None:
    """
    No job is lost: the old one is left, and said to be, until a later call finds it idle.
    """
    with StrictAws(seed=6) as aws:
        at = Scene(aws, compute="fargate-spot")
        at.program("long", Program(seconds=900))
        run = at.submit("long")
        assert run.status == "RUNNING"
        said: list[Event] = []
        at.mend(compute="fargate", on_event=said.append)
        assert [one["computeResources"]["type"] for one in environments(at)] == SORTS
        assert any("stays until a later call" in str(event.detail) for event in said)
        assert run.wait().status == "SUCCEEDED"
        at.mend(compute="fargate")
        assert [one["computeResources"]["type"] for one in environments(at)] == SORTS[:1]
        with unchanged(aws):
            at.mend(compute="fargate")


SORTS = ["FARGATE", "FARGATE_SPOT"]


def environments(at: Scene) -> list[dict[str, Any]]:
    """
    The compute environments that are there, by type.
    """
    held = at.client("batch").describe_compute_environments()["computeEnvironments"]
    return sorted(held, key=lambda one: str(one["computeResources"]["type"]))
