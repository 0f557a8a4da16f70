"""
A change of the tags alone.
"""

from __future__ import annotations

import attrs

from account_fixture import AccountFixture
from batchkit import Action, JobDefinition, StackSpec, ensure_stack


def test_other_tags_leave_everything_else_as_it_is(there: AccountFixture) -> None:
    """
    The job definition keeps its revision, and the state machine what it runs.
    """
    spec = StackSpec(name="films", image="public.ecr.aws/x/y:1")
    before = ensure_stack(spec, session=there.session, clock=there.clock)
    tagged = attrs.evolve(spec, tags={"team": "data"})
    after = ensure_stack(tagged, session=there.session, clock=there.clock)
    assert after.outputs == before.outputs
    assert after.arn(JobDefinition).endswith(":1")
    fields = {change.field for item in after.plan.changes for change in item.changes}
    assert (fields, {item.action for item in after.plan.changes}) == ({"tags"}, {Action.UPDATE})
    again = ensure_stack(tagged, session=there.session, clock=there.clock)
    assert again.plan.empty
