"""
What has piled up: old revisions of the job definition, and other people's resources.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from account_fixture import AccountFixture
from batchkit import StackSpec, destroy_stack, ensure_stack
from fakes import Seen, mutating

SPEC = StackSpec(name="movies", image="public.ecr.aws/docker/library/python:3.12-slim")


def ensured(there: AccountFixture) -> list[Seen]:
    """
    The calls that it takes to ensure the stack.
    """
    with there.calls() as seen:
        ensure_stack(SPEC, session=there.session, clock=there.clock)
    return seen


def revised(there: AccountFixture, count: int) -> None:
    """
    Somebody, or an earlier version, has registered *count* revisions, each another.
    """
    again = as_registered(there)
    for number in range(count):
        timeout = {"attemptDurationSeconds": 100 + number}
        there.batch.register_job_definition(**{**again, "timeout": timeout})


def repeated(there: AccountFixture, count: int) -> None:
    """
    The same revision has been registered *count* times more.
    """
    again = as_registered(there)
    for _ in range(count):
        there.batch.register_job_definition(**again)


def as_registered(there: AccountFixture) -> dict[str, Any]:
    """
    The request that the only revision was made by.
    """
    (latest,) = active(there)
    told = ("jobDefinitionName", "type", "containerProperties", "platformCapabilities", "tags")
    more = ("retryStrategy", "timeout", "propagateTags")
    return {key: latest[key] for key in (*told, *more) if key in latest}


def active(there: AccountFixture) -> list[Any]:
    """
    The active revisions.
    """
    pages = there.batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="movies", status="ACTIVE"
    )
    return list(pages.build_full_result()["jobDefinitions"])


def crowded(there: AccountFixture, count: int) -> None:
    """
    The account has as many compute environments and queues of others.
    """
    held = there.batch.describe_compute_environments()["computeEnvironments"][0]
    resources = held["computeResources"]
    keys = ("type", "maxvCpus", "subnets", "securityGroupIds")
    for number in range(count):
        there.batch.create_compute_environment(
            computeEnvironmentName=f"other-{number}",
            type="MANAGED",
            computeResources={key: resources[key] for key in keys},
            serviceRole=held["serviceRole"],
        )


CROWDS = [(revised, 250, 3), (repeated, 250, 1), (crowded, 50, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(("crowd", "count", "left"), CROWDS)
def test_calls_follow_the_stack_alone(
    crowd: Callable[[AccountFixture, int], None], count: int, left: int, there: AccountFixture
) -> None:
    """
    After 250 revisions, or beside 50 foreign environments, a no-op makes the calls that it made.
    """
    ensured(there)
    before = ensured(there)
    crowd(there, count)
    ensured(there)
    after = ensured(there)
    assert sorted(one.name for one in after) == sorted(one.name for one in before)
    assert mutating(after) == []
    assert len(active(there)) == left


@pytest.mark.slow
def test_a_teardown_takes_all_revisions(there: AccountFixture) -> None:
    """
    However many there are.
    """
    ensured(there)
    revised(there, 1000)
    destroy_stack("movies", session=there.session, clock=there.clock)
    assert active(there) == []


def test_a_change_prunes_in_the_same_call(there: AccountFixture) -> None:
    """
    Three revisions are left by each change, the newest among them; no change prunes nothing more.
    """
    for memory in (2048, 3072, 4096, 5120, 6144):
        spec = StackSpec(name="movies", image=SPEC.image, memory=memory)
        ensure_stack(spec, session=there.session, clock=there.clock)
    assert sorted(one["revision"] for one in active(there)) == [3, 4, 5]
    with there.calls() as seen:
        stack = ensure_stack(spec, session=there.session, clock=there.clock)
    assert mutating(seen) == [] and stack.plan.empty
