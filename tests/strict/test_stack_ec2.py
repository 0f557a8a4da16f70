"""
Stacks on instances of EC2, on the strict AWS: made, crashed, changed beside a job, and taken down.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from batchkit import Ec2, StackSpec

from .broken_stacks import IMAGE, Scene, push
from .simulator import StrictAws
from .simulator.batch.programs import Program
from .stacks import (
    BARE,
    NAME,
    counts,
    crashing,
    destroy,
    make,
    new_mutations,
    operations,
    unchanged,
)

FULL = attrs.evolve(
    BARE, vcpus=4, memory=15_000, gpus=1, compute=Ec2(spot=True, disk=200, min_vcpus=4)
)
OWN = StackSpec(name=NAME, image=BARE.image, compute="unmanaged")
SPECS = {"plain": attrs.evolve(BARE, compute=Ec2()), "full": FULL, "unmanaged": OWN}


@pytest.mark.parametrize("what", SPECS)
def test_it_comes_up_once_and_goes_without_a_trace(what: str, strict_aws: StrictAws) -> None:
    """
    Though roles and profiles are known only after some seconds.
    """
    before = strict_aws.snapshot()
    make(strict_aws, SPECS[what])
    strict_aws.clock.advance(60)
    with unchanged(strict_aws):
        make(strict_aws, SPECS[what], by=strict_aws.another())
    destroy(strict_aws)
    assert strict_aws.snapshot() == before


@pytest.mark.rule(140)
@pytest.mark.parametrize("seed", range(4))
def test_a_profile_that_is_new_is_waited_for(seed: int) -> None:
    """
    Whether Batch refuses it at once or reports INVALID later.
    """
    with StrictAws(seed=seed) as aws:
        make(aws, SPECS["plain"])
        assert aws.hits[140]
        assert counts(aws, {})["compute-environment"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("after", range(1, 40, 4))
@pytest.mark.parametrize("what", ["full", "unmanaged"])
def test_a_crash_anywhere_leaves_nothing_that_a_teardown_does_not_find(
    what: str, after: int
) -> None:
    """
    It is gone on with from there, or taken down from there.
    """
    with StrictAws(seed=after) as aws:
        before = aws.snapshot()
        crashed = crashing(aws, lambda process: make(aws, SPECS[what], by=process), after)
        aws.clock.advance(60)  # what is new isn't listed yet
        destroy(aws, by=aws.another())
        assert aws.snapshot() == before
        if crashed:
            crashing(aws, lambda process: make(aws, SPECS[what], by=process), after)
            make(aws, SPECS[what], by=aws.another())
            with unchanged(aws):
                make(aws, SPECS[what], by=aws.another())


TWO_HOURS = Program(seconds=7200)
CHANGES: dict[str, dict[str, Any]] = {
    "types": {"compute": Ec2(types=["m6i"], min_vcpus=4)},
    "disk": {"compute": Ec2(disk=100)},
    "AMI": {"compute": Ec2(ami="ami-12345678")},
    "Spot": {"compute": Ec2(spot=True)},
    "tags": {"tags": {"team": "red"}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_job_of_two_hours_goes_on_beside_every_change(what: str) -> None:
    """
    The environment that it runs on keeps no instance of its own, and goes once it is idle.
    """
    with StrictAws(seed=3) as aws:
        at = Scene(aws, compute=Ec2(min_vcpus=4), vcpus=4, memory=8000, timeout=20_000)
        at.program("long", TWO_HOURS)
        run = at.submit("long")
        assert run.status == "RUNNING"
        old = {one["computeEnvironmentName"] for one in environments(at)}
        at.mend(**CHANGES[what])
        assert run.refresh().status == "RUNNING"
        (left,) = [one for one in environments(at) if one["computeEnvironmentName"] in old]
        # It isn't turned off: in the queue of another lane a job may still wait for it.
        kept = left["computeResources"]["minvCpus"]
        assert (left["state"], kept) == ("ENABLED", 0)
        with unchanged(aws):
            at.mend(**CHANGES[what])
        assert run.wait().status == "SUCCEEDED"
        at.mend(**CHANGES[what])
        assert at.submit().status == "SUCCEEDED"


def environments(at: Scene) -> list[dict[str, Any]]:
    """
    The compute environments that are there.
    """
    found = at.client("batch").describe_compute_environments()["computeEnvironments"]
    return [*found]


def test_scaling_leaves_the_job_alone() -> None:
    """
    One call, in place.
    """
    with StrictAws(seed=4) as aws:
        at = Scene(aws, compute=Ec2(), vcpus=4, memory=8000, timeout=20_000)
        at.program("long", TWO_HOURS)
        run = at.submit("long")
        with new_mutations(aws) as done:
            at.mend(compute=Ec2(min_vcpus=4, max_vcpus=64, keep_minutes=30))
        assert operations(done) == ["UpdateComputeEnvironment"]
        assert run.refresh().status == "RUNNING"
        assert run.wait().status == "SUCCEEDED"


@pytest.mark.rule(144)
def test_a_job_that_fits_no_type_waits_and_says_why() -> None:
    """
    What the system and the agent take of an instance isn't there for jobs.
    """
    with StrictAws(seed=5) as aws:
        compute = Ec2(types=["m6i.2xlarge"])
        at = Scene(aws, compute=compute, vcpus=4, memory=32_768)
        run = at.submit()
        assert run.status == "RUNNABLE"
        at.clear()
        at.mend(memory=30_000)
        assert at.submit().status == "SUCCEEDED"


@pytest.mark.rule(146)
def test_jobs_wait_for_instances_of_ones_own() -> None:
    """
    They run as soon as one has joined.
    """
    with StrictAws(seed=6) as aws:
        at = Scene(aws, compute="unmanaged")
        run = at.submit()
        assert run.status == "RUNNABLE"
        (environment,) = environments(at)
        aws.account.add("instance", "i-1", cluster=environment["ecsClusterArn"], type="m6i.large")
        assert run.wait().status == "SUCCEEDED"


def test_from_ec2_to_fargate_the_job_goes_on_and_then_nothing_of_ec2_is_left() -> None:
    """
    Profile, role and template stay as long as the job needs them.
    """
    with StrictAws(seed=7) as aws:
        compute = Ec2(disk=100, min_vcpus=4)
        at = Scene(aws, compute=compute, vcpus=4, memory=8192, timeout=20_000)
        at.program("long", TWO_HOURS)
        run = at.submit("long")
        at.mend(compute="fargate")
        assert run.refresh().status == "RUNNING"
        assert {"instance-profile", "launch-template"} <= {*counts(aws, {})}
        with unchanged(aws):
            at.mend(compute="fargate")
        assert at.submit().status == "SUCCEEDED"
        assert run.wait().status == "SUCCEEDED"
        at.mend(compute="fargate")
        assert not {"instance-profile", "launch-template"} & {*counts(aws, {})}
        assert not [key for key in aws.snapshot() if "instance" in key]


@pytest.mark.rule(143)
def test_what_somebody_changes_by_hand_is_put_back_and_ends_no_job() -> None:
    """
    It has as long as Batch gives it.
    """
    with StrictAws(seed=8) as aws:
        at = Scene(aws, compute=Ec2(), vcpus=4, memory=8000, timeout=20_000)
        at.program("long", TWO_HOURS)
        run = at.submit("long")
        (environment,) = environments(at)
        at.client("batch").update_compute_environment(
            computeEnvironment=environment["computeEnvironmentName"],
            computeResources={"instanceTypes": ["m6i.2xlarge"]},
            updatePolicy={"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 7200},
        )
        at.later()
        with new_mutations(aws) as done:
            at.mend()
        assert operations(done) == ["UpdateComputeEnvironment"]
        assert run.wait().status == "SUCCEEDED"


def test_arm_is_the_architecture_of_the_instances() -> None:
    """
    The job definition can't hold it: an image for ARM runs, and one for x86 is found.
    """
    with StrictAws(seed=9) as aws:
        at = Scene(aws, compute="ec2", memory=8000)
        for machine in ("arm64", "amd64"):
            push(at, machine=machine, tag=machine)
        arm = IMAGE.replace(":1", ":arm64")
        at.mend(compute="ec2", architecture="ARM64", image=arm)
        assert at.submit().status == "SUCCEEDED"
        assert at.stack.diagnose() == []
        at.mend(compute="ec2", architecture="ARM64", image=IMAGE.replace(":1", ":amd64"))
        (found,) = at.submit().explain()
        assert found.rule == "wrong-architecture" and "isn't built for ARM64" in found.message
