"""
Changes of a spec beside a job that waits, runs, or is between two attempts: the job ends well, what
it works with goes once it has ended, and until then the plan and an event say what waits for it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from rich.console import Console

from batchkit import Ec2, Fargate, Nat, Run, plan_stack, s3_read
from batchkit._display import html, terminal
from batchkit._docker.publisher import Publication, RegistryPublisher
from batchkit._engine.plan import Plan
from batchkit.cli import outputs
from batchkit.events import Event, Phase

from .broken_stacks import ELSEWHERE, IMAGE, Scene
from .policy_cases import MANIFEST
from .simulator import StrictAws
from .simulator.batch.programs import Program
from .stacks import NAME, make, operations, unchanged

WORK = Program(seconds=900, calls=["s3:GetObject"])
READS = {"grants": [s3_read("words")]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictAws]:
    """
    An account to whose registry images get without Docker.
    """
    with StrictAws(seed=11, rules_off=[99]) as account:

        def publish(self: RegistryPublisher, image: Publication) -> str:
            ecr = account.raw.client("ecr")
            put = ecr.put_image(repositoryName=NAME, imageManifest=MANIFEST, imageTag=image.tag)
            return str(put["image"]["imageId"]["imageDigest"])

        monkeypatch.setattr(RegistryPublisher, "publish", publish)
        monkeypatch.setattr(RegistryPublisher, "needs_docker", False)
        yield account


def queue(at: Scene) -> str:
    """
    The name of the queue of the stack as it is now.
    """
    return at.id("JobQueue").rpartition("/")[2]


def running(at: Scene) -> Run:
    """
    A job that runs, in the last subnet of its environment.
    """
    at.program("work", WORK)
    subnets = [v for k, v in sorted(at.stack.outputs.items()) if "private" in k]
    at.aws.account.add("task subnet", "next", subnet=subnets[-1])
    run = at.submit("work", attempts=2)
    assert run.status == "RUNNING"
    return run


def runnable(at: Scene) -> Run:
    """
    A job that waits for its first attempt.
    """
    at.program("work", WORK)
    at.aws.account.add("blocked", queue(at))
    run = at.submit("work", attempts=2)
    assert run.status == "RUNNABLE"
    return run


def between(at: Scene) -> Run:
    """
    A job whose first attempt has failed, and which waits for the second.
    """
    at.program("work", Program(exit=1, seconds=30))
    run = at.stack.submit(["work"], attempts=2)
    at.later(25)
    at.aws.account.add("blocked", queue(at))
    at.later(60)
    at.program("work", WORK)
    assert run.refresh().status == "RUNNABLE"
    return run


def let_go(at: Scene) -> None:
    """
    Nothing keeps the job from running to its end.
    """
    for held in [*at.aws.account.all("blocked")]:
        at.aws.account.drop("blocked", held.id)
    at.later(1200)


Change = tuple[dict[str, Any], dict[str, Any], str]
CHANGES: dict[str, Change] = {
    "compute": ({"compute": "fargate-spot"}, {"compute": "fargate"}, "ComputeEnvironment"),
    "role": ({}, {"compute": Fargate(service_role="linked")}, "Role"),
    "zones": ({"network": Nat(zones=2)}, {"network": Nat(zones=1)}, "ComputeEnvironment"),
    "secrets": ({}, {"secrets": {}}, "Role"),
    "grants": ({}, {"grants": ()}, "Role"),
    "image": ({"image": "folder"}, {"image": ELSEWHERE}, "Repository"),
    "size": ({"vcpus": 8, "memory": 16384, "compute": Fargate(max_vcpus=8)},
             {"vcpus": 1, "memory": 2048, "compute": Fargate(max_vcpus=2)}, "ComputeEnvironment"),
    "limit": ({"runnable_limit": 7200}, {"runnable_limit": 600}, "JobQueue"),
}  # fmt: skip


def scene(aws: StrictAws, folder: Path, given: dict[str, Any]) -> Scene:
    """
    The stack as it is before the change.
    """
    if given.get("image") == "folder":
        (folder / "Dockerfile").write_text("FROM scratch\nCMD work\n")
        given = {**given, "image": folder}
    return Scene(aws, **{**READS, **given})


@pytest.mark.slow
@pytest.mark.parametrize("situation", [running, runnable, between])
@pytest.mark.parametrize("change", CHANGES)
def test_a_job_outlives_every_change(
    aws: StrictAws, tmp_path: Path, change: str, situation: Callable[[Scene], Run]
) -> None:
    """
    It ends as it would have without the change; afterwards the stack is as the spec says.
    """
    before, after, held = CHANGES[change]
    at = scene(aws, tmp_path, before)
    run = situation(at)
    job = run.jobs[0].id
    said: list[Event] = []
    spec = attrs.evolve(at.spec, **after)
    plan = plan_stack(spec, session=aws.another().session, clock=aws.clock)
    at.mend(on_event=said.append, **after)
    assert held in {item.resource_type for item in plan.waiting}
    told = [event for event in said if event.phase is Phase.WAITING and job in event.detail]
    assert held in {event.resource_type for event in told}
    assert job in str(plan)
    let_go(at)
    assert run.refresh().status == "SUCCEEDED"
    make(aws, spec, by=aws.another())
    assert not plan_stack(spec, session=aws.session, clock=aws.clock).waiting
    with unchanged(aws):
        make(aws, spec, by=aws.another())


def test_what_is_idle_goes_beside_a_job(aws: StrictAws) -> None:
    """
    A schedule, its group and its role are pruned while a job runs on an environment that waits.
    """
    at = Scene(aws, compute="fargate-spot", schedule="rate(1 day)", **READS)
    running(at)
    start = len(aws.mutations)
    at.mend(compute="fargate", schedule=None)
    done = operations(aws.mutations[start:])
    assert {"DeleteSchedule", "DeleteScheduleGroup", "DeleteRole"} <= {*done}
    assert "DeleteComputeEnvironment" not in done


def test_the_environment_without_a_task_goes(aws: StrictAws) -> None:
    """
    A job with a task on demand keeps only that environment, though its queue had a Spot one too.
    """
    at = Scene(aws, compute="fargate", **READS)
    running(at)
    at.mend(compute="fargate-spot")
    at.later()
    at.mend(compute=Fargate(service_role="linked"))
    types = [one["computeResources"]["type"] for one in environments(at)]
    assert types == ["FARGATE", "FARGATE"]


def test_a_subnet_waits_for_its_interface(aws: StrictAws) -> None:
    """
    Zone b is left while a task is in it: with its route table, at once, and it says why.
    """
    at = Scene(aws, network=Nat(zones=2), **READS)
    run = running(at)
    said: list[Event] = []
    began = aws.clock.monotonic()
    at.mend(network=Nat(zones=1), on_event=said.append)
    assert aws.clock.monotonic() - began < 300
    assert "DisassociateRouteTable" not in operations(aws.mutations)
    (told,) = [one for one in said if one.resource_type == "Subnet" and one.phase is Phase.WAITING]
    assert "network interface eni-" in told.detail
    let_go(at)
    assert run.refresh().status == "SUCCEEDED"
    at.mend(network=Nat(zones=1))
    assert "DeleteSubnet" in operations(aws.mutations)


def test_the_children_of_an_array_keep_their_environment(aws: StrictAws) -> None:
    """
    Also when the queue hasn't named it for long.
    """
    at = Scene(aws, compute="fargate-spot", **READS)
    at.program("work", WORK)
    batch = at.client("batch")
    array = batch.submit_job(
        jobName="array",
        jobQueue=NAME,
        jobDefinition=NAME,
        arrayProperties={"size": 2},
        containerOverrides={"command": ["work"]},
    )["jobId"]
    at.later()
    for _ in range(2):
        at.mend(compute="fargate")
        types = [one["computeResources"]["type"] for one in environments(at)]
        assert types == ["FARGATE", "FARGATE_SPOT"]
    at.later(1200)
    assert batch.describe_jobs(jobs=[array])["jobs"][0]["status"] == "SUCCEEDED"
    at.mend(compute="fargate")
    assert len(environments(at)) == 1


def test_an_execution_keeps_the_revision_that_it_began_with(aws: StrictAws) -> None:
    """
    However many are registered meanwhile; the others but the newest three are deregistered.
    """
    at = Scene(aws, image=IMAGE, **READS)
    at.aws.account.add("blocked", NAME)
    execution = at.stack.run()
    at.later()
    for memory in range(3072, 8192, 1024):
        at.mend(memory=memory)
    assert revisions(at) == [1, 4, 5, 6]
    at.aws.account.drop("blocked", NAME)
    at.later(600)
    assert execution.refresh().status == "SUCCEEDED"
    at.mend(memory=7168)
    assert revisions(at) == [4, 5, 6]
    with unchanged(aws):
        at.mend(memory=7168)


@pytest.mark.parametrize("old", ["fargate-spot", Ec2(min_vcpus=4)])
def test_a_job_that_waits_in_an_old_queue_still_starts(aws: StrictAws, old: Any) -> None:
    """
    Beside it, the queue keeps each of its environments, turned on, and none keeps an instance.
    """
    at = Scene(aws, compute=old, **READS)
    run = runnable(at)
    at.mend(compute="fargate", architecture="ARM64")
    at.mend(compute="fargate", architecture="ARM64")
    assert {one["state"] for one in environments(at)} == {"ENABLED"}
    assert not any(one["computeResources"].get("minvCpus") for one in environments(at))
    let_go(at)
    assert run.refresh().status == "SUCCEEDED"
    at.mend(compute="fargate", architecture="ARM64")
    assert len(environments(at)) == 1


def environments(at: Scene) -> list[dict[str, Any]]:
    """
    The compute environments that are there, by type.
    """
    held = at.client("batch").get_paginator("describe_compute_environments").paginate()
    found = held.build_full_result()["computeEnvironments"]
    return sorted(found, key=lambda one: str(one["computeResources"]["type"]))


def revisions(at: Scene) -> list[int]:
    """
    The active revisions of the stack's job definition.
    """
    pages = at.raw("batch").get_paginator("describe_job_definitions")
    listed = pages.paginate(jobDefinitionName=NAME, status="ACTIVE").build_full_result()
    return sorted(one["revision"] for one in listed["jobDefinitions"])


def test_a_plan_shows_what_waits(aws: StrictAws) -> None:
    """
    As text, in a notebook and as JSON.
    """
    at = Scene(aws, compute="fargate-spot", **READS)
    job = running(at).jobs[0].id
    spec = attrs.evolve(at.spec, compute="fargate")
    plan = plan_stack(spec, session=aws.session, clock=aws.clock)
    shown = [str(plan), str(html.plan(plan)), json.dumps(outputs.plan(plan)), as_text(plan)]
    assert all("ComputeEnvironment" in one and job in one.replace("\n", "") for one in shown)


def as_text(plan: Plan) -> str:
    """
    What a terminal shows.
    """
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(terminal.plan(plan))
    return console.export_text()
