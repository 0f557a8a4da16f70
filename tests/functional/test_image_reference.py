"""
An image in ECR that the stack didn't build: named by its tag, pinned to its digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from account_fixture import AccountFixture
from batchkit import ImageError, Stack, StackSpec, destroy_stack, ensure_stack, plan_stack
from fakes import mutating
from injected_faults import Refuse, before

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
Push = Callable[..., str]


@pytest.fixture
def push(there: AccountFixture) -> Push:
    """
    Pushes an image of a team's own to ECR; gives its digest.
    """
    there.ecr.create_repository(repositoryName="team/job")

    def put(content: str, tag: str = "v1") -> str:
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "note": content}
        answer = there.ecr.put_image(
            repositoryName="team/job",
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=MANIFEST,
            imageTag=tag,
        )
        return str(answer["image"]["imageId"]["imageDigest"])

    return put


def spec(reference: str) -> StackSpec:
    return StackSpec(name="movies", image=f"{HOST}/team/job{reference}")


def ensure(there: AccountFixture, reference: str) -> Stack:
    return ensure_stack(spec(reference), session=there.session, clock=there.clock)


def images(there: AccountFixture) -> list[str]:
    """
    The image of each revision of the job definition, the newest first.
    """
    found = there.batch.describe_job_definitions(jobDefinitionName="movies")["jobDefinitions"]
    found.sort(key=lambda one: -one["revision"])
    return [one["containerProperties"]["image"] for one in found]


@pytest.mark.parametrize("tag, reference", [("v1", ":v1"), ("latest", "")])
def test_a_job_names_it_by_digest(
    tag: str, reference: str, push: Push, there: AccountFixture
) -> None:
    """
    What runs is what the tag named when the stack was ensured; a second time changes nothing.
    """
    digest = push("one", tag)
    ensure(there, reference)
    assert images(there) == [f"{HOST}/team/job@{digest}"]
    with there.calls() as seen:
        assert ensure(there, reference).plan.empty
    assert mutating(seen) == []


def test_a_tag_that_moved_is_a_change(push: Push, there: AccountFixture) -> None:
    """
    The plan shows it, and the next revision names the new digest.
    """
    push("one")
    ensure(there, ":v1")
    moved = push("two")
    plan = plan_stack(spec(":v1"), session=there.session, clock=there.clock)
    assert [item.resource_type for item in plan.changes] == ["JobDefinition", "StateMachine"]
    assert moved in str(plan)
    ensure(there, ":v1")
    assert images(there)[0] == f"{HOST}/team/job@{moved}"


def test_a_digest_is_taken_as_it_is(push: Push, there: AccountFixture) -> None:
    """
    Nothing is looked up for it.
    """
    digest = push("one")
    with there.calls() as seen:
        ensure(there, f"@{digest}")
    assert images(there) == [f"{HOST}/team/job@{digest}"]
    assert "DescribeImages" not in [call.name for call in seen]


def test_one_that_is_not_there_costs_nothing(push: Push, there: AccountFixture) -> None:
    """
    The error names it, and nothing was made.
    """
    push("one")
    with there.calls() as seen, pytest.raises(ImageError, match=r"team/job:v2; push it first"):
        ensure(there, ":v2")
    assert mutating(seen) == []


def test_one_that_may_not_be_looked_up_keeps_its_tag(push: Push, there: AccountFixture) -> None:
    """
    Another account may let its images be pulled, and not described.
    """
    push("one")
    denied = Refuse("AccessDeniedException", 400)
    with before(there.session, "before-call.ecr.DescribeImages", denied):
        ensure(there, ":v1")
    assert images(there) == [f"{HOST}/team/job:v1"]


def test_it_stays_when_the_stack_goes(push: Push, there: AccountFixture) -> None:
    """
    It isn't the stack's own.
    """
    digest = push("one")
    ensure(there, ":v1")
    destroy_stack("movies", session=there.session, clock=there.clock)
    actual = there.ecr.describe_images(repositoryName="team/job")["imageDetails"]
    assert [one["imageDigest"] for one in actual] == [digest]
