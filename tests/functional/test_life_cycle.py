"""
The life of every kind: made, left alone, changed by others, repaired, left alone, deleted.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import resource_cases_batch
import resource_cases_ec2
import resource_cases_network
import resource_cases_stores
from account_fixture import STACK, AccountFixture
from fakes import mutating
from resource_cases import ResourceCase

from batchkit._model.properties import compared_fields
from batchkit._model.values import references
from batchkit.errors import ReplacementNeeded
from batchkit.events import Action
from batchkit.resources.image import Image
from batchkit.resources.image_reference import ImageReference
from batchkit.resources.resource_types import RESOURCE_TYPES, variants

CASES: dict[str, ResourceCase] = {
    **resource_cases_network.CASES,
    **resource_cases_stores.CASES,
    **resource_cases_batch.CASES,
    **resource_cases_ec2.CASES,
}
FIXED = [
    pytest.param(case, field, other, id=f"{name}.{field}")
    for name, case in CASES.items()
    for field, other in case.fixed.items()
]
EACH = [pytest.param(case, id=name) for name, case in CASES.items()]
TAGGED = [pytest.param(one, id=name) for name, one in CASES.items() if "tags" in one.drifts]


@pytest.mark.parametrize("case", EACH)
def test_made_once_and_then_left_alone(case: ResourceCase, there: AccountFixture) -> None:
    """
    The first ensure makes it with exactly the calls it takes; the second makes no change.
    """
    desired = case.desired(there)
    with there.calls() as seen:
        made = there.ensure(desired)
    assert sorted(mutating(seen)) == sorted(case.creates)
    assert made.key == desired.key and made.owned
    assert not list(references(made.identity))
    with there.calls() as seen:
        there.ensure(desired)
    assert mutating(seen) == []


@pytest.mark.parametrize("case", EACH)
def test_what_others_change_is_named_and_repaired(
    case: ResourceCase, there: AccountFixture
) -> None:
    """
    For each field: the plan names it alone; ensuring repairs it with the calls for that.
    """
    desired = case.desired(there)
    there.ensure(desired)
    for field, drift in case.drifts.items():
        (actual,) = there.actual(desired)
        drift.act(there, actual)
        decision = there.decide(desired)
        assert (field, decision.action) == (field, Action.UPDATE)
        assert {change.field for change in decision.changes} == {field, *drift.besides}
        with there.calls() as seen:
            there.ensure(desired)
        assert (field, tuple(mutating(seen))) == (field, drift.repair)
        assert (field, there.decide(desired).action) == (field, Action.KEEP)


@pytest.mark.parametrize("case", TAGGED)
def test_a_tag_that_is_left_out_is_taken_off(case: ResourceCase, there: AccountFixture) -> None:
    """
    Also the last one; the resource is then as if it had never had any.
    """
    desired = attrs.evolve(case.desired(there), tags={})
    there.ensure(desired)
    (before,) = there.actual(desired)
    for tags in ({"Cost": "a", "team": "b"}, {"cost": "a", "team": "b"}, {"team": "c"}, {}):
        wanted = attrs.evolve(desired, tags=tags)
        there.ensure(wanted)
        (actual,) = there.actual(wanted)
        assert actual.tags == tags
        assert there.decide(wanted).action is Action.KEEP
    assert (actual.written, actual) == ("", before)


@pytest.mark.parametrize(("case", "field", "other"), FIXED)
def test_what_aws_cannot_change_is_refused_before_any_change(
    case: ResourceCase, field: str, other: Any, there: AccountFixture
) -> None:
    """
    Another value of a fixed field is a ReplacementNeeded that names the field and both values.
    """
    desired = case.desired(there)
    there.ensure(desired)
    changed = attrs.evolve(desired, **{field: other})
    with there.calls() as seen, pytest.raises(ReplacementNeeded) as caught:
        there.ensure(changed)
    assert mutating(seen) == []
    for part in (field, repr(getattr(desired, field)), repr(other)):
        assert part in str(caught.value)


@pytest.mark.parametrize("case", EACH)
def test_found_by_its_stack_and_deleted(case: ResourceCase, there: AccountFixture) -> None:
    """
    A teardown finds it without its spec, deletes it with the calls it takes, and it is gone.
    """
    desired = case.desired(there)
    there.ensure(desired)
    found = there.found(type(desired)) if case.lists else there.actual(desired)
    assert [(one.key, one.owned) for one in found] == [(desired.key, True)]
    with there.calls() as seen:
        outcome = there.delete(found)
    assert outcome.failed == {} and outcome.not_started == []
    *stripped, deleted = mutating(seen)
    assert (sorted(stripped), deleted) == (sorted(case.deletes[:-1]), case.deletes[-1])
    assert not any(one.state not in one.DELETING for one in there.actual(desired))
    assert there.delete(found).failed == {}


@pytest.mark.parametrize("case", EACH)
def test_another_stack_does_not_find_it(case: ResourceCase, there: AccountFixture) -> None:
    """
    What a stack owns is not found by the teardown of another, not even of one that begins alike.
    """
    desired = case.desired(there)
    there.ensure(desired)
    assert there.found(type(desired), "movie") == []
    assert there.found(type(desired), STACK + "2") == []


def test_every_resource_type_and_every_compared_field_has_its_case() -> None:
    """
    A resource type or a property can't be added without its place in the tables above.
    """
    covered: dict[str, set[str]] = {}
    for name, case in CASES.items():
        covered.setdefault(name.split()[0], set()).update(case.drifts, case.fixed)
    missing: dict[str, set[str]] = {}
    for resource_type in RESOURCE_TYPES:
        if resource_type.INTERNAL or resource_type in (Image, ImageReference):
            continue  # bookkeeping, and images, which have no properties that AWS could change
        for variant in variants(resource_type):
            lacking = {a.name for a in compared_fields(variant)} - covered[resource_type.__name__]
            if lacking:
                missing[variant.__name__] = lacking
    # A route is found by its destination, a schedule in its group; both go with what has tags.
    assert missing == {"Route": {"tags", "destination"}, "Schedule": {"tags", "group"}}
