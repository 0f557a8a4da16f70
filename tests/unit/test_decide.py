"""
Comparing: keep, create, update, adopt, refuse.
"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from fakes import here

from batchkit import Action, JobQueue, LogGroup, NotOwnedError, ReplacementNeeded, Role, Vpc
from batchkit._engine.compare import Change, changes, decide
from batchkit._engine.order import in_order
from batchkit._engine.outputs import Outputs
from batchkit._engine.plan import make
from batchkit._model.names import digest
from batchkit._model.tags import written
from batchkit._model.values import Arn, Ref

QUEUE = JobQueue(name="movies", compute_environments=["arn:a"], tags={"team": "data"})
GROUP = LogGroup(name="movies")
VPC = Vpc(name="movies")


def actual(desired: Any, **outputs: Any) -> Any:
    given = {"owner": desired.stack, "state": "VALID", "reason": "", "arn": "arn:x", **outputs}
    given["written"] = written(desired.tags)
    known = {name: value for name, value in given.items() if hasattr(desired, name)}
    return evolve(desired, **known)


def test_what_is_not_there_is_created() -> None:
    """
    A resource of that name that is being deleted counts as absent.
    """
    assert decide(QUEUE, []).action is Action.CREATE
    going = actual(QUEUE, state="DELETING")
    decision = decide(QUEUE, [going])
    assert (decision.action, decision.actual) == (Action.CREATE, going)


def test_what_is_as_wanted_is_kept() -> None:
    """
    Further tags that others have put there are no difference.
    """
    there = actual(QUEUE, tags={"team": "data", "cost": "7"})
    decision = decide(QUEUE, [there])
    assert (decision.action, decision.changes, decision.reason) == (Action.KEEP, (), "")


def test_what_differs_is_updated_and_named() -> None:
    """
    Each field with both values.
    """
    there = actual(QUEUE, priority=7, tags={})
    decision = decide(QUEUE, [there])
    assert decision.action is Action.UPDATE
    assert list(decision.changes) == [
        Change("tags", {}, {"team": "data"}),
        Change("priority", 7, 1),
    ]
    assert decision.reason == "tags, priority"


def test_what_is_broken_is_updated_although_nothing_differs() -> None:
    """
    Its state is what differs.
    """
    decision = decide(QUEUE, [actual(QUEUE, state="INVALID")])
    assert [change.field for change in decision.changes] == ["state"]


@pytest.mark.parametrize(("owner", "whose"), [("", "no such tag"), ("films", "stack 'films'")])
def test_what_is_not_the_stacks_is_refused(owner: str, whose: str) -> None:
    """
    Whether it is another stack's or nobody's; the message says what to do.
    """
    with pytest.raises(NotOwnedError, match=whose) as caught:
        decide(QUEUE, [actual(QUEUE, owner=owner)])
    assert "arn:x" in str(caught.value) and "adopt=True" in str(caught.value)


def test_what_is_adopted_gets_the_tags_and_what_differs() -> None:
    """
    Tags first, and only once.
    """
    decision = decide(QUEUE, [actual(QUEUE, owner="", tags={}, priority=7)], adopt=True)
    assert decision.action is Action.ADOPT
    assert [change.field for change in decision.changes] == ["tags", "priority"]
    calls = [repr(step) for step in decision.steps()]
    assert calls[0].startswith("batch:UpdateJobQueue") and "batch:TagResource" in calls[-1]


def test_what_aws_cannot_change_is_refused_unless_it_is_not_known_yet() -> None:
    """
    A reference to something that is still to be made is no value to compare.
    """
    there = actual(VPC, cidr="10.2.0.0/16", id="vpc-1")
    with pytest.raises(ReplacementNeeded, match="cidr from '10.2.0.0/16' to '10.1.0.0/16'"):
        decide(VPC, [there])
    from batchkit import Subnet

    subnet = Subnet(name="a", vpc=Ref("Vpc", "movies", "id"), cidr="10.1.0.0/24")
    decision = decide(subnet, [actual(subnet, vpc="vpc-1")])
    assert [change.field for change in decision.changes] == ["vpc"]


class Elsewhere:
    """
    A client of AWS that only knows where it leads.
    """

    def resolve(self, placeholder: Any) -> Any:
        return here(placeholder)


def test_known_outputs_take_the_place_of_references() -> None:
    """
    What is learnt takes the place of references, ARNs are written out, the rest stays.
    """
    aws: Any = Elsewhere()
    known = Outputs(aws)
    known.learn(("Vpc", "movies"), {"id": "vpc-1", "state": Ref("Vpc", "movies", "state")})
    assert known.of(("Vpc", "movies")) == {"id": "vpc-1"}
    assert known.resolve([VPC.id, Ref("Vpc", "other", "id")]) == [
        "vpc-1",
        Ref("Vpc", "other", "id"),
    ]
    role = Role(name="r", service="x.amazonaws.com", managed=[Arn("iam", "policy/p", region=False)])
    resolved = known.resolve_fields(role)
    assert isinstance(resolved, Role)
    assert resolved.managed == ("arn:aws:iam::123456789012:policy/p",)
    known.forget(("Vpc", "movies"))
    assert known.resolve(VPC.id) == VPC.id


def test_a_plan_reads_like_a_list_of_what_is_done() -> None:
    """
    One line a resource with its sign, one a field; what is kept is only counted.
    """
    plan = make(
        "movies",
        [
            decide(QUEUE, [actual(QUEUE, priority=7)]),
            decide(GROUP, []),
            decide(VPC, [actual(VPC, id="vpc-1")]),
        ],
        [actual(LogGroup(name="old"))],
    )
    assert str(plan).splitlines() == [
        "movies: 1 to create, 1 to update, 1 to keep, 1 to delete",
        "~ JobQueue movies",
        "    priority: 7 -> 1",
        "+ LogGroup movies",
        "- LogGroup old",
    ]
    assert not plan.empty and [item.name for item in plan.changes][-1] == "old"
    assert str(make("movies", [], [])) == "movies: nothing"


def test_resources_come_behind_what_they_refer_to() -> None:
    """
    Whatever the order in which they are given.
    """
    queue = evolve(QUEUE, depends_on=(GROUP.exists,))
    ordered = in_order([queue, GROUP, VPC])
    assert ordered.index(GROUP) < ordered.index(queue) and VPC in ordered


def test_a_resource_shows_and_identifies_itself() -> None:
    """
    By kind and name; its identity is its id or ARN once there is one.
    """
    assert str(QUEUE) == "JobQueue movies" and QUEUE.key == ("JobQueue", "movies")
    assert (actual(VPC, id="vpc-1").identity, actual(QUEUE).identity) == ("vpc-1", "arn:x")
    assert changes(QUEUE, actual(QUEUE)) == ()
    assert digest("a", 1) == digest("a", 1) != digest("a", 2)
